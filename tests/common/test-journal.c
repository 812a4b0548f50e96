/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/journal.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/cmocka-all.h"

enum { ROOM = 8192, LINES = 100000 };

static void
entries(void **state)
{
	static const struct journal_field fields[] = {
		{"MESSAGE", "two\nlines"},
		{"P11_TOKEN", NULL},
		{"PRIORITY", "4"},
		{"EMPTY", ""},
	};
	static const char expected[] = "MESSAGE\n\t\0\0\0\0\0\0\0two\nlines\n"
	    "PRIORITY\n\1\0\0\0\0\0\0\0" "4\n"
	    "EMPTY\n\0\0\0\0\0\0\0\0\n";
	char out[ROOM];

	(void)state;
	assert_int_equal(journal_entry(out, sizeof(out), fields, 4),
	    sizeof(expected) - 1);
	assert_memory_equal(out, expected, sizeof(expected) - 1);
}

/* What fits to the byte is there, what does not is not cut. */
static void
no_room(void **state)
{
	static const struct journal_field fields[] = {
		{"A", "12345"}, /* 16 bytes */
		{"B", "1234"},	/* 15 bytes */
	};
	char out[32];

	(void)state;
	for (size_t size = 0; size < sizeof(out); size++) {
		size_t len = journal_entry(out, size, fields, 2);

		assert_int_equal(len, size < 15 ? 0 : size < 16 ? 15 :
		    size < 31 ? 16 : 31);
	}
}

struct listener {
	int fd;
	char path[64];
};

static int
setup(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct listener *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	snprintf(l->path, sizeof(l->path), "/tmp/journal-test-XXXXXX");
	assert_non_null(mkdtemp(l->path));
	strcat(l->path, "/s");
	memcpy(addr.sun_path, l->path, strlen(l->path) + 1);
	l->fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(l->fd, (const struct sockaddr *)&addr,
	    sizeof(addr)), 0);
	log_to_journal(l->path);
	*state = l;
	return 0;
}

static int
teardown(void **state)
{
	struct listener *l = *state;

	log_to_fd(STDERR_FILENO);
	close(l->fd);
	unlink(l->path);
	*strrchr(l->path, '/') = '\0';
	rmdir(l->path);
	free(l);
	return 0;
}

/* Is there a field with this value in the next entry? */
static bool
next_has(int fd, const char *name, const char *value)
{
	const struct journal_field field = {name, value};
	char entry[ROOM], wanted[ROOM];
	ssize_t n = recv(fd, entry, sizeof(entry), MSG_DONTWAIT);
	size_t len = journal_entry(wanted, sizeof(wanted), &field, 1);

	return n > 0 && memmem(entry, (size_t)n, wanted, len) != NULL;
}

static void
fields_of_lines(void **state)
{
	const struct listener *l = *state;
	const struct log_fields about = {.token = "t", .key = "k",
	    .client = "c", .host = "h"};
	static const struct {
		const char *name;
		const char *value;
	} expected[] = {
		{"MESSAGE", "text 7"}, {"PRIORITY", "4"},
		{"SYSLOG_IDENTIFIER", "me"}, {"P11_TOKEN", "t"},
		{"P11_KEY", "k"}, {"P11_CLIENT", "c"}, {"P11_HOST", "h"},
	};

	log_set_name("me");
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		log_event(LOG_LEVEL_WARN, &about, "text %d", 7);
		assert_true(next_has(l->fd, expected[i].name,
		    expected[i].value));
	}
	log_error("plain");
	assert_true(next_has(l->fd, "PRIORITY", "3"));
	log_debug("not shown");
	assert_false(next_has(l->fd, "PRIORITY", "7"));
}

static void
stopped_journal_never_waits(void **state)
{
	const struct listener *l = *state;
	char entry[ROOM];

	for (int i = 0; i < LINES; i++)
		log_info("line");
	while (recv(l->fd, entry, sizeof(entry), MSG_DONTWAIT) > 0)
		continue;
	log_info("after");
	assert_true(recv(l->fd, entry, sizeof(entry), MSG_DONTWAIT) > 0);
	assert_true(next_has(l->fd, "MESSAGE", "after"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries),
		cmocka_unit_test(no_room),
		cmocka_unit_test_setup_teardown(fields_of_lines, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(stopped_journal_never_waits,
		    setup, teardown),
	};

	return cmocka_run_group_tests_name("common/journal", tests, NULL,
	    NULL);
}
