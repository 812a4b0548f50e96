/* SPDX-License-Identifier: BSD-2-Clause */
/* Where helpers are looked for: with a libexec and a /proc of the test's. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cmocka-all.h"

static char libexec[64];
static const char *exe; /* NULL: no /proc */

static ssize_t
fake_readlink(const char *path, char *out, size_t size)
{
	assert_string_equal(path, "/proc/self/exe");
	errno = ENOENT;
	if (exe == NULL)
		return -1;
	assert_true(strlen(exe) <= size);
	memcpy(out, exe, strlen(exe));
	return (ssize_t)strlen(exe);
}

#undef P11_AGENT_LIBEXECDIR
#define P11_AGENT_LIBEXECDIR libexec
#define readlink fake_readlink
#include "common/helpers.c"

/* A prefix in a folder, and a link to it: PREFIX and LINK. */
struct table {
	char top[32];
	char program[96], helper[96];
	char why[HELPER_WHY_BYTES];
};

static void
make_file(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
}

static int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));
	char path[96];

	strcpy(t->top, "/tmp/helpers-XXXXXX");
	assert_non_null(mkdtemp(t->top));
	snprintf(path, sizeof(path), "%s/bin", t->top);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(t->program, sizeof(t->program), "%s/bin/p11-agent", t->top);
	snprintf(path, sizeof(path), "%s/libexec", t->top);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(t->helper, sizeof(t->helper), "%s/libexec/helper", t->top);
	make_file(t->helper);
	snprintf(path, sizeof(path), "%s.link", t->top);
	assert_int_equal(symlink(t->top, path), 0);
	/* By the prefix that was configured, which is the link. */
	snprintf(libexec, sizeof(libexec), "%s.link/libexec", t->top);
	exe = t->program;
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const ends[] = {".link", "/bin/helper", "/bin",
	    "/libexec/helper", "/libexec", ""};
	struct table *t = *state;
	char path[96];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", t->top, ends[i]);
		remove(path);
	}
	assert_int_equal(access(t->top, F_OK), -1);
	free(t);
	return 0;
}

static void
check(struct table *t, const char *folder)
{
	char want[128], *path = helper_path("helper", t->why);

	if (path == NULL)
		fail_msg("%s", t->why);
	snprintf(want, sizeof(want), "%s/helper", folder);
	assert_string_equal(path, want);
	free(path);
}

static void
a_prefix_behind_a_link(void **state)
{
	check(*state, libexec);
}

static void
a_build_folder(void **state)
{
	struct table *t = *state;
	char path[96];

	snprintf(path, sizeof(path), "%s/bin/helper", t->top);
	make_file(path);
	*strrchr(path, '/') = '\0';
	check(t, path);
	/* As after an upgrade: its folder counts. */
	strcat(t->program, " (deleted)");
	check(t, path);
}

static void
no_proc(void **state)
{
	struct table *t = *state;

	exe = NULL;
	check(t, libexec);
	assert_int_equal(unlink(t->helper), 0);
	assert_null(helper_path("helper", t->why));
	assert_non_null(strstr(t->why, "is /proc mounted?"));
	assert_non_null(strstr(t->why, libexec));
}

/* Whoever starts it says so, with the path. */
static void
none_at_all(void **state)
{
	struct table *t = *state;

	assert_int_equal(unlink(t->helper), 0);
	check(t, libexec);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_prefix_behind_a_link),
		TEST(a_build_folder),
		TEST(no_proc),
		TEST(none_at_all),
	};

	return cmocka_run_group_tests_name("common/helpers", tests, NULL,
	    NULL);
}
