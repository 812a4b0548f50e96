/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/ctl/shown.h"

static void
shows_what_applies(void **state)
{
	static const struct {
		const char *json, *want;
	} cases[] = {
		{"{\"time\": 3723.456, \"event\": \"token here\","
		 " \"token\": \"yubikey (serial 12)\"}",
		    "01:02:03 token here: yubikey (serial 12)\n"},
		{"{\"time\": 86399, \"event\": \"not signed\","
		 " \"token\": \"hsm\", \"key\": \"work\","
		 " \"fingerprint\": \"SHA256:x\","
		 " \"client\": \"ssh (pid 9)\", \"text\": \"a\\u001bb\"}",
		    "23:59:59 not signed: hsm, key \"work\", for "
		    "ssh (pid 9): a?b\n"},
		{"{\"time\": 1, \"event\": \"signed\","
		 " \"fingerprint\": \"SHA256:x\"}",
		    "00:00:01 signed, key SHA256:x\n"},
		{"{\"time\": 1, \"event\": \"process ended\", \"token\": \"t\","
		 " \"pid\": 77, \"text\": \"killed\"}",
		    "00:00:01 process ended: t, process 77: killed\n"},
		{"{\"time\": 1, \"event\": \"provider failed\","
		 " \"provider\": \"opensc\", \"text\": \"no such file\"}",
		    "00:00:01 provider failed: opensc: no such file\n"},
		{"{\"time\": 1, \"event\": \"events lost\", \"lost\": 5}",
		    "00:00:01 events lost: 5\n"},
		{"{\"time\": 1e300}", "00:00:00 an event without a name\n"},
		{"[]", "00:00:00 an event without a name\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_shown(show_event, cases[i].json, cases[i].want);
}

static void
survives_wrong_values(void **state)
{
	(void)state;
	check_any_wrong_value(show_event, "{\"time\": 1, \"event\": \"e\","
	    " \"provider\": \"p\", \"token\": \"t\", \"key\": \"k\","
	    " \"fingerprint\": \"f\", \"client\": \"c\", \"pid\": 1,"
	    " \"lost\": 1, \"text\": \"x\"}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_what_applies),
		cmocka_unit_test(survives_wrong_values),
	};

	setenv("TZ", "UTC0", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
