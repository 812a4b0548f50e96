/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds two places in an opensc.conf, as OpenSC's scconf would: blocks
 * `key name { … }` and settings `key = value, value;` with # comments, quoted
 * strings without escapes, and bare words that end only at a blank, a comma
 * or a semicolon.
 */
#include "pkcs11/opensc-conf.h"

#include <strings.h>

enum token_type {
	TOKEN_END,
	TOKEN_WORD, /* bare or quoted, without its quotes */
	TOKEN_SIGN, /* one of { } , = ; */
	TOKEN_BAD,
};

struct token {
	enum token_type type;
	struct bytes text;
};

/* What a statement has so far. */
enum statement {
	STATEMENT_NONE,
	STATEMENT_KEY,	 /* a key; a name may follow */
	STATEMENT_NAMED, /* a key and a name */
	STATEMENT_VALUE, /* a key, '='; a value follows */
	STATEMENT_SET,	 /* a key, '=' and a value */
};

struct scan {
	struct bytes text;
	size_t at;
	unsigned int line;
	enum statement statement;
	struct bytes key;
	struct bytes name; /* the first, or NULL */
	size_t depth;
	bool in_default; /* inside of the block that counts */
	/* What is looked for: offsets behind `{` and `=`, or 0. */
	size_t block_at;
	size_t setting_at;
};

static void
skip_blanks(struct scan *s)
{
	bool in_comment = false;

	for (; s->at < s->text.len; s->at++) {
		uint8_t c = s->text.p[s->at];

		if (c == '\n')
			s->line++;
		if (c == '\n' || c == '\r')
			in_comment = false;
		else if (c == '#')
			in_comment = true;
		else if (!in_comment && c != ' ' && c != '\t')
			return;
	}
}

/* The length of the text at p up to one of the ends, or of all of it. */
static size_t
length_until(struct bytes text, const char *ends)
{
	size_t n = 0;

	while (n < text.len && strchr(ends, text.p[n]) == NULL)
		n++;
	return n;
}

static struct token
next_token(struct scan *s)
{
	struct token t = {TOKEN_END, BYTES_NONE};
	struct bytes rest;

	skip_blanks(s);
	if (s->at == s->text.len)
		return t;
	rest = bytes_of(s->text.p + s->at, s->text.len - s->at);
	if (rest.p[0] == '"') {
		t.text.p = rest.p + 1;
		t.text.len = length_until(
		    bytes_of(rest.p + 1, rest.len - 1), "\"\r\n");
		s->at += t.text.len + 2;
		/* OpenSC takes an open string with a warning; we do not. */
		t.type = s->at <= s->text.len && t.text.p[t.text.len] == '"'
		    ? TOKEN_WORD
		    : TOKEN_BAD;
		return t;
	}
	t.type = TOKEN_WORD;
	t.text = bytes_of(rest.p, length_until(rest, ";, \t\r\n"));
	if (strchr("{},=;", rest.p[0]) != NULL) {
		t.type = TOKEN_SIGN;
		t.text.len = 1;
	}
	s->at += t.text.len;
	return t;
}

/* OpenSC's keys and names of blocks know no case. */
static bool
is_word(struct bytes b, const char *word)
{
	return b.len == strlen(word) &&
	    strncasecmp((const char *)b.p, word, b.len) == 0;
}

static bool
take_word(struct scan *s, struct bytes word)
{
	switch (s->statement) {
	case STATEMENT_NONE:
	case STATEMENT_SET: /* a forgotten ';' is forgiven */
		s->key = word;
		s->name = BYTES_NONE;
		s->statement = STATEMENT_KEY;
		return true;
	case STATEMENT_KEY:
		if (s->name.p == NULL)
			s->name = word;
		s->statement = STATEMENT_NAMED;
		return true;
	case STATEMENT_VALUE:
		s->statement = STATEMENT_SET;
		return true;
	case STATEMENT_NAMED:
		return false;
	}
	return false;
}

static bool
has_key(const struct scan *s)
{
	return s->statement == STATEMENT_KEY ||
	    s->statement == STATEMENT_NAMED;
}

/* The first `app default` is the one that OpenSC reads. */
static bool
take_open(struct scan *s)
{
	if (!has_key(s))
		return false;
	if (s->depth == 0 && s->block_at == 0 && is_word(s->key, "app") &&
	    is_word(s->name, "default")) {
		s->block_at = s->at;
		s->in_default = true;
	}
	s->depth++;
	s->statement = STATEMENT_NONE;
	return true;
}

static bool
take_close(struct scan *s)
{
	if (s->depth == 0 || has_key(s) || s->statement == STATEMENT_VALUE)
		return false;
	if (--s->depth == 0)
		s->in_default = false;
	s->statement = STATEMENT_NONE;
	return true;
}

static bool
take_equals(struct scan *s)
{
	if (!has_key(s))
		return false;
	if (s->in_default && s->depth == 1 && s->setting_at == 0 &&
	    is_word(s->key, "ignored_readers"))
		s->setting_at = s->at;
	s->statement = STATEMENT_VALUE;
	return true;
}

static bool
take_comma(struct scan *s)
{
	if (s->statement == STATEMENT_NONE)
		return false;
	if (s->statement == STATEMENT_NAMED)
		s->statement = STATEMENT_KEY;
	if (s->statement == STATEMENT_SET)
		s->statement = STATEMENT_VALUE;
	return true;
}

static bool
take_sign(struct scan *s, uint8_t sign)
{
	switch (sign) {
	case '{':
		return take_open(s);
	case '}':
		return take_close(s);
	case '=':
		return take_equals(s);
	case ',':
		return take_comma(s);
	}
	s->statement = STATEMENT_NONE; /* ';', wherever it stands */
	return true;
}

/*
 * To the end of the text, which must not be inside of anything. OpenSC ends
 * words and comments at a NUL in ways of its own.
 */
static bool
scan_all(struct scan *s)
{
	if (s->text.len > 0 && memchr(s->text.p, '\0', s->text.len) != NULL)
		return false;
	for (;;) {
		struct token t = next_token(s);

		if (t.type == TOKEN_END)
			return s->depth == 0 && !has_key(s) &&
			    s->statement != STATEMENT_VALUE;
		if (t.type == TOKEN_BAD ||
		    (t.type == TOKEN_WORD && !take_word(s, t.text)) ||
		    (t.type == TOKEN_SIGN && !take_sign(s, t.text.p[0])))
			return false;
	}
}

static bool
can_be_ignored(struct bytes name, struct bytes own)
{
	if (name.len == 0)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.p[i] < ' ' || name.p[i] == 0x7f || name.p[i] == '"')
			return false;
	for (size_t i = 0; i + name.len <= own.len; i++)
		if (memcmp(own.p + i, name.p, name.len) == 0)
			return false;
	return true;
}

static void
put_names(struct buffer *out, const struct opensc_readers *readers)
{
	for (size_t i = 0; i < readers->n_ignored; i++) {
		if (!can_be_ignored(readers->ignored[i], readers->own))
			continue;
		buffer_put(out, bytes_str(out->len == 0 ? " \"" : ", \""));
		buffer_put(out, readers->ignored[i]);
		buffer_put(out, bytes_str("\""));
	}
}

/* Put text into out with the names behind its first `at` bytes. */
static void
insert_names(struct buffer *out, struct bytes text, size_t at,
    const char *before, const struct buffer *names, const char *behind)
{
	if (at > 0)
		buffer_put(out, bytes_of(text.p, at));
	if (names->len > 0) {
		buffer_put(out, bytes_str(before));
		buffer_put(out, buffer_bytes(names));
		buffer_put(out, bytes_str(behind));
	}
	if (at < text.len)
		buffer_put(out, bytes_of(text.p + at, text.len - at));
}

bool
opensc_conf_merge(struct bytes text, const struct opensc_readers *readers,
    struct buffer *out, unsigned int *ret_line)
{
	struct scan s = {.text = text, .line = 1};
	struct buffer names = BUFFER_INIT(out->max);

	if (!scan_all(&s)) {
		*ret_line = s.line;
		return false;
	}
	put_names(&names, readers);
	if (s.setting_at != 0)
		insert_names(out, text, s.setting_at, "", &names, ",");
	else if (s.block_at != 0)
		insert_names(out, text, s.block_at, "\n\tignored_readers =",
		    &names, ";");
	else
		insert_names(out, text, text.len,
		    "\napp default {\n\tignored_readers =", &names, ";\n}\n");
	if (names.failed) {
		buffer_clear(out);
		out->failed = true;
	}
	buffer_clear(&names);
	return true;
}
