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
		enum shell shell;
		const char *want;
	} cases[] = {
	    {"/run/user/1000/p11-agent/agent.sock", SHELL_SH,
		"SSH_AUTH_SOCK=/run/user/1000/p11-agent/agent.sock; "
		"export SSH_AUTH_SOCK;\n"},
	    {"/run/x", SHELL_CSH, "setenv SSH_AUTH_SOCK /run/x;\n"},
	    {"/a b", SHELL_SH, "SSH_AUTH_SOCK='/a b'; export SSH_AUTH_SOCK;\n"},
	    {"/$(id)`id`;'\"", SHELL_SH,
		"SSH_AUTH_SOCK='/$(id)`id`;'\\''\"'; export SSH_AUTH_SOCK;\n"},
	    {"/wow!", SHELL_SH, "SSH_AUTH_SOCK='/wow!'; export SSH_AUTH_SOCK;\n"},
	    {"/wow!", SHELL_CSH, "setenv SSH_AUTH_SOCK '/wow\\!';\n"},
	    {"~/x", SHELL_SH, "SSH_AUTH_SOCK='~/x'; export SSH_AUTH_SOCK;\n"},
	    {"/a b", SHELL_FISH, "set -gx SSH_AUTH_SOCK '/a b';\n"},
	    {"", SHELL_SH, "SSH_AUTH_SOCK=''; export SSH_AUTH_SOCK;\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		assert_non_null(out);
		env_print(out, cases[i].socket, cases[i].shell);
		fclose(out);
		assert_string_equal(text, cases[i].want);
		free(text);
	}
}

static void
knows_shells(void **state)
{
	const struct {
		const char *path;
		enum shell want;
	} cases[] = {
	    {NULL, SHELL_SH}, {"", SHELL_SH}, {"/bin/bash", SHELL_SH},
	    {"/bin/zsh", SHELL_SH}, {"/bin/csh", SHELL_CSH},
	    {"/usr/bin/tcsh", SHELL_CSH}, {"/usr/bin/fish", SHELL_FISH},
	    {"sh", SHELL_SH},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(env_shell_of(cases[i].path), cases[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knows_shells),
	    cmocka_unit_test(prints_for_shells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
