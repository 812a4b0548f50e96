/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots, and what they and their tokens say of themselves. */
#ifndef P11_AGENT_PKCS11_SLOT_H
#define P11_AGENT_PKCS11_SLOT_H

#include "pkcs11/error.h"
#include "pkcs11/keys.h"

/* Slots of one module that are looked at for two tokens that are alike. */
enum { SLOTS_ALIKE_MAX = 16 };

struct slot {
	CK_SLOT_ID id;
	struct slot_place place;
	CK_SLOT_INFO info;
	CK_TOKEN_INFO token;
	unsigned mutexes_held; /* by this thread before it was looked at */
};

/*
 * The slots with a token in them, to be freed by the caller. The module looks
 * for readers and tokens anew. False with *err filled.
 */
bool slots_list(CK_FUNCTION_LIST *module, CK_SLOT_ID **ret, size_t *ret_n,
    struct p11_err *err);

/* The place of the one of n slots at this index. */
struct slot_place slot_place_of(size_t at, size_t n);

/*
 * Fill *ret, but for its place, from the module; false with *err filled when
 * it fails.
 */
bool slot_read(CK_FUNCTION_LIST *module, CK_SLOT_ID id, struct slot *ret,
    struct p11_err *err);

/*
 * A session, read-only if the module opens such; some open none. False with
 * *err filled.
 */
bool slot_open_session(CK_FUNCTION_LIST *module, CK_SLOT_ID id,
    CK_SESSION_HANDLE *ret, struct p11_err *err);

/*
 * The keys that its token shows to everybody, read in a session that is
 * closed again. False with *err filled.
 */
bool slot_read_keys(CK_FUNCTION_LIST *module, const struct slot *s,
    struct progress *progress, struct token_keys *ret, struct p11_err *err);

/*
 * A token without content (SoftHSM has always one to spare) is none. One that
 * says so of itself is looked at: it may show keys all the same.
 */
bool slot_has_token(CK_FUNCTION_LIST *module, const struct slot *s);

/* The same token in both? */
bool slot_same_token(const struct slot *a, const struct slot *b);

/* Views of s. */
struct token_id slot_token_id(const struct slot *s);

/* enum token_flag, but for TOKEN_LOGGED_IN. */
uint32_t slot_token_flags(const struct slot *s);

/* A card or USB token: one that works on one thing at a time. */
bool slot_is_card(const struct slot *s);

/* Slots that were looked at and have the wrong one of two alike tokens. */
struct slots_tried {
	CK_SLOT_ID ids[SLOTS_ALIKE_MAX];
	size_t n;
};

/*
 * The slot of the token that want->token names, but for those that were
 * tried. Where it was is looked at first, and what scans leave out never. Of
 * several, the one with the id's slot description. False with *err filled
 * (CKR_TOKEN_NOT_PRESENT when none is it).
 */
bool slot_find(CK_FUNCTION_LIST *module, const struct wire_start *want,
    const struct slots_tried *tried, struct slot *ret, struct p11_err *err);

/* WIRE_TOKEN, with flags as the caller wants them. */
void slot_wire_put(struct buffer *b, const struct slot *s, uint32_t flags,
    const struct token_keys *keys);

#endif
