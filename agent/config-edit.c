/* SPDX-License-Identifier: BSD-2-Clause */
/* Changing allowed.conf: which sections go, and what comes in their place. */
#include "agent/config-edit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/config-file.h"
#include "agent/config-grammar.h"
#include "agent/config-pubkey.h"
#include "agent/config-splice.h"
#include "agent/config-uri.h"
#include "common/file-write.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "proto/keyblob.h"

/* Room for "-1024" behind a title. */
enum { TITLE_BYTES = CONFIG_TITLE_MAX_BYTES - 8 };

static const char HEADER[] =
    "# Written by p11-agentctl allow and deny. The last line counts the key\n"
    "# sections: without it p11-agent takes the file for a cut one.\n";

/* One change under way. */
struct change {
	struct config_loader *l; /* the errors; in the end the new config */
	const struct config_edit *e;
	struct config_edited *done;
	struct config_loader before;
	struct uri_match uri; /* of e->uri */
	struct buffer old;    /* allowed.conf as it is; empty: not there */
	struct buffer new;
	char file[128]; /* "keys/….pub", or "" */
};

void
config_edited_clear(struct config_edited *d)
{
	free(d->path);
	free(d->title);
	*d = (struct config_edited){0};
}

static bool
blob_is(const struct config_key *k, const char *fingerprint)
{
	char own[FINGERPRINT_BYTES];

	return key_blob_fingerprint(
		   bytes_of(k->public_key, k->public_key_len), own) &&
	       strcmp(own, fingerprint) == 0;
}

/* Does the section name this key, and no other? */
static bool
names_key(const struct config_key *k, const char *fingerprint)
{
	if (k->fingerprint != NULL && strcmp(k->fingerprint, fingerprint) != 0)
		return false;
	if (k->public_key != NULL && !blob_is(k, fingerprint))
		return false;
	return k->fingerprint != NULL || k->public_key != NULL;
}

static bool
part_covers(const char *want, const char *have)
{
	return want == NULL || (have != NULL && strcmp(want, have) == 0);
}

/* Does everything that `have` describes match `want`? */
static bool
uri_covers(const struct uri_match *want, const struct uri_match *have)
{
	return part_covers(want->manufacturer, have->manufacturer) &&
	       part_covers(want->model, have->model) &&
	       part_covers(want->serial, have->serial) &&
	       part_covers(want->token, have->token) &&
	       part_covers(want->slot_description, have->slot_description) &&
	       part_covers(want->object, have->object) &&
	       (want->id == NULL ||
		   (have->id != NULL && bytes_equal(
					    bytes_of(want->id, want->id_len),
					    bytes_of(have->id, have->id_len))));
}

static bool
is_own(const struct change *c, const struct config_key *k)
{
	return strcmp(k->place.file, c->done->path) == 0;
}

/* An allowing section for the same key elsewhere, or in more places, stays. */
static bool
is_replaced(const struct change *c, const struct config_key *k)
{
	if (!is_own(c, k) || !names_key(k, c->e->fingerprint))
		return false;
	return c->e->uri == NULL || k->deny || !k->has_uri ||
	       uri_covers(&c->uri, &k->uri);
}

/* A deny that stays wins over what is to be allowed. */
static bool
stands_against(const struct change *c, const struct config_key *k)
{
	if (!k->deny || c->e->uri == NULL || is_replaced(c, k))
		return false;
	if (k->has_uri && !uri_covers(&k->uri, &c->uri))
		return false;
	return names_key(k, c->e->fingerprint) ||
	       (k->fingerprint == NULL && k->public_key == NULL);
}

static bool
check_conflicts(struct change *c)
{
	const struct config *config = c->before.config;

	for (size_t i = 0; i < config->n_keys; i++) {
		const struct config_key *k = &config->keys[i];

		if (stands_against(c, k))
			return config_fail(c->l, k->place.file, k->place.line,
			    "key \"%s\" denies this key: take it out first",
			    k->name);
	}
	return true;
}

static bool
is_taken(const struct change *c, const char *title)
{
	const struct config *config = c->before.config;

	for (size_t i = 0; i < config->n_keys; i++)
		if (strcmp(config->keys[i].name, title) == 0 &&
		    !is_replaced(c, &config->keys[i]))
			return true;
	return false;
}

/* The wanted one made fit for a config, and another number each time. */
static bool
choose_title(struct change *c)
{
	char wanted[TITLE_BYTES], title[CONFIG_TITLE_MAX_BYTES + 1];

	text_printable(bytes_str(c->e->name), wanted, sizeof(wanted));
	if (wanted[0] == '\0')
		snprintf(wanted, sizeof(wanted), "key");
	snprintf(title, sizeof(title), "%s", wanted);
	for (unsigned n = 2; is_taken(c, title); n++)
		snprintf(title, sizeof(title), "%s-%u", wanted, n);
	c->done->title = strdup(title);
	return c->done->title != NULL || config_fail_memory(c->l);
}

static void
put_setting(struct buffer *b, const char *name, const char *value)
{
	buffer_put(b, bytes_str("\t"));
	buffer_put(b, bytes_str(name));
	buffer_put(b, bytes_str(" = \""));
	buffer_put(b, bytes_str(value));
	buffer_put(b, bytes_str("\"\n"));
}

/* A string's content, as config-scan.c takes it. */
static void
put_quoted(struct buffer *b, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\' || (s[0] == '$' && s[1] == '{'))
			buffer_put_u8(b, '\\');
		buffer_put_u8(b, (uint8_t)*s);
	}
}

static void
put_section(struct change *c)
{
	const struct config_edit *e = c->e;
	struct buffer *b = &c->new;

	buffer_put(b, bytes_str("key \""));
	put_quoted(b, c->done->title);
	buffer_put(b, bytes_str("\" {\n"));
	if (e->uri != NULL)
		put_setting(b, "uri", e->uri);
	if (c->file[0] != '\0')
		put_setting(b, "file", c->file);
	else
		put_setting(b, "fingerprint", e->fingerprint);
	if (e->uri == NULL)
		put_setting(b, "deny", "yes");
	buffer_put(b, bytes_str("}\n"));
}

static void
put_old(struct change *c, size_t from, size_t to)
{
	buffer_put(&c->new, bytes_of(c->old.p + from, to - from));
}

/* The old text but for its last line, with the sections exchanged. */
static bool
put_sections(
    struct change *c, const struct config_scan *scan, size_t body, size_t *n)
{
	const struct config *config = c->before.config;
	bool written = false;
	size_t at = 0, begin, end;

	for (size_t i = 0; i < config->n_keys; i++) {
		const struct config_key *k = &config->keys[i];

		if (!is_replaced(c, k))
			continue;
		if (!config_splice_find(scan, k->place.line, &begin, &end) ||
		    begin < at || end > body)
			return config_fail(c->l, c->done->path, k->place.line,
			    "was edited by hand: give key \"%s\" lines of its "
			    "own",
			    k->name);
		put_old(c, at, begin);
		if (!written)
			put_section(c);
		written = true;
		at = end;
		--*n;
	}
	put_old(c, at, body);
	if (!written)
		put_section(c);
	++*n;
	return true;
}

static bool
make_text(struct change *c)
{
	const struct config *config = c->before.config;
	CLEANUP(config_scan_clear) struct config_scan scan = {0};
	char last[64];
	size_t n = 0, body = c->old.len;

	if (body == 0)
		buffer_put(&c->new, bytes_str(HEADER));
	if (!config_scan(c->l, c->done->path, buffer_bytes(&c->old), &scan))
		return false;
	for (size_t i = 0; i < config->n_keys; i++)
		n += is_own(c, &config->keys[i]);
	/* It was loaded: so this line is there. */
	if (body > 0)
		body -= (size_t)snprintf(
		    last, sizeof(last), CONFIG_ALLOWED_END, n);
	if (!put_sections(c, &scan, body, &n))
		return false;
	snprintf(last, sizeof(last), CONFIG_ALLOWED_END, n);
	buffer_put(&c->new, bytes_str(last));
	return !c->new.failed || config_fail(c->l, c->done->path, 0,
				     "becomes too large");
}

/* keys/FINGERPRINT.pub beside allowed.conf, for a `file`. */
static bool
store_public_key(struct change *c)
{
	const char *text = c->e->public_key, *wrong;
	char words[CONFIG_PUBKEY_WORDS], *p;
	CLEANUP(cleanup_free) uint8_t *blob = NULL;
	CLEANUP(cleanup_free) char *path = NULL;
	CLEANUP(cleanup_free) char *line = NULL;
	struct config_key k = {0};

	wrong = config_pubkey_parse(
	    bytes_str(text), &blob, &k.public_key_len, words);
	if (wrong != NULL)
		return config_fail(c->l, NULL, 0, "the public key %s", wrong);
	k.public_key = blob;
	if (!blob_is(&k, c->e->fingerprint))
		return config_fail(
		    c->l, NULL, 0, "the public key is of another fingerprint");
	snprintf(c->file, sizeof(c->file), "keys/%s.pub",
	    strchr(c->e->fingerprint, ':') + 1);
	for (p = c->file + strlen("keys/"); *p != '\0'; p++)
		if (*p == '/')
			*p = '_';
	path = config_path(c->done->path, c->file);
	if (path == NULL || asprintf(&line, "%s\n", text) < 0) {
		line = NULL;
		return config_fail_memory(c->l);
	}
	if ((wrong = file_make_folder(path, words)) == NULL)
		wrong = file_write(path, bytes_str(line), words);
	return wrong == NULL || config_fail(c->l, NULL, 0, "%s", wrong);
}

static bool
read_old(struct change *c)
{
	struct config_file f = {0};
	char words[CONFIG_FILE_WORDS];
	const char *wrong;
	bool missing;

	if (!config_load(&c->before, NULL))
		return config_fail(c->l, NULL, 0, "%s", c->before.error);
	wrong = config_file_read(
	    c->done->path, CONFIG_FILE_MAX_BYTES, &f, &missing, words);
	c->old = f.text;
	return wrong == NULL || missing ||
	       config_fail(c->l, c->done->path, 0, "%s", wrong);
}

static bool
write_new(struct change *c)
{
	char words[FILE_WRITE_WORDS];
	const char *wrong;

	if (!config_load_allowed(c->l, c->done->path, buffer_bytes(&c->new)))
		return false;
	wrong = file_write(c->done->path, buffer_bytes(&c->new), words);
	return wrong == NULL || config_fail(c->l, NULL, 0, "%s", wrong);
}

static bool
check_words(struct change *c)
{
	char words[CONFIG_URI_WORDS];
	const char *wrong = NULL;

	if (strncmp(c->e->fingerprint, "SHA256:", 7) != 0)
		return config_fail(c->l, NULL, 0, "no SHA256 fingerprint");
	if (c->e->uri != NULL)
		wrong = config_uri_parse(c->e->uri, false, &c->uri, words);
	return wrong == NULL || config_fail(c->l, NULL, 0, "%s: %s", c->e->uri,
				    wrong);
}

static bool
edit_locked(struct change *c)
{
	return read_old(c) && check_conflicts(c) && choose_title(c) &&
	       (c->e->public_key == NULL || store_public_key(c)) &&
	       make_text(c) && write_new(c);
}

static bool
edit(struct change *c)
{
	CLEANUP(cleanup_close) int lock = -1;
	char words[FILE_WRITE_WORDS];
	const char *wrong;

	c->done->path = config_person_path("allowed.conf");
	if (c->done->path == NULL)
		return config_fail(
		    c->l, NULL, 0, "allowed.conf: %s", config_path_error());
	if ((wrong = file_make_folder(c->done->path, words)) != NULL)
		return config_fail(c->l, NULL, 0, "%s", wrong);
	if ((lock = file_lock_folder(c->done->path, words)) < 0)
		return config_fail(c->l, NULL, 0, "%s", words);
	return edit_locked(c);
}

bool
config_edit(struct config_loader *l, const struct config_edit *e,
    struct config_edited *ret)
{
	struct change c = {
	    .l = l,
	    .e = e,
	    .done = ret,
	    .old = BUFFER_INIT(CONFIG_FILE_MAX_BYTES),
	    .new = BUFFER_INIT(CONFIG_FILE_MAX_BYTES),
	};
	bool ok;

	*ret = (struct config_edited){0};
	ok = (config_loader_init(&c.before) || config_fail_memory(l)) &&
	     check_words(&c) && edit(&c);
	config_loader_clear(&c.before);
	uri_match_clear(&c.uri);
	buffer_clear(&c.old);
	buffer_clear(&c.new);
	return ok;
}
