/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/ctl/shown.h"

#define KEY(rest)                                                     \
	"{\"token\": \"yubikey\", \"serial\": \"12\", \"provider\": " \
	"\"opensc\", " rest "}"

static const char FULL[] = "{\"keys\": [" KEY(
    "\"name\": \"work\", \"type\": \"ecdsa-sha2-nistp256\","
    "\"fingerprint\": \"SHA256:abc\", \"comment\": \"work\","
    "\"public_key\": \"ecdsa-sha2-nistp256 AAAA\", \"id\": \"01\","
    "\"label\": \"SIGN key\", \"uri\": \"pkcs11:id=%01\","
    "\"exposed\": true, \"position\": 1,"
    "\"reason\": \"allowed by key \\\"work\\\"\", \"unproven\": "
    "true") ", " KEY("\"name\": null, \"type\": \"ssh-rsa\","
		     "\"fingerprint\": \"SHA256:def\", \"id\": "
		     "\"02\","
		     "\"label\": \"KEY \\u009b MAN\", \"uri\": "
		     "\"pkcs11:serial=12;id=%02\","
		     "\"exposed\": false, \"position\": 0,"
		     "\"reason\": \"no key section matches it\", "
		     "\"unproven\": false") ", {\"token\": "
					    "\"hsm\", "
					    "\"provider\": "
					    "\"soft\", \"token_state\": "
					    "\"in use by another program\", \"id\": "
					    "\"0a\"}"
					    "], \"note\": \"Do "
					    "this.\"}";

static const char FULL_TEXT[] =
    "yubikey, serial 12, provider opensc:\n"
    "* 1 work  ecdsa-sha2-nistp256\n"
    "    SHA256:abc\n"
    "    allowed by key \"work\"\n"
    "    its private key is not proven before a login\n"
    "-   \"KEY ? MAN\"  ssh-rsa\n"
    "    SHA256:def\n"
    "    no key section matches it\n"
    "    uri = \"pkcs11:serial=12;id=%02\"\n"
    "\n"
    "hsm, provider soft, in use by another program:\n"
    "-   id 0a\n"
    "\n"
    "Do this.\n";

static void
shows_all(void **state)
{
	(void)state;
	check_shown(show_keys, FULL, FULL_TEXT);
}

static void
shows_what_there_is(void **state)
{
	const struct {
		const char *json, *want;
	} cases[] = {
	    {"{}", "No key is on any token.\n"},
	    {"{\"keys\": [], \"note\": \"Plug it in.\"}",
		"No key is on any token.\n\nPlug it in.\n"},
	    {"{\"keys\": {}}", "No key is on any token.\n"},
	    {"{\"keys\": [{}, {}]}",
		"token without a name:\n-   key without a name\n"
		"-   key without a name\n"},
	    {"{\"keys\": [{\"token\": \"t (serial 7)\", "
	     "\"serial\": \"7\"}, {\"serial\": \"7\"}]}",
		"t (serial 7):\n-   key without a name\n\n"
		"token without a name, serial 7:\n-   key without a name\n"},
	    {"{\"keys\": [{\"exposed\": true}]}",
		"token without a name:\n*   key without a name\n"},
	    {"{\"keys\": [{\"exposed\": \"true\", \"position\": 2}]}",
		"token without a name:\n-   key without a name\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_shown(show_keys, cases[i].json, cases[i].want);
}

static void
survives_wrong_values(void **state)
{
	(void)state;
	check_any_wrong_value(show_keys, FULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shows_all),
	    cmocka_unit_test(shows_what_there_is),
	    cmocka_unit_test(survives_wrong_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
