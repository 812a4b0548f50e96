/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/buffer.h"
#include "common/cleanup.h"

#include "tests/cmocka-all.h"

static void
puts_in_ssh_form(void **state)
{
	CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(1024);
	static const uint8_t want[] = {7, 0, 0, 0, 9, 0, 0, 0, 2, 'h', 'i',
	    0, 0, 0, 0, 0, 0, 0, 5, 1};

	(void)state;
	buffer_put_u8(&b, 7);
	buffer_put_u32(&b, 9);
	buffer_put_cstring(&b, "hi");
	buffer_put_u64(&b, 5);
	buffer_put_bool(&b, true);
	assert_false(b.failed);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.p, want, sizeof(want));
}

static void
mpint_drops_zeros_and_keeps_the_sign(void **state)
{
	static const struct {
		const char *in;
		size_t in_len;
		const char *out;
		size_t out_len;
	} cases[] = {
		{"", 0, "\0\0\0\0", 4},
		{"\0\0", 2, "\0\0\0\0", 4},
		{"\0\x01", 2, "\0\0\0\1\1", 5},
		{"\x80", 1, "\0\0\0\2\0\x80", 6},
		{"\x7f\xff", 2, "\0\0\0\2\x7f\xff", 6},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(64);

		buffer_put_mpint(&b, bytes_of(cases[i].in, cases[i].in_len));
		assert_int_equal(b.len, cases[i].out_len);
		assert_memory_equal(b.p, cases[i].out, b.len);
	}
}

static void
too_much_sticks(void **state)
{
	CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(8);
	size_t mark;

	(void)state;
	buffer_put_u64(&b, 1);
	assert_false(b.failed);
	buffer_put_u8(&b, 1);
	assert_true(b.failed);
	assert_int_equal(b.len, 0);
	buffer_put_u8(&b, 1);
	mark = buffer_begin(&b);
	buffer_end(&b, mark);
	assert_int_equal(b.len, 0);
	assert_null(buffer_room(&b, 1));
}

static void
consume_wipes_what_it_leaves(void **state)
{
	CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(64);

	(void)state;
	buffer_put(&b, bytes_str("secretrest"));
	buffer_consume(&b, 6);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.p, "rest\0\0\0\0\0\0", 10);
}

static void
begin_and_end_nest(void **state)
{
	CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(64);
	size_t outer, inner;

	(void)state;
	outer = buffer_begin(&b);
	inner = buffer_begin(&b);
	buffer_put_u8(&b, 'x');
	buffer_end(&b, inner);
	buffer_end(&b, outer);
	assert_int_equal(b.len, 9);
	assert_memory_equal(b.p, "\0\0\0\5\0\0\0\1x", 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_in_ssh_form),
		cmocka_unit_test(mpint_drops_zeros_and_keeps_the_sign),
		cmocka_unit_test(too_much_sticks),
		cmocka_unit_test(consume_wipes_what_it_leaves),
		cmocka_unit_test(begin_and_end_nest),
	};

	return cmocka_run_group_tests_name("common/buffer", tests, NULL, NULL);
}
