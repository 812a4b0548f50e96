/* SPDX-License-Identifier: BSD-2-Clause */
#include "pkcs11/registered.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/cmocka-all.h"

static char folder[] = "/tmp/p11-agent-registered-XXXXXX";

/* Is "|do it" in NAME.module, when the file says this? */
static bool
says(const char *text)
{
	const char *const folders[] = {"", "/nowhere", folder, NULL};
	char path[sizeof(folder) + 16];
	FILE *f;

	snprintf(path, sizeof(path), "%s/x.module", folder);
	assert_non_null(f = fopen(path, "w"));
	assert_int_not_equal(fputs(text, f), EOF);
	assert_int_equal(fclose(f), 0);
	/* Not in a file of another name. */
	assert_false(registered_in(folders, "y", "|do it"));
	return registered_in(folders, "x", "|do it");
}

static void
reads_the_line(void **state)
{
	static const struct {
		const char *text;
		bool want;
	} cases[] = {
		{"remote: |do it\n", true},
		{"remote:|do it", true},
		{"priority: 1\n  remote :\t|do it \r\n", true},
		{"", false},
		{"remote: |do", false},
		{"remote: |do it all\n", false},
		{"# remote: |do it\n", false},
		{"#remote: |do it\n", false},
		{"module: |do it\n", false},
		{"remote |do it\n", false},
	};

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (says(cases[i].text) != cases[i].want)
			fail_msg("%s", cases[i].text);
	assert_int_equal(setenv("FOLDER", folder, 1), 0);
	assert_int_equal(system("rm -r \"$FOLDER\""), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_line),
	};

	return cmocka_run_group_tests_name("pkcs11/registered", tests, NULL,
	    NULL);
}
