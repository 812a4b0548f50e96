/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/service.h"
#include "tests/cmocka-all.h"

enum { ROOM = 8192, QUEUE_MAX = 100000 };

/* A manager that listens at a name in no folder, and how it is called. */
static int
manager(char name[static 64])
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	int len = snprintf(name, 64, "@p11-agent-test-%ld", (long)getpid());

	memcpy(addr.sun_path + 1, name + 1, (size_t)len - 1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&addr,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    (size_t)len)), 0);
	return fd;
}

static bool
heard(int fd, const char *expected)
{
	char text[ROOM];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (n < 0)
		return false;
	text[n] = '\0';
	if (strcmp(text, expected) == 0)
		return true;
	fprintf(stderr, "heard \"%s\"\n", text);
	return false;
}

static void
states(void **state)
{
	char name[64], reloading[ROOM];
	int fd = manager(name);
	struct service *s;
	ssize_t n;

	(void)state;
	setenv("NOTIFY_SOCKET", name, 1);
	s = service_new();
	assert_non_null(s);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_true(service_tell(s, SERVICE_STARTING, "a"));
	assert_true(heard(fd, "STATUS=a\n"));
	assert_true(service_tell(s, SERVICE_READY, "2 tokens"));
	assert_true(heard(fd, "READY=1\nSTATUS=2 tokens\n"));
	assert_true(service_tell(s, SERVICE_STOPPING, ""));
	assert_true(heard(fd, "STOPPING=1\nSTATUS=\n"));
	assert_true(service_tell(s, SERVICE_RELOADING, "b"));
	n = recv(fd, reloading, sizeof(reloading) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	reloading[n] = '\0';
	assert_ptr_equal(strstr(reloading, "RELOADING=1\nMONOTONIC_USEC="),
	    reloading);
	assert_string_equal(strrchr(reloading, 'S'), "S=b\n");
	service_free(s);
	close(fd);
}

/* An error's text comes from far: it stays one line, and of its length. */
static void
no_orders_in_status(void **state)
{
	char name[64], text[ROOM];
	int fd = manager(name);
	struct service *s;
	ssize_t n;

	(void)state;
	setenv("NOTIFY_SOCKET", name, 1);
	s = service_new();
	assert_non_null(s);
	assert_true(service_tell(s, SERVICE_READY, "x\nMAINPID=1\n\xff"));
	assert_true(heard(fd, "READY=1\nSTATUS=x?MAINPID=1??\n"));
	memset(text, 'y', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_true(service_tell(s, SERVICE_READY, text));
	n = recv(fd, text, sizeof(text), MSG_DONTWAIT);
	assert_in_range(n, 1000, 4096);
	assert_int_equal(text[n - 1], '\n');
	service_free(s);
	close(fd);
}

static void
full_queue_never_waits(void **state)
{
	char name[64];
	int fd = manager(name), sent = 0;
	struct service *s;

	(void)state;
	setenv("NOTIFY_SOCKET", name, 1);
	s = service_new();
	assert_non_null(s);
	while (sent < QUEUE_MAX && service_tell(s, SERVICE_READY, "full"))
		sent++;
	assert_in_range(sent, 1, QUEUE_MAX - 1);
	assert_true(heard(fd, "READY=1\nSTATUS=full\n"));
	assert_true(service_tell(s, SERVICE_READY, "again"));
	service_free(s);
	close(fd);
}

static void
nobody_listens(void **state)
{
	static const char *const names[] = {NULL, "", "/", "relative",
		"@p11-agent-nobody-is-here", "/nowhere/notify"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct service *s;

		unsetenv("NOTIFY_SOCKET");
		if (names[i] != NULL)
			setenv("NOTIFY_SOCKET", names[i], 1);
		s = service_new();
		assert_non_null(s);
		assert_true(service_tell(s, SERVICE_READY, "x"));
		assert_null(getenv("NOTIFY_SOCKET"));
		service_free(s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states),
		cmocka_unit_test(no_orders_in_status),
		cmocka_unit_test(full_queue_never_waits),
		cmocka_unit_test(nobody_listens),
	};

	return cmocka_run_group_tests_name("systemd/notify", tests, NULL,
	    NULL);
}
