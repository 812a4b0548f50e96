/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes to allowed.conf: what stands there afterwards, and what cannot. */
#include "tests/agent/config-files.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "agent/config-edit.h"
#include "common/file-write.h"

/* Of PUBLIC_KEY, by `ssh-keygen -l`. */
#define KEY_FINGERPRINT "SHA256:XRvZD+sV/pwb3yYuhT3Y5KcMMBwvlshnqYN/z35dFeI"
#define OTHER	     "SHA256:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define URI	     "pkcs11:token=a;id=%01"
#define OTHER_URI    "pkcs11:token=b;id=%01"
#define ALLOWED	     "p11-agent/allowed.conf"

static int
edit_setup(void **state)
{
	struct files *f;

	files_setup(state);
	f = *state;
	assert_int_equal(setenv("XDG_CONFIG_HOME", f->folder, 1), 0);
	return 0;
}

/* allow (uri) or deny (NULL); the error, "" for none. */
static const char *
edit_key(struct files *f, const struct config_edit *e, char title[static 160])
{
	static char error[CONFIG_ERROR_MAX_BYTES];
	CLEANUP(config_loader_clear) struct config_loader l;
	CLEANUP(config_edited_clear) struct config_edited done;
	size_t len = strlen(f->folder) + 1;
	char *at;
	bool ok;

	assert_true(config_loader_init(&l));
	ok = config_edit(&l, e, &done);
	assert_int_equal(ok, l.error[0] == '\0');
	snprintf(error, sizeof(error), "%s", l.error);
	while ((at = strstr(error, f->folder)) != NULL)
		memmove(at, at + len, strlen(at + len) + 1);
	snprintf(title, 160, "%s", ok ? done.title : "");
	return error;
}

static void
check_edit(struct files *f, const char *name, const char *fingerprint,
    const char *uri, const char *title)
{
	const struct config_edit e = {name, fingerprint, uri, NULL};
	char got[160];

	assert_string_equal(edit_key(f, &e, got), "");
	assert_string_equal(got, title);
}

static void
check_refused(struct files *f, const struct config_edit *e, const char *want)
{
	char title[160];

	assert_string_equal(edit_key(f, e, title), want);
}

/* The file without its comments at the top. */
static void
check_text(struct files *f, const char *want)
{
	CLEANUP(cleanup_free) char *text = calloc(1, 64 * 1024);
	const char *body = text;
	FILE *in = fopen(files_path(f, ALLOWED), "rb");

	assert_true(text != NULL && in != NULL);
	assert_true(fread(text, 1, 64 * 1024 - 1, in) > 0);
	fclose(in);
	if (strncmp(text, "# Written by", 12) == 0)
		body = strstr(text, "cut one.\n") + strlen("cut one.\n");
	assert_string_equal(body, want);
}

static void
check_mode(struct files *f, const char *name, mode_t want)
{
	struct stat st;

	assert_int_equal(stat(files_path(f, name), &st), 0);
	assert_int_equal(st.st_mode & 07777, want);
}

static void
first_allow(void **state)
{
	check_edit(*state, "work", FINGERPRINT, URI, "work");
	check_text(*state,
	    "key \"work\" {\n\turi = \"" URI "\"\n\tfingerprint = "
	    "\"" FINGERPRINT "\"\n}\n# 1 sections\n");
	check_mode(*state, ALLOWED, 0600);
	check_mode(*state, "p11-agent", 0700);
}

static void
replaces_its_own(void **state)
{
	CLEANUP(config_loader_clear) struct config_loader l;

	check_edit(*state, "a", FINGERPRINT, URI, "a");
	check_edit(*state, "b", OTHER, URI, "b");
	/* Another name; the order stays. */
	check_edit(*state, "c", FINGERPRINT, URI, "c");
	/* The same key on another token is another section. */
	check_edit(*state, "c", FINGERPRINT, OTHER_URI, "c-2");
	check_edit(*state, "c", FINGERPRINT, OTHER_URI, "c-2");
	assert_string_equal(files_load(*state, NULL, &l), "");
	assert_int_equal(l.config->n_keys, 3);
	assert_string_equal(l.config->keys[0].name, "c");
	assert_string_equal(l.config->keys[1].name, "b");
	/* Denied, it is neither. */
	check_edit(*state, "c", FINGERPRINT, NULL, "c");
	check_text(*state,
	    "key \"c\" {\n\tfingerprint = \"" FINGERPRINT
	    "\"\n\tdeny = \"yes\"\n}\n"
	    "key \"b\" {\n\turi = \"" URI "\"\n\tfingerprint = \"" OTHER
	    "\"\n}\n# 2 sections\n");
	check_edit(*state, "c", FINGERPRINT, URI, "c");
	check_text(*state,
	    "key \"c\" {\n\turi = \"" URI "\"\n\tfingerprint = \"" FINGERPRINT
	    "\"\n}\n"
	    "key \"b\" {\n\turi = \"" URI "\"\n\tfingerprint = \"" OTHER
	    "\"\n}\n# 2 sections\n");
}

static void
keeps_what_a_person_wrote(void **state)
{
	check_edit(*state, "x", OTHER, URI, "x");
	files_write(*state, ALLOWED,
	    "max-identities = 2 # mine\n"
	    "key a { # { \"\n fingerprint = '" FINGERPRINT "'\n"
	    " uri = \"" URI "\" /* } */\n} // end\n"
	    "  key \"}\" { uri = 'pkcs11:token=%22' }\n"
	    "# the end\n# 2 sections\n");
	check_edit(*state, "b", FINGERPRINT, NULL, "b");
	check_text(*state,
	    "max-identities = 2 # mine\n"
	    "key \"b\" {\n\tfingerprint = \"" FINGERPRINT
	    "\"\n\tdeny = \"yes\"\n}\n"
	    "  key \"}\" { uri = 'pkcs11:token=%22' }\n"
	    "# the end\n# 2 sections\n");
}

static void
refuses_lines_with_more_on_them(void **state)
{
	static const char *const texts[] = {
	    "key a { fingerprint = '" FINGERPRINT "' } key b { uri = '" URI
	    "' }\n# 2 sections\n",
	    "key b { uri = '" URI "' } key a { fingerprint = '" FINGERPRINT
	    "' }\n# 2 sections\n",
	    "key b { uri = '" URI "'\n} key a { fingerprint = '" FINGERPRINT
	    "' }\n# 2 sections\n",
	    "key a { fingerprint = '" FINGERPRINT "' } max-identities = 1\n"
	    "# 1 sections\n",
	};
	const struct config_edit e = {"a", FINGERPRINT, NULL, NULL};

	check_edit(*state, "x", OTHER, URI, "x");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char title[160];

		files_write(*state, ALLOWED, texts[i]);
		if (strstr(edit_key(*state, &e, title), "lines of its own") ==
		    NULL)
			fail_msg("%s", texts[i]);
		check_text(*state, texts[i]);
	}
}

static void
titles(void **state)
{
	char longest[400];

	memset(longest, 'n', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(mkdir(files_path(*state, "p11-agent"), 0700), 0);
	files_write(*state, "p11-agent/p11-agent.conf",
	    "key work { uri = 'pkcs11:token=z' }\n");
	check_edit(*state, "work", FINGERPRINT, URI, "work-2");
	check_edit(*state, "work", FINGERPRINT, URI, "work-2");
	check_edit(*state, "work", OTHER, URI, "work-3");
	check_edit(*state, "", FINGERPRINT, URI, "key");
	check_edit(*state, "a\"b\\c${HOME}\n$", FINGERPRINT, URI,
	    "a\"b\\c${HOME}?$");
	check_edit(*state, "a\"b\\c${HOME}\n$", OTHER, URI,
	    "a\"b\\c${HOME}?$-2");
	longest[119] = '\0';
	check_edit(*state, longest, FINGERPRINT, URI, longest);
	memset(longest, 'n', 200);
	longest[399] = '\0';
	{
		const struct config_edit e = {longest, OTHER, URI, NULL};
		char got[160];

		assert_string_equal(edit_key(*state, &e, got), "");
		assert_int_equal(strlen(got), 121);
	}
}

static void
the_person_s_own_file_wins(void **state)
{
	static const struct {
		const char *deny;
		const char *says;
	} cases[] = {
	    {"fingerprint = '" FINGERPRINT "'", "denies this key"},
	    {"uri = 'pkcs11:token=a'", "denies this key"},
	    {"uri = 'pkcs11:id=%01' fingerprint = '" FINGERPRINT "'",
		"denies this key"},
	    {"uri = 'pkcs11:token=b'", ""},
	    {"uri = 'pkcs11:id=%01' fingerprint = '" OTHER "'", ""},
	    {"fingerprint = '" OTHER "'", ""},
	};

	assert_int_equal(mkdir(files_path(*state, "p11-agent"), 0700), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct config_edit e = {"a", FINGERPRINT, URI, NULL};
		char text[512], want[512] = "", title[160];

		snprintf(text, sizeof(text), "\nkey no { %s deny = yes }\n",
		    cases[i].deny);
		files_write(*state, "p11-agent/p11-agent.conf", text);
		if (cases[i].says[0] != '\0')
			snprintf(want, sizeof(want),
			    "p11-agent/p11-agent.conf:2: key \"no\" denies "
			    "this key: take it out first");
		assert_string_equal(edit_key(*state, &e, title), want);
		/* A deny needs nobody's leave. */
		check_edit(*state, "a", FINGERPRINT, NULL, "a");
	}
}

static void
wrong_words_change_nothing(void **state)
{
	const struct config_edit no_uri = {"a", FINGERPRINT, "http://x", NULL};
	const struct config_edit no_print = {"a", "MD5:00", URI, NULL};
	const struct config_edit short_print = {"a", "SHA256:AA", URI, NULL};
	const struct config_edit no_key = {"a", FINGERPRINT, URI, "ssh-dss A"};
	const struct config_edit wrong_key = {"a", FINGERPRINT, URI,
	    PUBLIC_KEY};
	char title[160];

	check_refused(*state, &no_uri,
	    "http://x: does not begin with \"pkcs11:\"");
	check_refused(*state, &no_print, "no SHA256 fingerprint");
	assert_true(edit_key(*state, &short_print, title)[0] != '\0');
	assert_true(edit_key(*state, &no_key, title)[0] != '\0');
	check_refused(
	    *state, &wrong_key, "the public key is of another fingerprint");
	assert_int_equal(access(files_path(*state, ALLOWED), F_OK), -1);
	/* Nor does anything that cannot be read. */
	files_write(*state, ALLOWED, "key a {\n");
	assert_true(edit_key(*state, &no_uri, title)[0] != '\0');
	check_text(*state, "key a {\n");
}

static void
stores_the_public_key(void **state)
{
	CLEANUP(config_loader_clear) struct config_loader l;
	const struct config_edit e = {"hsm", KEY_FINGERPRINT, URI, PUBLIC_KEY};
	char title[160];

	assert_string_equal(edit_key(*state, &e, title), "");
	assert_string_equal(files_load(*state, NULL, &l), "");
	assert_int_equal(l.config->n_keys, 1);
	assert_non_null(l.config->keys[0].public_key);
	check_mode(*state, "p11-agent/keys", 0700);
	/* The same key: one section, though only its file says so. */
	check_edit(*state, "hsm", KEY_FINGERPRINT, NULL, "hsm");
	check_text(*state, "key \"hsm\" {\n\tfingerprint = \"" KEY_FINGERPRINT
			   "\"\n\tdeny = \"yes\"\n}\n# 1 sections\n");
}

/* Whatever is cut off, the file is refused: a deny is not lost. */
static void
no_cut_is_taken(void **state)
{
	CLEANUP(cleanup_free) char *text = calloc(1, 4096);
	FILE *in;
	size_t len;

	check_edit(*state, "a", FINGERPRINT, URI, "a");
	check_edit(*state, "b", OTHER, NULL, "b");
	in = fopen(files_path(*state, ALLOWED), "rb");
	assert_true(in != NULL && text != NULL);
	len = fread(text, 1, 4095, in);
	fclose(in);
	assert_true(len > 200 && len < 4095);
	for (size_t i = 0; i < len; i++) {
		CLEANUP(config_loader_clear) struct config_loader l;

		files_write_bytes(*state, ALLOWED, bytes_of(text, i));
		if (files_load(*state, NULL, &l)[0] == '\0')
			fail_msg("taken, cut at %zu of %zu", i, len);
	}
}

static size_t
count_entries(struct files *f, const char *name)
{
	DIR *d = opendir(files_path(f, name));
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* In a child: no file may grow beyond `limit` bytes. Its error's presence. */
static bool
edit_fails_with(struct files *f, const struct config_edit *e, rlim_t limit)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit size = {limit, limit};
		char title[160];

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &size);
		_exit(edit_key(f, e, title)[0] == '\0' ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == 1;
}

static void
a_full_disk_leaves_the_old_file(void **state)
{
	const struct config_edit e = {"b", OTHER, URI, NULL};
	size_t n;

	check_edit(*state, "a", FINGERPRINT, NULL, "a");
	n = count_entries(*state, "p11-agent");
	for (rlim_t limit = 0; limit < 200; limit += 23) {
		assert_true(edit_fails_with(*state, &e, limit));
		check_text(*state, "key \"a\" {\n\tfingerprint = \"" FINGERPRINT
				   "\"\n\tdeny = \"yes\"\n}\n# 1 sections\n");
		assert_int_equal(count_entries(*state, "p11-agent"), n);
	}
	assert_false(edit_fails_with(*state, &e, 4096));
}

static void
links_are_followed(void **state)
{
	struct stat st;

	assert_int_equal(mkdir(files_path(*state, "p11-agent"), 0700), 0);
	assert_int_equal(mkdir(files_path(*state, "dots"), 0700), 0);
	assert_int_equal(
	    symlink("../dots/link", files_path(*state, ALLOWED)), 0);
	assert_int_equal(symlink("real", files_path(*state, "dots/link")), 0);
	check_edit(*state, "a", FINGERPRINT, URI, "a");
	check_edit(*state, "b", OTHER, URI, "b");
	assert_int_equal(lstat(files_path(*state, ALLOWED), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(lstat(files_path(*state, "dots/link"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(lstat(files_path(*state, "dots/real"), &st), 0);
	assert_true(S_ISREG(st.st_mode));
	/* Round and round. */
	assert_int_equal(unlink(files_path(*state, "dots/link")), 0);
	assert_int_equal(symlink("link", files_path(*state, "dots/link")), 0);
	{
		const struct config_edit e = {"a", FINGERPRINT, URI, NULL};
		char title[160];

		assert_true(edit_key(*state, &e, title)[0] != '\0');
	}
}

/* Each adds a section; none may be lost. */
static void
two_at_once(void **state)
{
	CLEANUP(config_loader_clear) struct config_loader l;
	enum { WRITERS = 8 };
	char print[64], title[160];
	int status;

	for (int i = 0; i < WRITERS; i++) {
		const struct config_edit e = {"k", print, URI, NULL};

		snprintf(print, sizeof(print), "%s", FINGERPRINT);
		print[20] = (char)('a' + i);
		if (fork() == 0)
			_exit(edit_key(*state, &e, title)[0] != '\0');
	}
	for (int i = 0; i < WRITERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_string_equal(files_load(*state, NULL, &l), "");
	assert_int_equal(l.config->n_keys, WRITERS);
}

#define EDIT_TEST(f) \
	cmocka_unit_test_setup_teardown(f, edit_setup, files_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    EDIT_TEST(first_allow),
	    EDIT_TEST(replaces_its_own),
	    EDIT_TEST(keeps_what_a_person_wrote),
	    EDIT_TEST(refuses_lines_with_more_on_them),
	    EDIT_TEST(titles),
	    EDIT_TEST(the_person_s_own_file_wins),
	    EDIT_TEST(wrong_words_change_nothing),
	    EDIT_TEST(stores_the_public_key),
	    EDIT_TEST(no_cut_is_taken),
	    EDIT_TEST(a_full_disk_leaves_the_old_file),
	    EDIT_TEST(links_are_followed),
	    EDIT_TEST(two_at_once),
	};

	return cmocka_run_group_tests_name(
	    "agent/config-edit", tests, NULL, NULL);
}
