/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said of tokens without a key. */
#include "ctl/make-key.h"
#include "tests/ctl/shown.h"

#define PROVIDERS                                                           \
	"\"providers\": [{\"name\": \"other\", \"module\": \"/no\"}, "      \
	"{\"name\": \"soft\", \"module\": \"/usr/lib/so ft.so\"}]"

#define THEN(key)                                                        \
	"and then:\n"                                                    \
	"    p11-agentctl reload\n"                                      \
	"    p11-agentctl allow " key "\n"                               \
	"    p11-agentctl export   # for authorized_keys\n"

static const char FULL[] =
    "{" PROVIDERS ", \"tokens\": ["
    "{\"name\": \"has one\", \"keys\": 1},"
    "{\"name\": \"my token (serial 1)\", \"label\": \"it's\", \"keys\": 0,"
    " \"manufacturer\": \"x\", \"model\": \"y\", \"reader\": \"z\","
    " \"login\": \"wants a PIN\", \"provider\": \"soft\"},"
    "{\"name\": \"piv\", \"label\": \"PIV\", \"keys\": 0,"
    " \"login\": \"not needed\", \"reader\": \"Yubico YubiKey OTP 00 00\"},"
    "{\"keys\": 0, \"manufacturer\": \"Yubico YubiHSM\"}]}";

static const char FULL_TEXT[] =
    "\nmy token (serial 1) has no key that shows before a login. To make "
    "one:\n"
    "    pkcs11-tool --module '/usr/lib/so ft.so' --token-label 'it'\\''s' "
    "--login \\\n"
    "        --keypairgen --key-type EC:prime256v1 --id 01 --label ssh "
    "--usage-sign\n" THEN("ssh")
    "\npiv has no key. To make one:\n"
    "    ykman piv keys generate --algorithm ECCP256 9a pub.pem\n"
    "    ykman piv certificates generate --subject CN=ssh 9a pub.pem\n" THEN(
	"KEY      # as `p11-agentctl keys` shows it")
    "\nA token without a name has no key. To make one:\n"
    "    pkcs11-tool --module MODULE --login \\\n"
    "        --keypairgen --key-type EC:prime256v1 --id 01 --label ssh "
    "--usage-sign\n" THEN("ssh");

static void
shows_commands(void **state)
{
	(void)state;
	check_shown(make_key_show, FULL, FULL_TEXT);
	check_shown(make_key_show, "{}", "");
	check_shown(make_key_show, "{\"tokens\": [{}, 1, {\"keys\": 2}]}", "");
}

static void
survives_wrong_values(void **state)
{
	(void)state;
	check_any_wrong_value(make_key_show, FULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shows_commands),
	    cmocka_unit_test(survives_wrong_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
