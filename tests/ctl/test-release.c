/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/ctl/shown.h"

static const char FULL[] =
    "{\"tokens\": [{\"name\": \"yubikey (serial 12)\", "
    "\"result\": \"released\"}, "
    "{\"name\": \"hsm\", \"result\": \"not held\"}, "
    "{\"name\": \"card\", \"result\": \"in use\"}]}";

static void
shows_what_was_released(void **state)
{
	static const struct {
		const char *json, *want;
	} cases[] = {
		{FULL, "yubikey (serial 12): released\n"
		    "card: in use; it is released as soon as that is done\n"},
		{"{\"tokens\": []}", "there was nothing to release: no "
		    "process serves a token\n"},
		{"{\"tokens\": [{\"name\": \"hsm\", \"result\": "
		    "\"not held\"}]}", "there was nothing to release: no "
		    "process serves a token\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_shown(show_released, cases[i].json, cases[i].want);
}

static void
survives_wrong_values(void **state)
{
	(void)state;
	check_any_wrong_value(show_released, FULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_what_was_released),
		cmocka_unit_test(survives_wrong_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
