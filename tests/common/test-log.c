/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/log.h"

#include <fcntl.h>
#include <string.h>
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_and_levels),
		cmocka_unit_test(full_pipe_never_waits),
	};

	return cmocka_run_group_tests_name("common/log", tests, NULL, NULL);
}
