/* SPDX-License-Identifier: BSD-2-Clause */
/* Which files make a config: places, includes, allowed.conf, .pub files. */
#include "tests/agent/config-files.h"

#include "agent/config-pubkey.h"
#include "agent/config-uri.h"

#define KEY(name) "key \"" name "\" { uri = \"pkcs11:token=a\" }\n"
#define DENY(name) \
	"key \"" name "\" { uri = \"pkcs11:token=a\" deny = \"yes\" }\n"

/* XDG_CONFIG_HOME/p11-agent/ is the folder's p11-agent/. */
static int
person_setup(void **state)
{
	struct files *f;

	files_setup(state);
	f = *state;
	assert_int_equal(mkdir(files_path(f, "p11-agent"), 0700), 0);
	assert_int_equal(setenv("XDG_CONFIG_HOME", f->folder, 1), 0);
	return 0;
}

/* The names of the keys, one letter each. */
static const char *
names_of(const struct config *c, char out[static 16])
{
	assert_true(c->n_keys < 16);
	for (size_t i = 0; i < c->n_keys; i++)
		out[i] = c->keys[i].name[0];
	out[c->n_keys] = '\0';
	return out;
}

static size_t
count_files(const struct config *c)
{
	size_t n = 0;

	while (c->files != NULL && c->files[n] != NULL)
		n++;
	return n;
}

static void
persons_files(void **state)
{
	CLEANUP(config_loader_clear) struct config_loader none, one, both, a;
	char names[16];

	assert_string_equal(files_load(*state, NULL, &none), "");
	assert_int_equal(count_files(none.config), 0);
	files_write(*state, "p11-agent/p11-agent.conf", KEY("a") KEY("b"));
	assert_string_equal(files_load(*state, NULL, &one), "");
	assert_int_equal(count_files(one.config), 1);
	files_write(*state, "p11-agent/allowed.conf",
	    KEY("c") DENY("d") "# 2 sections\n");
	assert_string_equal(files_load(*state, NULL, &both), "");
	assert_string_equal(names_of(both.config, names), "abcd");
	assert_int_equal(count_files(both.config), 2);
	/* A file that is named stands alone. */
	assert_string_equal(
	    files_load(*state, "p11-agent/p11-agent.conf", &a), "");
	assert_string_equal(names_of(a.config, names), "ab");
}

static void
below_the_home_folder(void **state)
{
	CLEANUP(config_loader_clear) struct config_loader l;
	struct files *f = *state;
	char names[16];

	files_write(f, "x.pub", PUBLIC_KEY);
	assert_int_equal(mkdir(files_path(f, ".config"), 0700), 0);
	assert_int_equal(mkdir(files_path(f, ".config/p11-agent"), 0700), 0);
	files_write(f, ".config/p11-agent/p11-agent.conf",
	    "key b { file = \"~/x.pub\" }\n");
	/* A relative one is to be ignored. */
	assert_int_equal(setenv("XDG_CONFIG_HOME", "p11-agent", 1), 0);
	assert_int_equal(setenv("HOME", f->folder, 1), 0);
	assert_string_equal(files_load(f, NULL, &l), "");
	assert_string_equal(names_of(l.config, names), "b");
}

static void
title_in_two_files(void **state)
{
	CLEANUP(config_loader_clear) struct config_loader l;

	files_write(*state, "p11-agent/p11-agent.conf", "\n" KEY("a"));
	files_write(*state, "p11-agent/allowed.conf",
	    KEY("b") "\n" KEY("a") "# 2 sections\n");
	assert_string_equal(files_load(*state, NULL, &l),
	    "p11-agent/allowed.conf:3: key \"a\" is there already, at "
	    "p11-agent/p11-agent.conf:2: give one of them another title");
}

static void
allowed_conf_counts(void **state)
{
	static const char whole[] = KEY("a") DENY("b") "# 2 sections\n";
	static const char *const wrong[] = {"", KEY("a"),
	    KEY("a") "# 2 sections\n", KEY("a") "# 0 sections\n",
	    KEY("a") "## 1 sections\n", KEY("a") "# 1 sections",
	    KEY("a") "# 1 sections\n\n", KEY("a") "# 1 section\n",
	    KEY("a") "# 01 sections\n", "# 1 sections\n" KEY("a")};
	CLEANUP(config_loader_clear) struct config_loader l;

	for (size_t len = 0; len < strlen(whole); len++) {
		CLEANUP(config_loader_clear) struct config_loader cut;

		files_write_bytes(
		    *state, "p11-agent/allowed.conf", bytes_of(whole, len));
		if (files_load(*state, NULL, &cut)[0] == '\0')
			fail_msg("%zu bytes are taken", len);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CLEANUP(config_loader_clear) struct config_loader bad;

		files_write(*state, "p11-agent/allowed.conf", wrong[i]);
		if (strstr(files_load(*state, NULL, &bad),
			"is cut or was "
			"edited by hand") == NULL)
			fail_msg("%s\ngives %s", wrong[i], bad.error);
	}
	files_write(*state, "p11-agent/allowed.conf", "# 0 sections\n");
	assert_string_equal(files_load(*state, NULL, &l), "");
}

static void
allowed_conf_has_no_include(void **state)
{
	CLEANUP(config_loader_clear) struct config_loader l;

	files_write(*state, "p11-agent/allowed.conf",
	    "include(\"x.conf\")\n# 0 sections\n");
	assert_string_equal(files_load(*state, NULL, &l),
	    "p11-agent/allowed.conf:1: has no includes: it is p11-agentctl's "
	    "own");
}

static void
includes_stand_where_they_are(void **state)
{
	CLEANUP(config_loader_clear) struct config_loader l;
	struct files *f = *state;
	char names[16];

	assert_int_equal(mkdir(files_path(f, "d"), 0700), 0);
	files_write(f, "a.conf",
	    "max-identities = 1\n" KEY("a") "include(\"d/b.conf\") " KEY(
		"d") "include('d/b2.conf')\n" KEY("f"));
	/* Relative to the file that includes, not to where we are. */
	files_write(f, "d/b.conf",
	    KEY("b") "include(\"c.conf\")\n"
		     "max-identities = 2\n");
	files_write(f, "d/c.conf", "\n" KEY("c"));
	files_write(f, "d/b2.conf", KEY("e"));
	assert_string_equal(files_load(f, "a.conf", &l), "");
	assert_string_equal(names_of(l.config, names), "abcdef");
	assert_int_equal(l.config->max_identities, 2);
	assert_int_equal(l.config->keys[2].place.line, 2);
	assert_int_equal(l.config->keys[3].place.line, 3);
	assert_int_equal(l.config->keys[5].place.line, 5);
	assert_non_null(strstr(l.config->keys[2].place.file, "d/c.conf"));
	assert_int_equal(count_files(l.config), 4);
}

/* Each is a.conf; f is a FIFO, d a folder, w writable by others. */
static const struct {
	const char *text, *error;
} bad_includes[] = {
    {"include(\"a.conf\")\n", "a.conf:1: include: a.conf: is being read "
			      "already: it includes itself"},
    {"\ninclude(\"f\")\n", "a.conf:2: include: f: is not a regular file"},
    {"include(\"d\")\n", "a.conf:1: include: d: is not a regular file"},
    {"include(\"no\")\n", "a.conf:1: include: no: No such file or directory"},
    {"include(\"/dev/null\")\n", "a.conf:1: include: /dev/null: is not a "
				 "regular file"},
    {"include(\"w\")\n", "a.conf:1: include: w: others may write it (mode "
			 "0620): run chmod go-w on it"},
    {"include(\"~x/y\")\n", "a.conf:1: include: ~x/y: only ~/ is known, not "
			    "~USER"},
    {"include()\n", "a.conf:1: include(\"FILE\") takes one file"},
    {"include(\"b\"=)\n", "a.conf:1: include(\"FILE\") takes one file"},
    {"include \"b\"\n", "a.conf:1: missing parenthesis for function "
			"'include'"},
    {"include(\"b\", \"c\")\n", "a.conf:1: include(\"FILE\") takes one file"},
    {"include(\"b.conf\")\n", "b.conf:2: include: a.conf: is being read "
			      "already: it includes itself"},
    {"key a { include(\"b.conf\") }", "a.conf:1: key \"a\": no such setting "
				      "\"include\""},
    {"include(\"1\")\n", "8:1: include: 9: more than 8 includes, one in "
			 "another"},
};

static void
includes_that_are_refused(void **state)
{
	struct files *f = *state;
	char name[8], text[32];

	assert_int_equal(mkfifo(files_path(f, "f"), 0600), 0);
	assert_int_equal(mkdir(files_path(f, "d"), 0700), 0);
	files_write(f, "w", "");
	assert_int_equal(chmod(files_path(f, "w"), 0620), 0);
	files_write(f, "b.conf", "\ninclude(\"a.conf\")\n");
	for (int i = 1; i <= 9; i++) {
		snprintf(name, sizeof(name), "%d", i);
		snprintf(text, sizeof(text), "include(\"%d\")", i + 1);
		files_write(f, name, text);
	}
	for (size_t i = 0; i < sizeof(bad_includes) / sizeof(bad_includes[0]);
	     i++) {
		CLEANUP(config_loader_clear) struct config_loader l;
		const char *got;

		files_write(f, "a.conf", bad_includes[i].text);
		got = files_load(f, "a.conf", &l);
		if (strstr(got, bad_includes[i].error) == NULL)
			fail_msg("\n%s\ngives  %s\ninstead %s",
			    bad_includes[i].text, got, bad_includes[i].error);
	}
}

static void
files_that_are_refused(void **state)
{
	CLEANUP(config_loader_clear) struct config_loader no, dir, fifo, open;
	struct files *f = *state;

	assert_string_equal(files_load(f, "no.conf", &no),
	    "no.conf: No such file or directory");
	assert_int_equal(mkdir(files_path(f, "d"), 0700), 0);
	assert_string_equal(
	    files_load(f, "d", &dir), "d: is not a regular file");
	assert_int_equal(mkfifo(files_path(f, "f"), 0600), 0);
	assert_string_equal(
	    files_load(f, "f", &fifo), "f: is not a regular file");
	files_write(f, "a.conf", KEY("a"));
	assert_int_equal(chmod(files_path(f, "a.conf"), 0602), 0);
	assert_string_equal(files_load(f, "a.conf", &open),
	    "a.conf: others may write it (mode 0602): run chmod go-w on it");
}

/* One that is there and cannot be read is no missing one. */
static void
persons_file_that_is_a_folder(void **state)
{
	CLEANUP(config_loader_clear) struct config_loader l;

	assert_int_equal(
	    mkdir(files_path(*state, "p11-agent/p11-agent.conf"), 0700), 0);
	assert_string_equal(files_load(*state, NULL, &l),
	    "p11-agent/p11-agent.conf: is not a regular file");
}

static void
public_key_file(void **state)
{
	CLEANUP(config_loader_clear) struct config_loader l, both;
	struct files *f = *state;
	const struct config_key *k;

	files_write(f, "x.pub", PUBLIC_KEY);
	files_write(f, "a.conf", "key a { file = \"x.pub\" }\n");
	assert_string_equal(files_load(f, "a.conf", &l), "");
	k = &l.config->keys[0];
	assert_int_equal(k->public_key_len, 51);
	assert_memory_equal(k->public_key, "\0\0\0\013ssh-ed25519\0\0\0 ", 19);
	files_write(f, "a.conf",
	    "key a { file = \"x.pub\" file = \"x.pub\"\n"
	    "uri = \"pkcs11:\" uri = \"pkcs11:id=%01\" }\n");
	assert_string_equal(files_load(f, "a.conf", &both), "");
	assert_true(both.config->keys[0].has_uri);
	assert_int_equal(both.config->keys[0].public_key_len, 51);
}

static void
public_keys_that_are_refused(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
	    {"", "is no OpenSSH public key file"},
	    {"ssh-ed25519", "is no OpenSSH public key file"},
	    {"ssh-ed25519 !!!!", "is no OpenSSH public key file"},
	    {"ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA==", "is no OpenSSH"},
	    {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
		"holds a broken key: is it cut?"},
	    {"sk-ssh-ed25519@openssh.com AAAA", "a type that tokens have"},
	    {"ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQt"
	     "djAxQG9wZW5zc2guY29t",
		"is a certificate"},
	    {"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n",
		"is no OpenSSH public key (it has a PEM header)"},
	    {"\xef\xbb\xbf" PUBLIC_KEY, "begins with a byte order mark (BOM)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char words[CONFIG_PUBKEY_WORDS];
		uint8_t *blob = NULL;
		size_t len = 0;
		const char *got = config_pubkey_parse(
		    bytes_str(cases[i].text), &blob, &len, words);

		assert_null(blob);
		if (got == NULL || strstr(got, cases[i].error) == NULL)
			fail_msg("%s: %s", cases[i].text,
			    got == NULL ? "taken" : got);
	}
}

static void
uris(void **state)
{
	static const struct {
		const char *uri, *error;
	} cases[] = {
	    {"pkcs11:", NULL},
	    {"pkcs11:token=a;object=b%20c;type=private", NULL},
	    {"pkcs11:id=%00;type=public", NULL},
	    {"pkcs11:serial=0123456789abcde%66", NULL},
	    {"", "does not begin with"},
	    {"x:token=a", "does not begin with"},
	    {"pkcs11:token", "is not name=value"},
	    {"pkcs11:token=a;;model=b", "is not name=value"},
	    {"pkcs11:token=a;", "ends in a separator"},
	    {"pkcs11:token=a?", "ends in a separator"},
	    {"pkcs11:token=a;token=b", "\"token\" twice"},
	    {"pkcs11:tokn=a", "no such attribute \"tokn\""},
	    {"pkcs11:modul-path=a", "no such attribute \"modul-path\""},
	    {"pkcs11:slot-id=0", "slot numbers change"},
	    {"pkcs11:slot-manufacturer=0", "use slot-description"},
	    {"pkcs11:library-version=1", "name the module in a provider"},
	    {"pkcs11:token=a?module-path=/x", "name the module in a provider"},
	    {"pkcs11:?module-name=x", "is not name=value"},
	    {"pkcs11:token=a?pin-value=1", "a PIN must not stand"},
	    {"pkcs11:token=a?pin-source=x", "in a token section"},
	    {"pkcs11:id=%0", "has a % that"},
	    {"pkcs11:id=%zz", "has a % that"},
	    {"pkcs11:token=%00", "has a NUL"},
	    {"pkcs11:object=%00", "no printable UTF-8"},
	    {"pkcs11:token=%ff", "no printable UTF-8"},
	    {"pkcs11:object=%1b", "no printable UTF-8"},
	    {"pkcs11:type=cert", "is of a type that is no key"},
	    {"pkcs11:type=x", "p11-kit does not take it"},
	    {"pkcs11:serial=0123456789abcdefg", "more than 16 bytes"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char words[CONFIG_URI_WORDS];
		struct uri_match u;
		const char *got =
		    config_uri_parse(cases[i].uri, false, &u, words);
		const char *want = cases[i].error;

		uri_match_clear(&u);
		if (want == NULL ? got != NULL
				 : got == NULL || strstr(got, want) == NULL)
			fail_msg("%s: %s", cases[i].uri,
			    got == NULL ? "taken" : got);
	}
}

#define PERSON_TEST(name) \
	cmocka_unit_test_setup_teardown(name, person_setup, files_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PERSON_TEST(persons_files),
	    PERSON_TEST(below_the_home_folder),
	    PERSON_TEST(title_in_two_files),
	    PERSON_TEST(allowed_conf_counts),
	    PERSON_TEST(allowed_conf_has_no_include),
	    PERSON_TEST(includes_stand_where_they_are),
	    PERSON_TEST(includes_that_are_refused),
	    PERSON_TEST(files_that_are_refused),
	    PERSON_TEST(persons_file_that_is_a_folder),
	    PERSON_TEST(public_key_file),
	    cmocka_unit_test(public_keys_that_are_refused),
	    cmocka_unit_test(uris),
	};

	return cmocka_run_group_tests_name(
	    "agent/config-load", tests, NULL, NULL);
}
