/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/file-write.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cmocka-all.h"

struct table {
	char folder[32];
	char path[64];
	char words[FILE_WRITE_WORDS];
};

static int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	strcpy(t->folder, "/tmp/file-write-XXXXXX");
	assert_non_null(mkdtemp(t->folder));
	snprintf(t->path, sizeof(t->path), "%s/file", t->folder);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct table *t = *state;

	remove(t->path);
	assert_int_equal(rmdir(t->folder), 0);
	free(t);
	return 0;
}

static void
makes_folders(void **state)
{
	struct table *t = *state;
	char below[96];
	struct stat st;

	snprintf(below, sizeof(below), "%s/below/file", t->path);
	assert_null(file_make_folder(below, t->words));
	assert_null(file_make_folder(below, t->words));
	assert_null(file_write(below, bytes_str("x"), t->words));
	assert_int_equal(stat(below, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	remove(below);
	*strrchr(below, '/') = '\0';
	assert_int_equal(stat(below, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(rmdir(below), 0);
}

/* As sudo with HOME kept: a file of root's would keep the user out. */
static void
not_in_a_strangers_folder(void **state)
{
	struct table *t = *state;
	char below[96];

	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(t->folder, 12345, 0), 0);
	snprintf(below, sizeof(below), "%s/below/file", t->path);
	assert_non_null(file_make_folder(below, t->words));
	assert_non_null(strstr(t->words, "belongs to user 12345"));
	assert_non_null(file_write(t->path, bytes_str("x"), t->words));
	assert_non_null(strstr(t->words, "belongs to user 12345"));
	/* The folder is there: nothing to make. */
	assert_null(file_make_folder(t->path, t->words));
}

static void
a_lock_is_not_waited_for_for_ever(void **state)
{
	struct table *t = *state;
	int other = open(t->folder, O_RDONLY | O_DIRECTORY), fd;

	assert_int_equal(flock(other, LOCK_SH), 0);
	assert_int_equal(file_lock_folder(t->path, t->words), -1);
	assert_non_null(strstr(t->words, t->folder));
	assert_non_null(strstr(t->words, "another program holds its lock"));
	close(other);
	assert_true((fd = file_lock_folder(t->path, t->words)) >= 0);
	close(fd);
	assert_int_equal(file_lock_folder("/nonexistent/x", t->words), -1);
	assert_non_null(strstr(t->words, "/nonexistent/x: No such file"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(makes_folders),
		TEST(not_in_a_strangers_folder),
		TEST(a_lock_is_not_waited_for_for_ever),
	};

	return cmocka_run_group_tests_name("common/file-write", tests, NULL,
	    NULL);
}
