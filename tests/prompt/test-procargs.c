/* SPDX-License-Identifier: BSD-2-Clause */
/* What macOS says of a process, as bytes that any system can look at. */
#include "prompt/procargs.h"
#include "tests/cmocka-all.h"

enum { ANSWER_BYTES = 256 };

/* As sysctl fills it: the number of arguments, then `rest`. */
static struct bytes
answer_of(uint8_t buf[static ANSWER_BYTES], int n, const char *rest,
    size_t len)
{
	memcpy(buf, &n, sizeof(n));
	memcpy(buf + sizeof(n), rest, len);
	return bytes_of(buf, sizeof(n) + len);
}

#define REST(text) text, sizeof(text) - 1

static void
finds_the_environment(void **state)
{
	const struct {
		const char *name;
		int n;
		const char *rest;
		size_t len;
		bool ok;
		const char *want;
		size_t want_len;
	} cases[] = {
		{"usual", 2, REST("/bin/ssh\0\0\0\0ssh\0host\0A=1\0B=2\0\0"),
		    true, REST("A=1\0B=2\0")},
		{"no end", 1, REST("/bin/ssh\0ssh\0A=1\0"), true,
		    REST("A=1\0")},
		{"cut in a variable", 1, REST("/bin/ssh\0ssh\0A=1\0B="), true,
		    REST("A=1\0")},
		{"none", 1, REST("/bin/ssh\0ssh\0"), true, REST("")},
		{"apple's own words behind it", 1,
		    REST("/x\0x\0A=1\0\0ptr_munge=\0"), true, REST("A=1\0")},
		{"an argument less", 3, REST("/bin/ssh\0ssh\0host"), false,
		    REST("")},
		{"no path", 1, REST("/bin/ssh"), false, REST("")},
		{"a negative number", -1, REST("/x\0A=1\0"), true,
		    REST("A=1\0")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buffer out = BUFFER_INIT(ANSWER_BYTES);
		uint8_t buf[ANSWER_BYTES];

		print_message("%s\n", cases[i].name);
		assert_int_equal(procargs_environ(answer_of(buf, cases[i].n,
		    cases[i].rest, cases[i].len), &out), cases[i].ok);
		assert_true(bytes_equal(buffer_bytes(&out),
		    bytes_of(cases[i].want, cases[i].want_len)));
		buffer_clear(&out);
	}
}

static void
takes_what_fits(void **state)
{
	struct buffer out = BUFFER_INIT(6);
	uint8_t buf[ANSWER_BYTES];

	(void)state;
	assert_true(procargs_environ(answer_of(buf, 0,
	    REST("/x\0A=1\0B=2\0\0")), &out));
	assert_true(bytes_equal(buffer_bytes(&out), bytes_of("A=1", 4)));
	assert_false(out.failed);
	buffer_clear(&out);
}

static void
too_short_for_a_number(void **state)
{
	struct buffer out = BUFFER_INIT(6);

	(void)state;
	for (size_t n = 0; n < sizeof(int); n++)
		assert_false(procargs_environ(bytes_of("\0\0\0", n), &out));
	buffer_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_environment),
		cmocka_unit_test(takes_what_fits),
		cmocka_unit_test(too_short_for_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
