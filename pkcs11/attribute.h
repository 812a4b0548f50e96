/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attributes of an object, one C_GetAttributeValue each: modules answer
 * wrongly for lists, where one unknown attribute may void the others.
 */
#ifndef P11_AGENT_PKCS11_ATTRIBUTE_H
#define P11_AGENT_PKCS11_ATTRIBUTE_H

#include <p11-kit/pkcs11.h>

#include "common/buffer.h"

/* One object as a session sees it. */
struct object {
	CK_FUNCTION_LIST *module;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE handle;
	CK_RV rv; /* why the last ATTRIBUTE_ERROR */
};

enum attribute_state {
	ATTRIBUTE_FOUND,
	ATTRIBUTE_ABSENT, /* the object has none, or does not show it */
	ATTRIBUTE_ERROR,  /* the module failed: o->rv */
};

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
