/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/reader.h"

#include "tests/cmocka-all.h"

static void
reads_everything(void **state)
{
	static const uint8_t msg[] = {1, 0, 0, 0, 2, 0, 0, 0, 1, 'a', 1, 0, 0,
	    0, 0, 0, 0, 0, 3, 'r', 'w'};
	struct reader r = reader_of(bytes_of(msg, sizeof(msg)));

	(void)state;
	assert_int_equal(reader_u8(&r), 1);
	assert_int_equal(reader_u32(&r), 2);
	assert_true(bytes_is(reader_string(&r), "a"));
	assert_true(reader_bool(&r));
	assert_int_equal(reader_u64(&r), 3);
	assert_true(bytes_is(reader_raw(&r, 2), "rw"));
	assert_int_equal(reader_finish(&r), PARSE_OK);
}

static void
first_fault_sticks(void **state)
{
	struct reader r = reader_of(bytes_of("\0\0\0\5ab", 6));

	(void)state;
	assert_int_equal(reader_string(&r).len, 0);
	assert_int_equal(r.err, PARSE_TRUNCATED);
	assert_int_equal(reader_u8(&r), 0);
	reader_fail(&r, PARSE_VALUE);
	assert_int_equal(reader_finish(&r), PARSE_TRUNCATED);
}

static void
faults(void **state)
{
	struct reader r = reader_of(bytes_of("\2", 1));

	(void)state;
	assert_false(reader_bool(&r));
	assert_int_equal(r.err, PARSE_VALUE);
	r = reader_of(bytes_of("xx", 2));
	(void)reader_u8(&r);
	assert_int_equal(reader_finish(&r), PARSE_TRAILING);
	r = reader_of(bytes_of("\0\0\0\3abc", 7));
	assert_int_equal(reader_string_max(&r, 2).len, 0);
	assert_int_equal(r.err, PARSE_LIMIT);
	r = reader_of(bytes_of("\0\0\0\3abc", 7));
	assert_int_equal(reader_count(&r, 2, 1), 0);
	assert_int_equal(r.err, PARSE_LIMIT);
	r = reader_of(bytes_of("\0\0\0\3abc", 7));
	assert_int_equal(reader_count(&r, 10, 4), 0);
	assert_int_equal(r.err, PARSE_TRUNCATED);
	r = reader_of(bytes_of("\0\0\0\3abc", 7));
	assert_int_equal(reader_count(&r, 10, 1), 3);
	r = reader_of(BYTES_NONE);
	assert_int_equal(reader_u32(&r), 0);
	assert_int_equal(r.err, PARSE_TRUNCATED);
}

static void
every_fault_has_words(void **state)
{
	(void)state;
	for (int e = PARSE_OK; e <= PARSE_MEMORY; e++)
		assert_true(strlen(parse_err_text((enum parse_err)e)) > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_everything),
		cmocka_unit_test(first_fault_sticks),
		cmocka_unit_test(faults),
		cmocka_unit_test(every_fault_has_words),
	};

	return cmocka_run_group_tests_name("common/reader", tests, NULL, NULL);
}
