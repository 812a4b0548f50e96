/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/service.h"
#include "tests/cmocka-all.h"

static void
only_for_this_very_stream(void **state)
{
	struct stat st;
	char stream[64];

	(void)state;
	unsetenv("JOURNAL_STREAM");
	assert_null(service_log_socket());
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	assert_non_null(service_log_socket());
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino + 1);
	setenv("JOURNAL_STREAM", stream, 1);
	assert_null(service_log_socket());
	snprintf(stream, sizeof(stream), "%ju:%ju.", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	assert_null(service_log_socket());
	setenv("JOURNAL_STREAM", "", 1);
	assert_null(service_log_socket());
	setenv("JOURNAL_STREAM", "8:", 1);
	assert_null(service_log_socket());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_for_this_very_stream),
	};

	return cmocka_run_group_tests_name("systemd/journal", tests, NULL,
	    NULL);
}
