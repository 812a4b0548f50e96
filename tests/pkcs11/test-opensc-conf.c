/* SPDX-License-Identifier: BSD-2-Clause */
#include "pkcs11/opensc-conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits.h"
#include "tests/cmocka-all.h"

#define NEW_BLOCK "\napp default {\n\tignored_readers = \"A 00\", \"B\";\n}\n"
#define NEW_SETTING "\n\tignored_readers = \"A 00\", \"B\";"

/* The text of an opensc.conf when the readers "A 00" and "B" are added. */
static void
adds_readers(void **state)
{
	const struct {
		const char *name;
		const char *text, *want;
	} cases[] = {
		{"nothing", "", NEW_BLOCK},
		{"a comment, open at the end", "# { \" app default {",
		    "# { \" app default {" NEW_BLOCK},
		{"a block without the setting",
		    "app default {\n\tdebug = 3;\n}\n",
		    "app default {" NEW_SETTING "\n\tdebug = 3;\n}\n"},
		{"no blanks", "app default {}", "app default {" NEW_SETTING "}"},
		{"the setting",
		    "app default { ignored_readers = \"x{\", y; a=b; }",
		    "app default { ignored_readers = \"A 00\", \"B\", "
		    "\"x{\", y; a=b; }"},
		{"the setting, empty", "app default { ignored_readers = ; }",
		    "app default { ignored_readers = \"A 00\", \"B\", ; }"},
		{"other case, quoted name",
		    "App \"DEFAULT\" { Ignored_Readers = q; }",
		    "App \"DEFAULT\" { Ignored_Readers = \"A 00\", \"B\", "
		    "q; }"},
		{"another program's block",
		    "app opensc-tool { ignored_readers = q; }\n",
		    "app opensc-tool { ignored_readers = q; }\n" NEW_BLOCK},
		{"the setting of an inner block",
		    "app default { card_driver x { ignored_readers = q; } }",
		    "app default {" NEW_SETTING
		    " card_driver x { ignored_readers = q; } }"},
		{"an inner block of that name",
		    "other { app default { a = b; } }",
		    "other { app default { a = b; } }" NEW_BLOCK},
		{"two blocks: the first",
		    "app default { a = b; }\napp default { ignored_readers = "
		    "q; }",
		    "app default {" NEW_SETTING " a = b; }\napp default { "
		    "ignored_readers = q; }"},
		{"in comments and strings only",
		    "# app default {\nx = \"app default {\";\n",
		    "# app default {\nx = \"app default {\";\n" NEW_BLOCK},
		{"a forgotten semicolon", "debug = 3\napp default { a = b }",
		    "debug = 3\napp default {" NEW_SETTING " a = b }"},
		{"signs inside of words", "a{b=c d;\r\napp default {}",
		    "a{b=c d;\r\napp default {" NEW_SETTING "}"},
		{"a name of several", "app default, other { }",
		    "app default, other {" NEW_SETTING " }"},
		{"a list over lines", "app default { ignored_readers\n=\n# x\na"
				      "\n,\nb ; }",
		    "app default { ignored_readers\n= \"A 00\", \"B\",\n# x\na"
		    "\n,\nb ; }"},
	};
	const struct bytes names[] = {bytes_str("A 00"), bytes_str("B")};
	const struct opensc_readers readers = {names, 2, BYTES_NONE};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buffer out = BUFFER_INIT(4096);
		unsigned int line = 0;

		if (!opensc_conf_merge(
			bytes_str(cases[i].text), &readers, &out, &line))
			fail_msg("%s: refused, line %u", cases[i].name, line);
		if (!bytes_is(buffer_bytes(&out), cases[i].want))
			fail_msg("%s:\n%.*s", cases[i].name, (int)out.len,
			    (const char *)out.p);
		buffer_clear(&out);
	}
}

static void
refuses_other_formats(void **state)
{
	const struct {
		const char *name;
		struct bytes text;
		unsigned int line;
	} cases[] = {
		{"open block", bytes_str("app default {\n"), 2},
		{"too many ends", bytes_str("a { }\n}\n"), 2},
		{"open string", bytes_str("\n\na = \"b\n;"), 3},
		{"string to the end", bytes_str("a = \"b"), 1},
		{"a quote at the end", bytes_str("a = \""), 1},
		{"a NUL", bytes_of("a = b;\0", 7), 1},
		{"a block without key", bytes_str("{ }"), 1},
		{"'=' without key", bytes_str("\n = 3;"), 2},
		{"',' without key", bytes_str(", 3;"), 1},
		{"a block as a value", bytes_str("a = { }"), 1},
		{"three words", bytes_str("a b c { }"), 1},
		{"a key at the end", bytes_str("app"), 1},
		{"no value at the end", bytes_str("a ="), 1},
		{"a key before '}'", bytes_str("a { b }"), 1},
	};
	const struct bytes name = bytes_str("A");
	const struct opensc_readers readers = {&name, 1, BYTES_NONE};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buffer out = BUFFER_INIT(4096);
		unsigned int line = 0;

		if (opensc_conf_merge(cases[i].text, &readers, &out, &line))
			fail_msg("%s: taken", cases[i].name);
		if (line != cases[i].line)
			fail_msg("%s: line %u", cases[i].name, line);
		assert_int_equal(out.len, 0);
	}
}

/* An empty name would match every reader. */
static void
leaves_names_out(void **state)
{
	const struct bytes names[] = {
		BYTES_NONE,
		bytes_str("a \"quoted\" one"),
		bytes_str("two\nlines"),
		bytes_str("DEL\x7f"),
		bytes_str("YubiKey 00"),
		bytes_str("Yubico YubiKey 00 01"),
	};
	const struct opensc_readers readers = {
		names, sizeof(names) / sizeof(names[0]),
		bytes_str("Yubico YubiKey 00 00")};
	const struct opensc_readers none = {names, 5, readers.own};
	const struct bytes text = bytes_str("app default { }");
	struct buffer out = BUFFER_INIT(4096);
	unsigned int line;

	(void)state;
	assert_true(opensc_conf_merge(text, &readers, &out, &line));
	assert_true(bytes_is(buffer_bytes(&out), "app default {\n\t"
	    "ignored_readers = \"Yubico YubiKey 00 01\"; }"));
	buffer_clear(&out);
	assert_true(opensc_conf_merge(text, &none, &out, &line));
	assert_true(bytes_equal(buffer_bytes(&out), text));
	buffer_clear(&out);
}

static void
says_when_it_does_not_fit(void **state)
{
	const struct bytes name = bytes_str("A");
	const struct opensc_readers readers = {&name, 1, BYTES_NONE};
	struct buffer out = BUFFER_INIT(16);
	unsigned int line;

	(void)state;
	assert_true(opensc_conf_merge(BYTES_NONE, &readers, &out, &line));
	assert_true(out.failed);
	buffer_clear(&out);
}

static size_t
read_named(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	fclose(f);
	return n;
}

static void
applies(void **state)
{
	char path[] = "/tmp/test-opensc-conf.XXXXXX";
	const struct bytes name = bytes_str("A");
	const struct opensc_readers one = {&name, 1, BYTES_NONE};
	const struct opensc_readers none = {NULL, 0, BYTES_NONE};
	int fd = mkstemp(path);
	struct p11_err err;
	char text[256];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "app default { }", 15), 15);
	setenv("OPENSC_CONF", path, 1);
	assert_true(opensc_conf_apply(&none, &err));
	assert_string_equal(getenv("OPENSC_CONF"), path);
	assert_true(opensc_conf_apply(&one, &err));
	assert_string_not_equal(getenv("OPENSC_CONF"), path);
	read_named(getenv("OPENSC_CONF"), text, sizeof(text));
	assert_string_equal(
	    text, "app default {\n\tignored_readers = \"A\"; }");

	/* What cannot be used is named, and stays as it was. */
	assert_int_equal(write(fd, "}", 1), 1);
	setenv("OPENSC_CONF", path, 1);
	assert_false(opensc_conf_apply(&one, &err));
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, ":1: not in OpenSC's format"));
	assert_string_equal(getenv("OPENSC_CONF"), path);
	assert_int_equal(ftruncate(fd, CONFIG_FILE_MAX_BYTES + 1), 0);
	assert_false(opensc_conf_apply(&one, &err));
	assert_non_null(strstr(err.text, "too large"));
	close(fd);

	/* A FIFO must not make it wait; no file is an empty one. */
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(opensc_conf_apply(&one, &err));
	assert_non_null(strstr(err.text, "no regular file"));
	unlink(path);
	assert_true(opensc_conf_apply(&one, &err));
	read_named(getenv("OPENSC_CONF"), text, sizeof(text));
	assert_string_equal(
	    text, "\napp default {\n\tignored_readers = \"A\";\n}\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_readers),
		cmocka_unit_test(refuses_other_formats),
		cmocka_unit_test(leaves_names_out),
		cmocka_unit_test(says_when_it_does_not_fit),
		cmocka_unit_test(applies),
	};

	return cmocka_run_group_tests_name(
	    "pkcs11/opensc-conf", tests, NULL, NULL);
}
