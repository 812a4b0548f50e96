/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agentctl export: public keys, as authorized_keys lines, allowed_signers
 * lines, or `.pub` files.
 */
#include "ctl/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "ctl/choose.h"
#include "ctl/client.h"
#include "ctl/show.h"

enum {
	NAME_BYTES = 100,
	OLD_FILE_MAX_BYTES = 64 * 1024,
};

static void
json_freep(json_t **j)
{
	json_decref(*j);
}

/* "TYPE BASE64"; NULL, told, for what could be no line of a file. */
static const char *
public_key_of(const json_t *key)
{
	const char *text =
	    json_string_value(json_object_get(key, "public_key"));
	const char *blank = text == NULL ? NULL : strchr(text, ' ');

	if (blank == NULL || blank == text || strpbrk(blank + 1, " \t\r\n\"") ||
	    strpbrk(text, "\t\r\n\"") != NULL) {
		CLEANUP(cleanup_free) char *label = show_text(key, "label");

		ctl_error("key \"%s\" has no SSH public key",
		    label == NULL ? "" : label);
		return NULL;
	}
	return text;
}

/* The section's name, else the label; in one line. The caller's to free. */
static char *
comment_of(const json_t *key)
{
	char *text = show_text(key, "name");

	if (text == NULL)
		text = show_text(key, "label");
	if (text == NULL)
		text = strdup("");
	for (char *p = text; p != NULL && *p != '\0'; p++)
		if (*p == '\n')
			*p = '?';
	return text;
}

void
export_line(FILE *out, const char *principal, const char *public_key,
    const char *comment)
{
	if (principal != NULL)
		fprintf(out, "%s namespaces=\"git\" %s\n", principal,
		    public_key);
	else
		fprintf(out, "%s%s%s\n", public_key,
		    comment[0] == '\0' ? "" : " ", comment);
}

void
export_file_name(const json_t *key, char *out, size_t size)
{
	CLEANUP(cleanup_free) char *comment = comment_of(key);
	const char *from = comment == NULL ? "" : comment;
	size_t n = 0;

	for (; *from != '\0' && n + sizeof(".pub") < size; from++) {
		bool plain = strchr("abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-.@+",
				 *from) != NULL;

		/* Not hidden, not "..". */
		if (n == 0 && *from == '.')
			plain = false;
		out[n++] = plain ? *from : '_';
	}
	snprintf(out + n, size - n, "%s.pub", n == 0 ? "key" : "");
}

/* Does the file at fd hold this key already? */
static bool
holds_key(int folder, const char *name, const char *public_key)
{
	CLEANUP(cleanup_close)
	int fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CLEANUP(cleanup_free) char *text = malloc(OLD_FILE_MAX_BYTES);
	size_t len = strlen(public_key);
	ssize_t n;

	if (fd < 0 || text == NULL)
		return false;
	n = read(fd, text, OLD_FILE_MAX_BYTES - 1);
	if (n < 0)
		return false;
	text[n] = '\0';
	return strncmp(text, public_key, len) == 0 &&
	       strchr(" \r\n", text[len]) != NULL;
}

static bool
write_line(int fd, const char *public_key, const char *comment)
{
	FILE *out = fdopen(fd, "w");
	bool ok;

	if (out == NULL) {
		close(fd);
		return false;
	}
	fchmod(fd, 0644);
	export_line(out, NULL, public_key, comment);
	ok = fflush(out) == 0 && fsync(fd) == 0;
	return fclose(out) == 0 && ok;
}

enum ctl_exit
export_to_folder(int folder, const json_t *key, char *name, size_t size)
{
	const char *public_key = public_key_of(key);
	CLEANUP(cleanup_free) char *comment = comment_of(key);
	int fd;

	if (public_key == NULL || comment == NULL)
		return CTL_REFUSED;
	export_file_name(key, name, size);
	fd = openat(
	    folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EEXIST && holds_key(folder, name, public_key))
		return CTL_DONE;
	if (fd < 0) {
		ctl_error("%s: %s", name,
		    errno == EEXIST ? "is another key's file; it was left "
				      "alone"
				    : strerror(errno));
		return CTL_REFUSED;
	}
	if (!write_line(fd, public_key, comment)) {
		ctl_error("%s: %s", name, strerror(errno));
		unlinkat(folder, name, 0);
		return CTL_REFUSED;
	}
	return CTL_DONE;
}

static enum ctl_exit
export_files(const struct ctl *c, const json_t *keys)
{
	enum ctl_exit result = CTL_DONE;
	CLEANUP(cleanup_close) int folder = -1;

	if (mkdir(c->folder, 0700) != 0 && errno != EEXIST) {
		ctl_error("%s: %s", c->folder, strerror(errno));
		return CTL_REFUSED;
	}
	folder = open(c->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0) {
		ctl_error("%s: %s", c->folder, strerror(errno));
		return CTL_REFUSED;
	}
	for (size_t i = 0; i < json_array_size(keys); i++) {
		char name[NAME_BYTES];

		if (export_to_folder(folder, json_array_get(keys, i), name,
			sizeof(name)) == CTL_DONE)
			printf("%s/%s\n", c->folder, name);
		else
			result = CTL_REFUSED;
	}
	return result;
}

static enum ctl_exit
export_lines(const struct ctl *c, const json_t *keys)
{
	enum ctl_exit result = CTL_DONE;

	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *key = json_array_get(keys, i);
		const char *public_key = public_key_of(key);
		CLEANUP(cleanup_free) char *comment = comment_of(key);

		if (public_key == NULL || comment == NULL)
			result = CTL_REFUSED;
		else
			export_line(
			    stdout, c->principal, public_key, comment);
	}
	return result;
}

/* Where a connection sees it; 0 for one that is not exposed. */
static json_int_t
position_of(const json_t *key)
{
	if (!json_is_true(json_object_get(key, "exposed")))
		return 0;
	return show_number(key, "position", 0);
}

/* As a connection sees them. */
static void
choose_exposed(const json_t *document, json_t *found)
{
	const json_t *keys = json_object_get(document, "keys");
	size_t n = json_array_size(keys);

	for (size_t position = 1; position <= n; position++)
		for (size_t i = 0; i < n; i++) {
			json_t *key = json_array_get(keys, i);

			if (position_of(key) == (json_int_t)position)
				json_array_append(found, key);
		}
	if (json_array_size(found) == 0)
		ctl_error("no key is exposed: `p11-agentctl keys` shows those "
			  "there are, `p11-agentctl allow KEY` exposes one");
}

static bool
choose_named(const struct ctl *c, const json_t *document, json_t *found)
{
	for (unsigned i = 1; i < c->n_words; i++) {
		CLEANUP(json_freep) json_t *copies = NULL;

		if (!choose_key(document, c->words[i], &copies))
			return false;
		json_array_append(found, json_array_get(copies, 0));
	}
	return true;
}

/* It has to be one word of an allowed_signers line. */
static bool
is_principal(const char *s)
{
	return s[0] != '\0' && s[0] != '#' && strpbrk(s, " \t\r\n\"") == NULL;
}

enum ctl_exit
ctl_export(const struct ctl *c)
{
	CLEANUP(json_freep) json_t *document = NULL;
	CLEANUP(json_freep) json_t *found = json_array();
	enum ctl_exit result;

	if (c->authorized_keys + (c->principal != NULL) + (c->folder != NULL) >
	    1) {
		ctl_error("only one of --authorized-keys, --allowed-signers "
			  "and --pub");
		return CTL_USAGE;
	}
	if (c->principal != NULL && !is_principal(c->principal)) {
		ctl_error("a PRINCIPAL is one word, such as your e-mail "
			  "address");
		return CTL_USAGE;
	}
	if ((result = client_command(c, "keys", &document)) != CTL_DONE)
		return result;
	if (c->n_words == 1)
		choose_exposed(document, found);
	else if (!choose_named(c, document, found))
		return CTL_REFUSED;
	if (json_array_size(found) == 0)
		return CTL_REFUSED;
	return c->folder != NULL ? export_files(c, found)
				 : export_lines(c, found);
}
