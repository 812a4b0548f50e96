/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading to the end, from a pipe. */
#include "common/read-all.h"

#include <errno.h>
#include <unistd.h>

#include "tests/cmocka-all.h"

enum { LONG_BYTES = 10000 };

/* Does a buffer of `max` bytes take `len` of them, and then the end? */
static bool
reads(size_t len, size_t max, size_t *ret_len)
{
	static const char text[LONG_BYTES] = "some";
	struct buffer out = BUFFER_INIT(max);
	int ends[2];
	bool ok;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, len), (ssize_t)len);
	close(ends[1]);
	errno = 0;
	ok = read_all(ends[0], &out);
	if (out.len > 0)
		assert_memory_equal(out.p, text, out.len);
	*ret_len = out.len;
	buffer_clear(&out);
	close(ends[0]);
	return ok;
}

static void
takes_what_fits(void **state)
{
	const struct {
		size_t len, max;
	} cases[] = {{0, 0}, {0, 8}, {7, 8}, {8, 8}, {9999, 10000},
	    {LONG_BYTES, LONG_BYTES}};
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%zu of %zu\n", cases[i].len, cases[i].max);
		assert_true(reads(cases[i].len, cases[i].max, &len));
		assert_int_equal(len, cases[i].len);
	}
}

static void
refuses_more(void **state)
{
	const size_t max[] = {0, 8, 4096, LONG_BYTES - 1};
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(max) / sizeof(max[0]); i++) {
		assert_false(reads(LONG_BYTES, max[i], &len));
		assert_int_equal(errno, EFBIG);
		assert_int_equal(len, max[i]);
	}
}

static void
says_what_the_system_says(void **state)
{
	struct buffer out = BUFFER_INIT(8);

	(void)state;
	assert_false(read_all(-1, &out));
	assert_int_equal(errno, EBADF);
	buffer_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_what_fits),
	    cmocka_unit_test(refuses_more),
	    cmocka_unit_test(says_what_the_system_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
