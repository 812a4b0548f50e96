/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/env.h"

#include <stdlib.h>
#include <string.h>

#include "tests/cmocka-all.h"

static void
prints_for_shells(void **state)
{
	const struct {
		const char *socket;
		bool csh;
		const char *want;
	} cases[] = {
	    {"/run/user/1000/p11-agent/agent.sock", false,
		"SSH_AUTH_SOCK=/run/user/1000/p11-agent/agent.sock; "
		"export SSH_AUTH_SOCK;\n"},
	    {"/run/x", true, "setenv SSH_AUTH_SOCK /run/x;\n"},
	    {"/a b", false, "SSH_AUTH_SOCK='/a b'; export SSH_AUTH_SOCK;\n"},
	    {"/$(id)`id`;'\"", false,
		"SSH_AUTH_SOCK='/$(id)`id`;'\\''\"'; export SSH_AUTH_SOCK;\n"},
	    {"/wow!", false, "SSH_AUTH_SOCK='/wow!'; export SSH_AUTH_SOCK;\n"},
	    {"/wow!", true, "setenv SSH_AUTH_SOCK '/wow\\!';\n"},
	    {"~/x", false, "SSH_AUTH_SOCK='~/x'; export SSH_AUTH_SOCK;\n"},
	    {"", false, "SSH_AUTH_SOCK=''; export SSH_AUTH_SOCK;\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		assert_non_null(out);
		env_print(out, cases[i].socket, cases[i].csh);
		fclose(out);
		assert_string_equal(text, cases[i].want);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(prints_for_shells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
