/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file in which the wrong PINs since a token's last good one outlive the
 * daemon; p11-agent-config reads and writes it (see config-child.h).
 *
 *   8 bytes  "p11pins2"
 *   uint32   how many entries
 *   entries  32 bytes: SHA-256 of the token's identity; in rising order
 *            uint32: wrong PINs
 *            uint32: PINs in doubt
 *            bool: no source without a person may try
 *
 * An older file, "p11pins1", is read as well; it has no PINs in doubt.
 */
#ifndef P11_AGENT_AGENT_PIN_STORE_H
#define P11_AGENT_AGENT_PIN_STORE_H

#include "common/buffer.h"
#include "common/reader.h"
#include "pkcs11/wire.h"

enum {
	PIN_STORE_HASH_BYTES = 32,
	PIN_STORE_MAX_BYTES = 12 +
	    PIN_STORE_ENTRIES_MAX * (PIN_STORE_HASH_BYTES + 9),
};

struct pin_entry {
	uint8_t token[PIN_STORE_HASH_BYTES];
	uint32_t wrong;
	uint32_t doubt; /* sent, and no answer said whether they were right */
	bool unattended_off;
};

struct pin_store {
	struct pin_entry entries[PIN_STORE_ENTRIES_MAX];
	size_t n;
};

/* The name of a token in the file. False when memory is out. */
bool pin_store_hash(const struct token_id *id,
    uint8_t ret[static PIN_STORE_HASH_BYTES]);

/* *ret is unchanged unless PARSE_OK. */
enum parse_err pin_store_parse(struct bytes content, struct pin_store *ret);

/* As "p11pins2". */
void pin_store_put(struct buffer *b, const struct pin_store *s);

/*
 * Put an entry in its place, or in that of an older one; one that says nothing
 * bad only takes the older one away. False: it is full.
 */
bool pin_store_set(struct pin_store *s, const struct pin_entry *e);

/* HASH WRONG DOUBT OFF on a command line: 64 hex digits, decimal, 0 or 1. */
enum { PIN_ENTRY_WORDS = 4, PIN_ENTRY_WORD_BYTES = 72 };
void pin_entry_words(const struct pin_entry *e,
    char ret[PIN_ENTRY_WORDS][PIN_ENTRY_WORD_BYTES]);
bool pin_entry_from_words(char *const *words, struct pin_entry *ret);

#endif
