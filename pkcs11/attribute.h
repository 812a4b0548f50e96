/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attributes of an object: all in one C_GetAttributeValue, as a call may
 * take long. Modules answer wrongly for lists, where one unknown attribute may
 * void the others: what a list does not tell for sure is asked for by itself.
 */
#ifndef P11_AGENT_PKCS11_ATTRIBUTE_H
#define P11_AGENT_PKCS11_ATTRIBUTE_H

#include <p11-kit/pkcs11.h>

#include "common/buffer.h"

enum { ATTRIBUTES_AT_ONCE_MAX = 12 };

/* The attributes that one call told of an object; all zero: none yet. */
struct attribute_list {
	CK_ATTRIBUTE items[ATTRIBUTES_AT_ONCE_MAX];
	size_t n;
	CK_RV rv;      /* what the call said */
	uint8_t *room; /* for values; owned */
	unsigned refused; /* calls in a row that the module did not take */
};

/* One object as a session sees it. */
struct object {
	CK_FUNCTION_LIST *module;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE handle;
	struct attribute_list *list; /* borrowed; NULL: always by itself */
	CK_RV rv; /* why the last ATTRIBUTE_ERROR */
};

enum attribute_state {
	ATTRIBUTE_FOUND,
	ATTRIBUTE_ABSENT, /* the object has none, or does not show it */
	ATTRIBUTE_ERROR,  /* the module failed: o->rv */
};

void attribute_list_clear(struct attribute_list *l);

/*
 * Ask for these in one call, so that the functions below need not. The last
 * one is an attribute that every such object has: with it a module shows that
 * it goes on behind those that an object has not. CKR_OK, or why it failed.
 */
CK_RV attributes_fetch(struct object *o, const CK_ATTRIBUTE_TYPE *types,
    size_t n);

/*
 * Get a value of at most ATTRIBUTE_MAX_BYTES; ret is cleared first and holds
 * the value, which may be empty, when it was found.
 */
enum attribute_state attribute_bytes(struct object *o, CK_ATTRIBUTE_TYPE type,
    struct buffer *ret);

/* The same for a CK_ULONG and a CK_BBOOL; *ret is set only when found. */
enum attribute_state attribute_ulong(struct object *o, CK_ATTRIBUTE_TYPE type,
    CK_ULONG *ret);
enum attribute_state attribute_bool(struct object *o, CK_ATTRIBUTE_TYPE type,
    bool *ret);

#endif
