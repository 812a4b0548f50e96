/* SPDX-License-Identifier: BSD-2-Clause */
/* Which key a word means. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/choose.h"
#include "tests/cmocka-all.h"

#define LABEL(label) "\"" label "\""
#define KEY(id, name, label, print, public_key)                          \
	"{\"id\": \"" id "\", \"name\": " name ", \"labels\": [" label  \
	"], \"fingerprint\": \"SHA256:" print "\", \"public_key\": \"" \
	public_key "\"}"

static const char KEYS[] = "{\"keys\": [" KEY(
    "1", "\"work\"", LABEL("SIGN key"), "abcdef", "ssh-rsa AAA1") "," KEY("2", "null",
    LABEL("work"), "abcxyz",
    "ssh-ed25519 AAA2") "," KEY("3", "null", LABEL("twin"), "q/twin", "ssh-rsa AAA3")
    "," KEY("4", "\"same\"", LABEL("twin"), "q/twin", "ssh-rsa AAA3") "," KEY(
	"5", "null", LABEL("double"), "dd11", "ssh-rsa AAA5") ","
    KEY("6", "null", LABEL("double"), "dd22",
	"ssh-rsa AAA6") ", {\"id\": \"7\", \"labels\": [\"odd\"], "
			"\"fingerprint\": null, \"public_key\": null}, "
			"{\"id\": \"8\", \"labels\": [\"odd\"]}, {}, 7, null, "
	KEY("9", "null", LABEL("PIV AUTH pubkey") ", " LABEL("CN of A"),
	    "ee11", "ssh-rsa AAA9") ", "
	KEY("a", "null", LABEL("CN of B") ", " LABEL("Card pubkey") ", "
	    LABEL("Card key"), "ee22", "ssh-rsa AAAa") "]}";

/* The ids of those that are meant, one letter each; "-" for an error. */
static const char *
chosen(const char *json, const char *word, char out[static 16])
{
	json_error_t error;
	json_t *document = json_loads(json, JSON_DECODE_ANY, &error);
	json_t *found = NULL;
	size_t n = 0;

	if (document == NULL)
		fail_msg("%s", error.text);
	if (!choose_key(document, word, &found)) {
		assert_null(found);
		strcpy(out, "-");
		json_decref(document);
		return out;
	}
	for (; n < json_array_size(found) && n < 15; n++) {
		const char *id = json_string_value(
		    json_object_get(json_array_get(found, n), "id"));

		out[n] = id == NULL ? '?' : id[0];
	}
	out[n] = '\0';
	json_decref(found);
	json_decref(document);
	return out;
}

static void
by_words(void **state)
{
	static const struct {
		const char *word, *want;
	} cases[] = {
	    {"work", "1"}, /* a section's name before a label */
	    {"SIGN key", "1"},
	    {"SHA256:abcdef", "1"},
	    {"abcdef", "1"},
	    {"abcx", "2"},
	    {"SHA256:abcx", "2"},
	    {"SHA256:abc", "-"}, /* too short to mean one on purpose */
	    {"abc", "-"},
	    {"", "-"},
	    {"SHA256:", "-"},
	    {"twin", "34"}, /* one key on two tokens */
	    {"q/twin", "34"},
	    {"same", "4"},
	    {"double", "-"},
	    {"dd11", "5"},
	    {"odd", "-"}, /* no public key says that they are one */
	    {"nothing", "-"},
	    /* Public key, private key and certificate: each may have one. */
	    {"PIV AUTH pubkey", "9"},
	    {"CN of A", "9"},
	    {"CN of B", "a"},
	    {"Card key", "a"},
	    /* The private key's, where only the public key's shows yet. */
	    {"PIV AUTH key", "9"},
	    {"AUTH key", "-"},
	    {"PIV AUTH kez", "-"},
	    {"PIV AUTH", "-"},
	    {"key", "-"},
	};
	char out[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strcmp(chosen(KEYS, cases[i].word, out), cases[i].want) !=
		    0)
			fail_msg("%s: %s", cases[i].word, out);
}

static void
by_pub_file(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"ssh-ed25519 AAA2 me@x\n", "2"},
	    {"ssh-ed25519 \t AAA2", "2"},
	    {"ssh-rsa AAA3\nssh-rsa AAA5\n", "34"},
	    {"ssh-ed25519 AAA\n", "-"},
	    {"ssh-ed25519\n", "-"},
	    {"", "-"},
	    {"\n\n", "-"},
	};
	char folder[] = "/tmp/choose-XXXXXX", path[64], out[16];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/k.pub", folder);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		fputs(cases[i].text, file);
		assert_int_equal(fclose(file), 0);
		if (strcmp(chosen(KEYS, path, out), cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].text, out);
	}
	assert_int_equal(remove(path), 0);
	assert_string_equal(chosen(KEYS, path, out), "-");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_string_equal(chosen(KEYS, path, out), "-");
	assert_int_equal(remove(path), 0);
	assert_int_equal(remove(folder), 0);
}

static void
wrong_documents(void **state)
{
	static const char *const texts[] = {"{}", "[]", "null", "7",
	    "{\"keys\": {}}", "{\"keys\": null}", "{\"keys\": [[], 1, null]}"};
	char out[16];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_string_equal(chosen(texts[i], "work", out), "-");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(by_words),
	    cmocka_unit_test(by_pub_file),
	    cmocka_unit_test(wrong_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
