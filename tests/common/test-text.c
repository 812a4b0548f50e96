/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/text.h"

#include "tests/cmocka-all.h"

static void
printable(void **state)
{
	static const struct {
		const char *in, *want;
		size_t size;
	} cases[] = {
		{"plain", "plain", 32},
		{"k\xc3\xa4se", "k\xc3\xa4se", 32},
		{"a\nb\x1b[0m\x7f", "a?b?[0m?", 32},
		{"\xc2\x9b", "?", 32},		/* C1 control */
		{"\xe2\x80\xae" "x", "?x", 32}, /* bidi override */
		{"\xd8\x9c" "x", "?x", 32}, /* Arabic letter mark */
		{"\xff\xc3", "??", 32},		/* no UTF-8 */
		{"abcdef", "abc", 4},
		{"ab\xc3\xa4", "ab", 4}, /* cut between characters */
		{"", "", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[32];

		assert_string_equal(text_printable(bytes_str(cases[i].in), out,
		    cases[i].size), cases[i].want);
	}
}

static void
unpad(void **state)
{
	(void)state;
	assert_true(bytes_is(text_unpad(bytes_str("label   ")), "label"));
	assert_true(bytes_is(text_unpad(bytes_of("a b \0\0", 6)), "a b"));
	assert_int_equal(text_unpad(bytes_str("    ")).len, 0);
	assert_int_equal(text_unpad(BYTES_NONE).len, 0);
}

static void
hex(void **state)
{
	char out[8];

	(void)state;
	assert_string_equal(text_hex(bytes_of("\x01\xab", 2), out,
	    sizeof(out)), "01ab");
	assert_string_equal(text_hex(BYTES_NONE, out, sizeof(out)), "");
	text_hex(bytes_of("\1\2\3\4\5\6", 6), out, sizeof(out));
	assert_true(strlen(out) < sizeof(out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printable),
		cmocka_unit_test(unpad),
		cmocka_unit_test(hex),
	};

	return cmocka_run_group_tests_name("common/text", tests, NULL, NULL);
}
