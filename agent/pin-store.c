/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of wrong PINs. */
#include "agent/pin-store.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

static const char MAGIC[] = "p11pins2", MAGIC_1[] = "p11pins1";

bool
pin_store_hash(const struct token_id *id,
    uint8_t ret[static PIN_STORE_HASH_BYTES])
{
	CLEANUP(buffer_cleanup) struct buffer b =
	    BUFFER_INIT(4 * WIRE_TEXT_MAX_BYTES);

	buffer_put_string(&b, id->manufacturer);
	buffer_put_string(&b, id->model);
	buffer_put_string(&b, id->serial);
	buffer_put_string(&b, id->label);
	return !b.failed &&
	    EVP_Digest(b.p, b.len, ret, NULL, EVP_sha256(), NULL) == 1;
}

static int
entry_compare(const struct pin_entry *a, const struct pin_entry *b)
{
	return memcmp(a->token, b->token, sizeof(a->token));
}

static void
entry_read(struct reader *r, bool with_doubt, struct pin_entry *e)
{
	struct bytes token = reader_raw(r, sizeof(e->token));

	if (token.len == sizeof(e->token))
		memcpy(e->token, token.p, token.len);
	e->wrong = reader_u32(r);
	e->doubt = with_doubt ? reader_u32(r) : 0;
	e->unattended_off = reader_bool(r);
}

enum parse_err
pin_store_parse(struct bytes content, struct pin_store *ret)
{
	struct reader r = reader_of(content);
	struct bytes magic = reader_raw(&r, strlen(MAGIC));
	bool is_1 = bytes_is(magic, MAGIC_1);
	struct pin_store s = {.n = 0};
	uint32_t n;

	if (!is_1 && !bytes_is(magic, MAGIC))
		reader_fail(&r, PARSE_VALUE);
	n = reader_u32(&r);
	if (n > PIN_STORE_ENTRIES_MAX)
		reader_fail(&r, PARSE_LIMIT);
	for (; r.err == PARSE_OK && s.n < n; s.n++) {
		entry_read(&r, !is_1, &s.entries[s.n]);
		if (s.n > 0 && r.err == PARSE_OK &&
		    entry_compare(&s.entries[s.n - 1], &s.entries[s.n]) >= 0)
			reader_fail(&r, PARSE_VALUE);
	}
	if (reader_finish(&r) == PARSE_OK)
		*ret = s;
	return r.err;
}

void
pin_store_put(struct buffer *b, const struct pin_store *s)
{
	buffer_put(b, bytes_str(MAGIC));
	buffer_put_u32(b, (uint32_t)s->n);
	for (size_t i = 0; i < s->n; i++) {
		const struct pin_entry *e = &s->entries[i];

		buffer_put(b, bytes_of(e->token, sizeof(e->token)));
		buffer_put_u32(b, e->wrong);
		buffer_put_u32(b, e->doubt);
		buffer_put_bool(b, e->unattended_off);
	}
}

/* Where it is, or where it would be. */
static size_t
entry_place(const struct pin_store *s, const struct pin_entry *e)
{
	size_t i = 0;

	while (i < s->n && entry_compare(&s->entries[i], e) < 0)
		i++;
	return i;
}

bool
pin_store_set(struct pin_store *s, const struct pin_entry *e)
{
	size_t i = entry_place(s, e);
	struct pin_entry *at = &s->entries[i];
	bool there = i < s->n && entry_compare(at, e) == 0;
	bool keep = e->wrong > 0 || e->doubt > 0 || e->unattended_off;

	if (!there && keep && s->n == PIN_STORE_ENTRIES_MAX)
		return false;
	if (there && keep) {
		*at = *e;
	} else if (there) {
		memmove(at, at + 1, (s->n - i - 1) * sizeof(*at));
		s->n--;
	} else if (keep) {
		memmove(at + 1, at, (s->n - i) * sizeof(*at));
		*at = *e;
		s->n++;
	}
	return true;
}

void
pin_entry_words(const struct pin_entry *e,
    char ret[PIN_ENTRY_WORDS][PIN_ENTRY_WORD_BYTES])
{
	for (size_t i = 0; i < sizeof(e->token); i++)
		snprintf(ret[0] + 2 * i, PIN_ENTRY_WORD_BYTES - 2 * i, "%02x",
		    e->token[i]);
	snprintf(ret[1], PIN_ENTRY_WORD_BYTES, "%u", e->wrong);
	snprintf(ret[2], PIN_ENTRY_WORD_BYTES, "%u", e->doubt);
	snprintf(ret[3], PIN_ENTRY_WORD_BYTES, "%d", e->unattended_off);
}

/* The value of a hex digit; 16 if it is none. */
static unsigned
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? 16 : (unsigned)(at - digits);
}

static bool
hash_from_hex(const char *hex, uint8_t ret[static PIN_STORE_HASH_BYTES])
{
	if (strlen(hex) != 2 * PIN_STORE_HASH_BYTES)
		return false;
	for (size_t i = 0; i < PIN_STORE_HASH_BYTES; i++) {
		unsigned high = hex_digit(hex[2 * i]);
		unsigned low = hex_digit(hex[2 * i + 1]);

		if (high > 15 || low > 15)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool
count_from_word(const char *word, uint32_t *ret)
{
	unsigned long count;
	char *end;

	if (word[0] < '0' || word[0] > '9')
		return false;
	errno = 0;
	count = strtoul(word, &end, 10);
	if (*end != '\0' || errno != 0 || count > UINT32_MAX)
		return false;
	*ret = (uint32_t)count;
	return true;
}

bool
pin_entry_from_words(char *const *words, struct pin_entry *ret)
{
	const char *off = words[3];
	struct pin_entry e;

	if (!hash_from_hex(words[0], e.token) ||
	    !count_from_word(words[1], &e.wrong) ||
	    !count_from_word(words[2], &e.doubt) ||
	    (strcmp(off, "0") != 0 && strcmp(off, "1") != 0))
		return false;
	e.unattended_off = off[0] == '1';
	*ret = e;
	return true;
}
