/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of a token: one for each distinct public key, with the private key
 * that belongs to it, and the reason if it cannot sign.
 */
#ifndef P11_AGENT_PKCS11_KEYS_H
#define P11_AGENT_PKCS11_KEYS_H

#include <stdatomic.h>

#include "pkcs11/error.h"
#include "pkcs11/object.h"
#include "pkcs11/public-key.h"

struct token_key {
	uint8_t ref[KEY_REF_BYTES];
	struct key_value value; /* owned */
	struct buffer id;	/* CKA_ID; owned */
	struct buffer label;	/* CKA_LABEL; owned */
	/* Labels of its other objects; empty: no more; owned. */
	struct buffer other_labels[KEY_OTHER_LABELS];
	uint32_t flags;		/* enum key_flag */
	char reason[KEY_REASON_BYTES]; /* empty when it can sign */
	CK_OBJECT_HANDLE private_key;  /* with KEY_HAS_PRIVATE */
	/*
	 * Only CKA_ID says that the private key belongs to this public key:
	 * a signature has to show it.
	 */
	atomic_bool unproven;
	/* One has shown it in this process, be it with an older object. */
	atomic_bool has_signed;
	bool no_verify; /* CKA_VERIFY of its public half is false */
};

struct token_keys {
	struct token_key *items; /* owned */
	size_t n;
	size_t skipped; /* objects left out: unreadable, or over a limit */
	struct object_list objects; /* what they were made of */
};

/* Where keys are read from. */
struct keys_source {
	CK_FUNCTION_LIST *module;
	CK_SESSION_HANDLE session;
	bool login_required;
	bool logged_in;
	bool same_session; /* as the view from before: see object_source */
	struct progress *progress; /* or NULL */
};

void token_keys_clear(struct token_keys *keys);

/*
 * Read a token's keys into *ret, to be cleared by the caller. `before` is an
 * earlier view, or NULL: which keys sign without a login can only be seen
 * before it.
 * False with *err filled and *ret empty when the token or memory is gone.
 */
bool token_keys_read(const struct keys_source *from,
    const struct token_keys *before, struct token_keys *ret,
    struct p11_err *err);

/* NULL when there is none with this reference. */
struct token_key *token_keys_find(const struct token_keys *keys,
    const uint8_t ref[static KEY_REF_BYTES]);

/* For the wire; *ret borrows from the key. */
void token_key_wire(const struct token_key *key, struct wire_key *ret);

#endif
