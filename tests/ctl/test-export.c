/* SPDX-License-Identifier: BSD-2-Clause */
/* Public keys as lines and as files. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/export.h"
#include "tests/cmocka-all.h"

static void
lines(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	export_line(out, NULL, "ssh-rsa AAA", "my key");
	export_line(out, NULL, "ssh-rsa AAA", "");
	export_line(out, "me@x.org", "ssh-rsa AAA", "my key");
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, "ssh-rsa AAA my key\n"
				  "ssh-rsa AAA\n"
				  "me@x.org namespaces=\"git\" ssh-rsa AAA\n");
	free(text);
}

static void
file_names(void **state)
{
	static const struct {
		const char *json, *want;
	} cases[] = {
	    {"{\"name\": \"work\", \"label\": \"x\"}", "work.pub"},
	    {"{\"name\": null, \"label\": \"SIGN key\"}", "SIGN_key.pub"},
	    {"{\"name\": \"../../etc/x\"}", "_._.._etc_x.pub"},
	    {"{\"name\": \".hidden\"}", "_hidden.pub"},
	    {"{\"name\": \"-rf\"}", "-rf.pub"},
	    {"{\"name\": \"a\\nb\"}", "a_b.pub"},
	    {"{}", "key.pub"},
	    {"{\"name\": \"0123456789012345678901234567890\"}",
		"0123456789012345678.pub"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *key = json_loads(cases[i].json, 0, NULL);
		char name[24];

		assert_non_null(key);
		export_file_name(key, name, sizeof(name));
		assert_string_equal(name, cases[i].want);
		json_decref(key);
	}
}

static void
files(void **state)
{
	char folder[] = "/tmp/export-XXXXXX", name[64], text[64] = "";
	json_t *key = json_pack("{ss ss}", "name", "k", "public_key",
	    "ssh-rsa AAA");
	json_t *other = json_pack("{ss ss}", "name", "k", "public_key",
	    "ssh-rsa AAAB");
	json_t *none = json_pack("{ss}", "name", "n");
	json_t *odd = json_pack("{ss ss}", "name", "o", "public_key",
	    "ssh-rsa AAA\nssh-rsa BBB");
	struct stat st;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	fd = open(folder, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    export_to_folder(fd, key, name, sizeof(name)), CTL_DONE);
		assert_string_equal(name, "k.pub");
	}
	assert_int_equal(
	    export_to_folder(fd, other, name, sizeof(name)), CTL_REFUSED);
	assert_int_equal(
	    export_to_folder(fd, none, name, sizeof(name)), CTL_REFUSED);
	assert_int_equal(
	    export_to_folder(fd, odd, name, sizeof(name)), CTL_REFUSED);
	assert_int_equal(fstatat(fd, "k.pub", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	{
		int in = openat(fd, "k.pub", O_RDONLY);

		assert_int_equal(read(in, text, sizeof(text) - 1), 14);
		assert_string_equal(text, "ssh-rsa AAA k\n");
		close(in);
	}
	/* A link to nowhere is no file of ours either. */
	assert_int_equal(unlinkat(fd, "k.pub", 0), 0);
	assert_int_equal(symlinkat("/nowhere/x", fd, "k.pub"), 0);
	assert_int_equal(
	    export_to_folder(fd, key, name, sizeof(name)), CTL_REFUSED);
	assert_int_equal(unlinkat(fd, "k.pub", 0), 0);
	close(fd);
	assert_int_equal(rmdir(folder), 0);
	json_decref(key);
	json_decref(other);
	json_decref(none);
	json_decref(odd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines),
	    cmocka_unit_test(file_names),
	    cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
