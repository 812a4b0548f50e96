/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/cmocka-all.h"

/* Standard error as a pipe; the reading end is returned. */
static int
stderr_to_pipe(int *ret_saved)
{
	int p[2];

	assert_int_equal(pipe(p), 0);
	*ret_saved = dup(STDERR_FILENO);
	dup2(p[1], STDERR_FILENO);
	close(p[1]);
	return p[0];
}

static void
lines_and_levels(void **state)
{
	char out[256] = "";
	int saved, fd = stderr_to_pipe(&saved);
	ssize_t n;

	(void)state;
	log_set_name("me");
	log_error("a %d", 1);
	log_debug("not shown");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("shown");
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(fd, out, sizeof(out) - 1);
	close(fd);
	assert_true(n > 0);
	assert_string_equal(out, "me: error: a 1\nme: debug: shown\n");
}

static void
full_pipe_never_waits(void **state)
{
	static char sink[1 << 20];
	int saved, fd = stderr_to_pipe(&saved);
	ssize_t n;

	(void)state;
	for (int i = 0; i < 20000; i++)
		log_error("line %d", i);
	n = read(fd, sink, sizeof(sink) - 1);
	assert_true(n > 0);
	log_error("after");
	n = read(fd, sink, sizeof(sink) - 1);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fd);
	assert_true(n > 0);
	sink[n] = '\0';
	assert_non_null(strstr(sink, "lines were dropped"));
	assert_non_null(strstr(sink, "error: after\n"));
}

/* RFC 3164: 8 times the facility, auth, and the level. */
static void
system_log_has_levels(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char dir[] = "/tmp/p11-test-log.XXXXXX", out[256], wanted[256];
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	ssize_t n;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/log", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	log_set_name("me");
	log_to_system(a.sun_path);
	log_error("one");
	log_info("two");
	n = recv(fd, out, sizeof(out) - 1, 0);
	assert_true(n > 0);
	out[n] = '\0';
	snprintf(wanted, sizeof(wanted), "<35>me[%ld]: error: one",
	    (long)getpid());
	assert_string_equal(out, wanted);
	n = recv(fd, out, sizeof(out) - 1, 0);
	assert_true(n > 4);
	assert_memory_equal(out, "<38>", 4);
	unlink(a.sun_path);
	rmdir(dir);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_and_levels),
		cmocka_unit_test(full_pipe_never_waits),
		cmocka_unit_test(system_log_has_levels),
	};

	return cmocka_run_group_tests_name("common/log", tests, NULL, NULL);
}
