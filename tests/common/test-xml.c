/* SPDX-License-Identifier: BSD-2-Clause */
/* Text inside of markup. */
#include "common/xml.h"

#include "tests/cmocka-all.h"

static void
nothing_of_it_is_markup(void **state)
{
	const struct {
		const char *text, *want;
	} cases[] = {
	    {"", ""},
	    {"plain \"text\" 'é'", "plain \"text\" 'é'"},
	    {"<b>&amp;</b>", "&lt;b&gt;&amp;amp;&lt;/b&gt;"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buffer out = BUFFER_INIT(128);

		xml_put_text(&out, bytes_str(cases[i].text));
		assert_true(bytes_is(buffer_bytes(&out), cases[i].want));
		buffer_clear(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_of_it_is_markup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
