/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes to a person's files, made and taken back. */
#include "ctl/edit-file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cmocka-all.h"

enum { TEXT_BYTES = 256 };

static const char block[] = "# ours\nb\n";

struct folder {
	char path[64];
	char file[96];
};

static int
folder_setup(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->path, sizeof(f->path), "/tmp/p11-agent-test-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	snprintf(f->file, sizeof(f->file), "%s/file", f->path);
	*state = f;
	return 0;
}

static int
folder_teardown(void **state)
{
	struct folder *f = *state;

	unlink(f->file);
	assert_int_equal(rmdir(f->path), 0);
	free(f);
	return 0;
}

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
assert_holds(const char *path, const char *want)
{
	char text[TEXT_BYTES] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(text, want);
}

static void
puts_and_takes_a_block(void **state)
{
	const struct {
		const char *before;
		bool on_top;
		const char *with, *after;
	} cases[] = {
	    {"a\n", false, "a\n# ours\nb\n", "a\n"},
	    {"a\n", true, "# ours\nb\na\n", "a\n"},
	    /* A last line without its end gets one, and keeps it. */
	    {"a", false, "a\n# ours\nb\n", "a\n"},
	    {"x# ours\nb\n", false, "x# ours\nb\n# ours\nb\n", "x# ours\nb\n"},
	};
	struct folder *f = *state;
	char words[EDIT_WORDS];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(f->file, cases[i].before);
		assert_int_equal(edit_put_block(f->file, block,
		    cases[i].on_top, words), EDIT_DONE);
		assert_holds(f->file, cases[i].with);
		assert_int_equal(edit_put_block(f->file, block,
		    cases[i].on_top, words), EDIT_NOTHING);
		assert_holds(f->file, cases[i].with);
		assert_int_equal(edit_take_block(f->file, block, words),
		    EDIT_DONE);
		assert_holds(f->file, cases[i].after);
		assert_int_equal(edit_take_block(f->file, block, words),
		    EDIT_NOTHING);
	}
}

static void
makes_the_file_and_takes_it_away(void **state)
{
	struct folder *f = *state;
	char words[EDIT_WORDS];

	assert_int_equal(edit_put_block(f->file, block, false, words),
	    EDIT_DONE);
	assert_holds(f->file, block);
	assert_int_equal(edit_take_block(f->file, block, words), EDIT_DONE);
	assert_int_equal(access(f->file, F_OK), -1);
}

static void
leaves_a_changed_block_alone(void **state)
{
	struct folder *f = *state;
	char words[EDIT_WORDS] = "";

	put(f->file, "# ours\nchanged\n");
	assert_int_equal(edit_take_block(f->file, block, words), EDIT_FAILED);
	assert_non_null(strstr(words, "# ours"));
	assert_holds(f->file, "# ours\nchanged\n");
	/* Nor is there a second one. */
	words[0] = '\0';
	assert_int_equal(edit_put_block(f->file, block, false, words),
	    EDIT_FAILED);
	assert_non_null(strstr(words, "# ours"));
	assert_holds(f->file, "# ours\nchanged\n");
}

static void
tells_whether_anything_is_there(void **state)
{
	struct folder *f = *state;

	assert_false(edit_is_there(f->file, block));
	put(f->file, "a\n");
	assert_false(edit_is_there(f->file, block));
	put(f->file, "a\n# ours\nchanged\n");
	assert_true(edit_is_there(f->file, block));
	/* It cannot be read. */
	assert_true(edit_is_there(f->path, block));
}

static void
leaves_a_stranger_s_file_alone(void **state)
{
	struct folder *f = *state;
	char words[EDIT_WORDS] = "";

	put(f->file, "mine\n");
	assert_int_equal(edit_make(f->file, block, words), EDIT_FAILED);
	assert_non_null(strstr(words, f->file));
	assert_int_equal(edit_remove(f->file, block, words), EDIT_FAILED);
	assert_holds(f->file, "mine\n");
}

static void
renews_a_file_of_ours(void **state)
{
	struct folder *f = *state;
	char words[EDIT_WORDS];

	put(f->file, "# ours\nof an older version\n");
	assert_int_equal(edit_make(f->file, block, words), EDIT_DONE);
	assert_holds(f->file, block);
	assert_int_equal(edit_make(f->file, block, words), EDIT_NOTHING);
	assert_int_equal(edit_remove(f->file, block, words), EDIT_DONE);
	assert_int_equal(edit_remove(f->file, block, words), EDIT_NOTHING);
}

static void
keeps_the_mode_and_the_link(void **state)
{
	struct folder *f = *state;
	char words[EDIT_WORDS], link[128];
	struct stat st;

	put(f->file, "a\n");
	assert_int_equal(chmod(f->file, 0644), 0);
	snprintf(link, sizeof(link), "%s/link", f->path);
	assert_int_equal(symlink("file", link), 0);
	assert_int_equal(edit_put_block(link, block, false, words), EDIT_DONE);
	assert_holds(f->file, "a\n# ours\nb\n");
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	/* Also when nothing else is left of it. */
	put(f->file, block);
	assert_int_equal(edit_take_block(link, block, words), EDIT_DONE);
	assert_holds(f->file, "");
	assert_int_equal(lstat(link, &st), 0);
	unlink(link);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(puts_and_takes_a_block),
	    TEST(makes_the_file_and_takes_it_away),
	    TEST(leaves_a_changed_block_alone),
	    TEST(tells_whether_anything_is_there),
	    TEST(leaves_a_stranger_s_file_alone),
	    TEST(renews_a_file_of_ours),
	    TEST(keeps_the_mode_and_the_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
