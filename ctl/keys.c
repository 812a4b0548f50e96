/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agentctl keys: every key of every token, exposed or not, and why. */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "ctl/client.h"
#include "ctl/make-key.h"
#include "ctl/show.h"

enum { KEY_COLUMN = 4 };

static bool
same_text(const json_t *a, const json_t *b, const char *member)
{
	const json_t *x = json_object_get(a, member);
	const json_t *y = json_object_get(b, member);

	return x == y || json_equal(x, y) != 0;
}

static bool
same_token(const json_t *a, const json_t *b)
{
	return same_text(a, b, "token") && same_text(a, b, "serial") &&
	       same_text(a, b, "provider");
}

/* Is the token there to be used, now or when it is wanted? */
static bool
is_usable(const char *state)
{
	return strcmp(state, "ready") == 0 || strcmp(state, "starting") == 0 ||
	       strcmp(state, "no process") == 0;
}

static void
show_heading(const json_t *key, FILE *out)
{
	CLEANUP(cleanup_free) char *token = show_text(key, "token");
	CLEANUP(cleanup_free) char *serial = show_text(key, "serial");
	CLEANUP(cleanup_free) char *provider = show_text(key, "provider");
	CLEANUP(cleanup_free) char *state = show_text(key, "token_state");

	fprintf(out, "%s", token == NULL ? "token without a name" : token);
	/* A name that was made by the agent may have it already. */
	if (serial != NULL && (token == NULL || strstr(token, serial) == NULL))
		fprintf(out, ", serial %s", serial);
	if (provider != NULL)
		fprintf(out, ", provider %s", provider);
	if (state != NULL && !is_usable(state))
		fprintf(out, ", %s", state);
	fputs(":\n", out);
}

/* The section's name, else what the token calls the key. */
static void
show_name(const json_t *key, FILE *out)
{
	CLEANUP(cleanup_free) char *name = show_text(key, "name");
	CLEANUP(cleanup_free) char *label = show_text(key, "label");
	CLEANUP(cleanup_free) char *id = show_text(key, "id");
	CLEANUP(cleanup_free) char *type = show_text(key, "type");

	if (name != NULL)
		fprintf(out, "%s", name);
	else if (label != NULL)
		fprintf(out, "\"%s\"", label);
	else if (id != NULL)
		fprintf(out, "id %s", id);
	else
		fputs("key without a name", out);
	if (type != NULL)
		fprintf(out, "  %s", type);
	fputc('\n', out);
}

static void
show_line(FILE *out, const char *text)
{
	if (text == NULL)
		return;
	fprintf(out, "%*s", KEY_COLUMN, "");
	show_wrapped(out, KEY_COLUMN, KEY_COLUMN, text);
}

static void
show_key(const json_t *key, FILE *out)
{
	CLEANUP(cleanup_free) char *fingerprint = show_text(key, "fingerprint");
	CLEANUP(cleanup_free) char *reason = show_text(key, "reason");
	CLEANUP(cleanup_free) char *uri = show_text(key, "uri");
	json_int_t position = show_number(key, "position", 0);

	if (!json_is_true(json_object_get(key, "exposed")))
		fputs("-   ", out);
	else if (position > 0)
		fprintf(out, "* %lld ", (long long)position);
	else
		fputs("*   ", out);
	show_name(key, out);
	show_line(out, fingerprint);
	show_line(out, reason);
	if (json_is_true(json_object_get(key, "unproven")))
		show_line(out, "its private key is not proven before a login");
	/* To be copied into the config: in one piece. */
	if (uri != NULL && !json_is_true(json_object_get(key, "exposed")))
		fprintf(out, "%*suri = \"%s\"\n", KEY_COLUMN, "", uri);
}

/* Show what is left out of the list, one line each. */
static void
show_left_out(const json_t *document, FILE *out)
{
	const json_t *lines = json_object_get(document, "left_out");

	for (size_t i = 0; i < json_array_size(lines); i++) {
		CLEANUP(cleanup_free)
		char *line = show_value(json_array_get(lines, i));

		if (line == NULL)
			continue;
		if (i == 0)
			fputc('\n', out);
		show_wrapped(out, 0, KEY_COLUMN, line);
	}
}

void
show_keys(const json_t *document, FILE *out)
{
	const json_t *keys = json_object_get(document, "keys");
	CLEANUP(cleanup_free) char *note = show_text(document, "note");
	const json_t *before = NULL;

	if (json_array_size(keys) == 0)
		fputs("No key is on any token.\n", out);
	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *key = json_array_get(keys, i);

		if (before == NULL || !same_token(before, key)) {
			if (before != NULL)
				fputc('\n', out);
			show_heading(key, out);
		}
		show_key(key, out);
		before = key;
	}
	show_left_out(document, out);
	if (note != NULL) {
		fputc('\n', out);
		show_wrapped(out, 0, 0, note);
	}
}

/* Tokens without a key are only in `status`. */
static void
show_empty_tokens(const struct ctl *c)
{
	json_t *status;

	if (client_command(c, "status", &status) != CTL_DONE)
		return;
	make_key_show(status, stdout);
	json_decref(status);
}

enum ctl_exit
ctl_keys(const struct ctl *c)
{
	enum ctl_exit e = client_show(c, show_keys);

	if (e == CTL_DONE && !c->json)
		show_empty_tokens(c);
	return e;
}
