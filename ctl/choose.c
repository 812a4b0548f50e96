/* SPDX-License-Identifier: BSD-2-Clause */
/* Which key the word KEY of a command line means. */
#include "ctl/choose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/show.h"

#define FINGERPRINT_HEAD "SHA256:"

enum {
	FINGERPRINT_START_MIN = 4,
	PUBLIC_KEY_MAX_BYTES = 64 * 1024,
};

typedef bool (*match_fn)(const json_t *key, const char *word);

static bool
member_is(const json_t *key, const char *member, const char *word)
{
	const char *text = json_string_value(json_object_get(key, member));

	return text != NULL && strcmp(text, word) == 0;
}

static bool
name_is(const json_t *key, const char *word)
{
	return member_is(key, "name", word);
}

typedef bool (*text_fn)(const char *text, const char *word);

static bool
a_label_is(const json_t *key, const char *word, text_fn is)
{
	const json_t *labels = json_object_get(key, "labels");

	for (size_t i = 0; i < json_array_size(labels); i++) {
		const char *text =
		    json_string_value(json_array_get(labels, i));

		if (text != NULL && is(text, word))
			return true;
	}
	return false;
}

static bool
texts_equal(const char *text, const char *word)
{
	return strcmp(text, word) == 0;
}

static bool
label_is(const json_t *key, const char *word)
{
	return a_label_is(key, word, texts_equal);
}

/* "PIV AUTH pubkey" for "PIV AUTH key", as OpenSC calls the two halves. */
static bool
is_public_half(const char *text, const char *word)
{
	static const char key[] = "key", pubkey[] = "pubkey";
	size_t len = strlen(word), end = sizeof(key) - 1;

	return len >= end && strcmp(word + len - end, key) == 0 &&
	       strncmp(text, word, len - end) == 0 &&
	       strcmp(text + len - end, pubkey) == 0;
}

/* Before a login a token may hide the private key, and its label with it. */
static bool
public_half_is(const json_t *key, const char *word)
{
	return a_label_is(key, word, is_public_half);
}

static bool
fingerprint_starts(const json_t *key, const char *word)
{
	const char *text =
	    json_string_value(json_object_get(key, "fingerprint"));
	const size_t head = strlen(FINGERPRINT_HEAD);

	if (text == NULL || strncmp(text, FINGERPRINT_HEAD, head) != 0)
		return false;
	if (strncmp(word, FINGERPRINT_HEAD, head) == 0)
		word += head;
	return strlen(word) >= FINGERPRINT_START_MIN &&
	       strncmp(text + head, word, strlen(word)) == 0;
}

/* word: "TYPE BASE64", as the document has it. */
static bool
public_key_is(const json_t *key, const char *word)
{
	return member_is(key, "public_key", word);
}

static void
choose_by(const json_t *keys, match_fn match, const char *word, json_t *found)
{
	for (size_t i = 0; i < json_array_size(keys); i++) {
		json_t *key = json_array_get(keys, i);

		if (match(key, word))
			json_array_append(found, key);
	}
}

static bool
is_file_name(const char *word)
{
	size_t len = strlen(word);

	return (len > 4 && strcmp(word + len - 4, ".pub") == 0) ||
	       (strchr(word, '/') != NULL && access(word, F_OK) == 0);
}

/* Only a regular file: a FIFO would wait for ever. */
static bool
read_file(const char *path, char *text, size_t size)
{
	CLEANUP(cleanup_close)
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) != 0) {
		ctl_error("%s: %s", path, strerror(errno));
		return false;
	}
	n = S_ISREG(st.st_mode) ? read(fd, text, size - 1) : -1;
	if (n < 0) {
		ctl_error("%s: cannot be read", path);
		return false;
	}
	text[n] = '\0';
	return true;
}

/* By the first two words of a `.pub` file: type and base64. */
static bool
choose_by_file(const json_t *keys, const char *path, json_t *found)
{
	CLEANUP(cleanup_free) char *text = malloc(PUBLIC_KEY_MAX_BYTES);
	char *type, *base64, *save = NULL;

	if (text == NULL || !read_file(path, text, PUBLIC_KEY_MAX_BYTES))
		return false;
	type = strtok_r(text, " \t\r\n", &save);
	base64 = type == NULL ? NULL : strtok_r(NULL, " \t\r\n", &save);
	if (base64 == NULL) {
		ctl_error("%s: is no OpenSSH public key file", path);
		return false;
	}
	/* Two words that stand in one piece of memory: join them there. */
	memmove(type + strlen(type) + 1, base64, strlen(base64) + 1);
	type[strlen(type)] = ' ';
	choose_by(keys, public_key_is, type, found);
	if (json_array_size(found) > 0)
		return true;
	ctl_error("%s: no token has this key (`p11-agentctl keys` shows those "
		  "there are)",
	    path);
	return false;
}

/* Copies of one key on several tokens are one key. */
static bool
is_one_key(const json_t *found)
{
	const json_t *first = json_array_get(found, 0);

	for (size_t i = 1; i < json_array_size(found); i++)
		if (!json_equal(
			json_object_get(first, "public_key"),
			json_object_get(json_array_get(found, i), "public_key")) ||
		    json_is_null(json_object_get(first, "public_key")))
			return false;
	return true;
}

static void
tell_several(const json_t *found, const char *word)
{
	ctl_error("which key? \"%s\" means several; name its fingerprint:",
	    word);
	for (size_t i = 0; i < json_array_size(found); i++) {
		const json_t *key = json_array_get(found, i);
		CLEANUP(cleanup_free) char *print = show_text(key, "fingerprint");
		CLEANUP(cleanup_free) char *label = show_text(key, "label");
		CLEANUP(cleanup_free) char *token = show_text(key, "token");

		ctl_error("    %s %s, %s", print == NULL ? "-" : print,
		    label == NULL ? "(no label)" : label,
		    token == NULL ? "token without a name" : token);
	}
}

static bool
choose_into(const json_t *keys, const char *word, json_t *found)
{
	static const match_fn passes[] = {
	    name_is, label_is, public_half_is, fingerprint_starts};

	if (is_file_name(word))
		return choose_by_file(keys, word, found);
	for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]) &&
			   json_array_size(found) == 0;
	     i++)
		choose_by(keys, passes[i], word, found);
	if (json_array_size(found) == 0) {
		ctl_error("no key is called \"%s\" (`p11-agentctl keys` shows "
			  "those there are)",
		    word);
		return false;
	}
	if (!is_one_key(found)) {
		tell_several(found, word);
		return false;
	}
	return true;
}

/* Say so when there may be more than the agent shows. */
static void
tell_left_out(const json_t *document)
{
	const json_t *lines = json_object_get(document, "left_out");

	for (size_t i = 0; i < json_array_size(lines); i++) {
		CLEANUP(cleanup_free)
		char *line = show_value(json_array_get(lines, i));

		ctl_error("    %s", line == NULL ? "-" : line);
	}
}

bool
choose_key(const json_t *document, const char *word, json_t **ret)
{
	json_t *found = json_array();

	if (found == NULL) {
		ctl_error("out of memory");
		return false;
	}
	if (!choose_into(json_object_get(document, "keys"), word, found)) {
		if (json_array_size(found) == 0)
			tell_left_out(document);
		json_decref(found);
		return false;
	}
	*ret = found;
	return true;
}
