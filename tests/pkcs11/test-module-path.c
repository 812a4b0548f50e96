/* SPDX-License-Identifier: BSD-2-Clause */
#include "pkcs11/module-path.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cmocka-all.h"

enum { OTHER_UID = 12345 };

/* A folder of its own for each test: ROOT/lib/module.so, ROOT/more. */
struct tree {
	char root[PATH_MAX];
	char lib[PATH_MAX + 8];
	char more[PATH_MAX + 8];
	char file[PATH_MAX + 32];
	const char *folders[4];
};

static void
make_file(const char *path, mode_t mode)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int
make_tree(void **state)
{
	char name[] = "/tmp/test-module-path.XXXXXX";
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	assert_non_null(mkdtemp(name));
	assert_non_null(realpath(name, t->root)); /* macOS: /private/tmp */
	snprintf(t->lib, sizeof(t->lib), "%s/lib", t->root);
	snprintf(t->more, sizeof(t->more), "%s/more", t->root);
	snprintf(t->file, sizeof(t->file), "%s/module.so", t->lib);
	assert_int_equal(mkdir(t->lib, 0755), 0);
	assert_int_equal(mkdir(t->more, 0755), 0);
	make_file(t->file, 0644);
	t->folders[0] = "";
	t->folders[1] = t->more;
	t->folders[2] = t->lib;
	*state = t;
	return 0;
}

static int
remove_tree(void **state)
{
	struct tree *t = *state;
	char command[PATH_MAX + 32];

	snprintf(command, sizeof(command), "rm -rf '%s'", t->root);
	assert_int_equal(system(command), 0);
	free(t);
	return 0;
}

static void
expect(const struct tree *t, const char *module, const char *want)
{
	struct p11_err err;
	char *got = module_path_resolve_in(module, t->folders, &err);

	if (got == NULL)
		fail_msg("%s: %s", module, err.text);
	assert_string_equal(got, want);
	free(got);
}

/* Refused, with these words at the end of the text. */
static void
expect_refused(const struct tree *t, const char *module, const char *words)
{
	struct p11_err err;
	char *got = module_path_resolve_in(module, t->folders, &err);
	size_t len;

	if (got != NULL)
		fail_msg("%s: got %s", module, got);
	assert_int_equal(err.rv, CKR_OK);
	assert_string_equal(err.call, "");
	len = strlen(err.text);
	if (len < strlen(words) ||
	    strcmp(err.text + len - strlen(words), words) != 0)
		fail_msg("%s: \"%s\"", module, err.text);
}

static void
finds_names_and_paths(void **state)
{
	struct tree *t = *state;
	char path[PATH_MAX + 64], second[PATH_MAX + 64];

	expect(t, "module.so", t->file);
	expect(t, "module", t->file);
	expect(t, t->file, t->file);
	snprintf(path, sizeof(path), "%s/../lib/./module.so", t->more);
	expect(t, path, t->file);

	/* A link is as good as what it leads to; an earlier folder wins. */
	snprintf(path, sizeof(path), "%s/linked.so", t->more);
	assert_int_equal(symlink("../lib/module.so", path), 0);
	expect(t, "linked.so", t->file);
	snprintf(second, sizeof(second), "%s/module.so", t->more);
	make_file(second, 0755);
	expect(t, "module.so", second);
}

static void
says_what_is_not_there(void **state)
{
	struct tree *t = *state;
	char want[4 * PATH_MAX], path[PATH_MAX + 64];

	t->folders[3] = NULL;
	snprintf(want, sizeof(want), "none.so: not found in %s, %s", t->more,
	    t->lib);
	expect_refused(t, "none.so", want);
	snprintf(path, sizeof(path), "%s/none.so", t->lib);
	snprintf(want, sizeof(want), "%s: No such file or directory", path);
	expect_refused(t, path, want);

	/* Folders that are not there, or named twice, are not worth a word. */
	t->folders[1] = "/nonexistent/folder";
	snprintf(want, sizeof(want), "none.so: not found in %s", t->lib);
	expect_refused(t, "none.so", want);
	t->folders[1] = t->lib;
	expect_refused(t, "none.so", want);
	t->folders[1] = NULL;
	expect_refused(t, "none.so", "not found in any folder for modules");
}

static void
refuses_other_names(void **state)
{
	static const char *const names[] = {
		"", ".", "..", "lib/module.so", "./module.so", "../x/module.so",
		"~/module.so",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		expect_refused(*state, names[i],
		    "is neither a file name nor an absolute path");
}

static void
refuses_what_others_can_write(void **state)
{
	static const mode_t bad_modes[] = {0664, 0646, 0666, 0777};
	struct tree *t = *state;
	char want[PATH_MAX + 64];

	for (size_t i = 0; i < sizeof(bad_modes) / sizeof(bad_modes[0]); i++) {
		assert_int_equal(chmod(t->file, bad_modes[i]), 0);
		snprintf(want, sizeof(want), "%s is writable by others",
		    t->file);
		expect_refused(t, "module.so", want);
	}
	assert_int_equal(chmod(t->file, 0444), 0);
	expect(t, "module.so", t->file);

	/* The folder it lies in, and one further up. */
	snprintf(want, sizeof(want), "%s is writable by others", t->lib);
	assert_int_equal(chmod(t->lib, 0775), 0);
	expect_refused(t, t->file, want);
	assert_int_equal(chmod(t->lib, 01777), 0);
	expect(t, t->file, t->file);
	assert_int_equal(chmod(t->lib, 0755), 0);
	assert_int_equal(chmod(t->root, 0757), 0);
	snprintf(want, sizeof(want), "%s is writable by others", t->root);
	expect_refused(t, t->file, want);
}

static void
refuses_what_is_no_file(void **state)
{
	struct tree *t = *state;
	char path[PATH_MAX + 64];

	expect_refused(t, t->lib, "is no regular file");
	snprintf(path, sizeof(path), "%s/fifo.so", t->lib);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_refused(t, "fifo.so", "is no regular file");
}

/* Only root can give a file away. */
static void
refuses_what_others_own(void **state)
{
	struct tree *t = *state;
	const char *words =
	    "belongs to uid 12345, neither to root nor to you";

	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(t->file, OTHER_UID, (gid_t)-1), 0);
	expect_refused(t, t->file, words);
	assert_int_equal(chown(t->file, 0, (gid_t)-1), 0);
	expect(t, t->file, t->file);
	/* Sticky or not: the owner of a folder may replace what is in it. */
	assert_int_equal(chown(t->lib, OTHER_UID, (gid_t)-1), 0);
	assert_int_equal(chmod(t->lib, 01755), 0);
	expect_refused(t, t->file, words);
}

#define IN_TREE(test) \
	cmocka_unit_test_setup_teardown(test, make_tree, remove_tree)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(finds_names_and_paths),
		IN_TREE(says_what_is_not_there),
		IN_TREE(refuses_other_names),
		IN_TREE(refuses_what_others_can_write),
		IN_TREE(refuses_what_is_no_file),
		IN_TREE(refuses_what_others_own),
	};

	return cmocka_run_group_tests_name(
	    "pkcs11/module-path", tests, NULL, NULL);
}
