/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/ctl/shown.h"

static const char FULL[] =
    "{\"version\": \"0.1.0\", \"pid\": 42, \"socket\": \"/run/agent.sock\","
    " \"config\": [\"/etc/one.conf\", \"/home/two.conf\"],"
    " \"config_error\": \"two.conf:3: no such setting\","
    " \"config_warnings\": [\"one.conf:1: \\u001bx\", \"b\"],"
    " \"providers\": [{\"name\": \"opensc\", \"module\": \"/lib/opensc.so\","
    "  \"state\": \"ready\", \"description\": \"OpenSC\\u001b framework\","
    "  \"error\": null, \"tokens\": 1},"
    "  {\"name\": \"hsm\", \"module\": \"/lib/hsm.so\", \"state\": \"failed\","
    "  \"description\": null, \"error\": \"C_Initialize: CKR_GENERAL_ERROR\","
    "  \"tokens\": 0}],"
    " \"tokens\": [{\"name\": \"yubikey\", \"label\": \"PIV\","
    "  \"manufacturer\": \"Yubico\", \"model\": \"PKCS#15\","
    "  \"serial\": \"1234\", \"reader\": \"Yubico OTP 00 00\","
    "  \"provider\": \"opensc\", \"state\": \"ready\", \"pid\": 77,"
    "  \"login\": \"wants a PIN\", \"pin\": \"few tries left\","
    "  \"pin_tries\": \"1 PIN was sent.\", \"pins_in_doubt\": 1,"
    "  \"last_error\": \"C_Sign: CKR_DEVICE_ERROR\", \"keys\": 4}],"
    " \"identities\": 4, \"max_identities\": 3, \"connections\": 1,"
    " \"note\": null}";

static const char FULL_TEXT[] =
    "agent       p11-agent 0.1.0, pid 42, 1 connection\n"
    "socket      /run/agent.sock\n"
    "config      /etc/one.conf\n"
    "            /home/two.conf\n"
    "            error: two.conf:3: no such setting\n"
    "            warning: one.conf:1: ?x\n"
    "            warning: b\n"
    "identities  3 of 4 allowed keys are shown\n"
    "provider    opensc: ready, 1 token\n"
    "            /lib/opensc.so\n"
    "            OpenSC? framework\n"
    "provider    hsm: failed, 0 tokens\n"
    "            /lib/hsm.so\n"
    "            error: C_Initialize: CKR_GENERAL_ERROR\n"
    "token       yubikey: ready (pid 77), 4 keys\n"
    "            PIV, Yubico PKCS#15, serial 1234\n"
    "            in Yubico OTP 00 00\n"
    "            provider opensc\n"
    "            login: wants a PIN; PIN: few tries left\n"
    "            PIN tries: 1 PIN was sent.\n"
    "            last error: C_Sign: CKR_DEVICE_ERROR\n";

static void
shows_all(void **state)
{
	(void)state;
	check_shown(show_status, FULL, FULL_TEXT);
}

static void
shows_what_there_is(void **state)
{
	const char *nothing =
	    "agent       p11-agent of unknown version, pid 0, 0 connections\n"
	    "config      no file\n";
	const struct {
		const char *json, *want; /* want: behind the lines above */
	} cases[] = {
	    {"{}", ""},
	    {"[]", ""},
	    {"7", ""},
	    {"{\"identities\": 0, \"max_identities\": 3}",
		"identities  no allowed key is here\n"},
	    {"{\"identities\": 1, \"max_identities\": 3}",
		"identities  1 allowed key is shown\n"},
	    {"{\"identities\": 3, \"max_identities\": 3}",
		"identities  3 allowed keys are shown\n"},
	    {"{\"identities\": \"3\"}", ""},
	    {"{\"tokens\": [{}]}",
		"token       (no name): unknown state, 0 keys\n"},
	    {"{\"tokens\": [{\"name\": \"t\", \"serial\": \"1\","
	     " \"state\": \"starting\", \"pid\": null, \"keys\": 1}]}",
		"token       t: starting, 1 key\n            1\n"},
	    {"{\"tokens\": [{\"name\": \"t\", \"state\": \"no process\","
	     " \"keys\": 1, \"deaths\": 3, \"again_in_sec\": 8}]}",
		"token       t: no process, 1 key\n"
		"            its process died 3 times in a row; the next one "
		"starts in 8 s, or\n            when a reader or the config "
		"changes\n"},
	    {"{\"tokens\": [{\"name\": \"t\", \"state\": \"no process\","
	     " \"keys\": 1, \"deaths\": 1, \"again_in_sec\": null}]}",
		"token       t: no process, 1 key\n"
		"            its process died 1 time in a row; the next one "
		"starts when it is\n            needed\n"},
	    {"{\"providers\": [{\"name\": \"p\", \"state\": \"failed\","
	     " \"deaths\": 8, \"again_in_sec\": null}]}",
		"provider    p: failed, 0 tokens\n"
		"            its scan died 8 times in a row; the next one starts "
		"when a reader or\n            the config changes, or by "
		"`p11-agentctl reload`\n"},
	    {"{\"providers\": [3]}",
		"provider    (no name): unknown state, 0 tokens\n"},
	    {"{\"note\": \"Nothing is exposed: the config names no provider. "
	     "Begin with a section such as\\n    provider \\\"x\\\" { }\\nand "
	     "restart.\"}",
		"\nNothing is exposed: the config names no provider. Begin "
		"with a section such as\n    provider \"x\" { }\n"
		"and restart.\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char want[1024];

		snprintf(want, sizeof(want), "%s%s", nothing, cases[i].want);
		check_shown(show_status, cases[i].json, want);
	}
}

static void
survives_wrong_values(void **state)
{
	(void)state;
	check_any_wrong_value(show_status, FULL);
}

static void
wraps_between_words(void **state)
{
	const struct {
		const char *text, *want;
	} cases[] = {
	    {"", "abc \n"},
	    {"one", "abc one\n"},
	    /* 76 characters fit behind the first 4 columns; umlauts are one. */
	    {"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 "
	     "6789012345678901234567890123456789012345678901234567890123456789"
	     "0 3456 x",
		"abc \xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 "
		"678901234567890123456789012345678901234567890123456789012345"
		"67890 3456\n    x\n"},
	    {"a\nb\n  c  d\n", "abc a\n    b\n      c  d\n    \n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		assert_non_null(out);
		fputs("abc ", out);
		show_wrapped(out, 4, 4, cases[i].text);
		fclose(out);
		assert_string_equal(text, cases[i].want);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shows_all),
	    cmocka_unit_test(shows_what_there_is),
	    cmocka_unit_test(survives_wrong_values),
	    cmocka_unit_test(wraps_between_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
