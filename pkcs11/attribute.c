/* SPDX-License-Identifier: BSD-2-Clause */
/* C_GetAttributeValue, one attribute a call, into memory of our own. */
#include "pkcs11/attribute.h"

#include "common/limits.h"

/*
 * One call. Found means that the module says so and that the length it
 * reports is one that it can have written.
 */
static enum attribute_state
get_value(struct object *o, CK_ATTRIBUTE *a)
{
	CK_ULONG room = a->ulValueLen;

	o->rv = o->module->C_GetAttributeValue(o->session, o->handle, a, 1);
	if (o->rv == CKR_ATTRIBUTE_TYPE_INVALID ||
	    o->rv == CKR_ATTRIBUTE_SENSITIVE)
		return ATTRIBUTE_ABSENT;
	if (o->rv != CKR_OK)
		return ATTRIBUTE_ERROR;
	if (a->ulValueLen == CK_UNAVAILABLE_INFORMATION)
		return ATTRIBUTE_ABSENT;
	if (a->pValue != NULL && a->ulValueLen > room) {
		o->rv = CKR_BUFFER_TOO_SMALL;
		return ATTRIBUTE_ERROR;
	}
	return ATTRIBUTE_FOUND;
}

enum attribute_state
attribute_bytes(struct object *o, CK_ATTRIBUTE_TYPE type, struct buffer *ret)
{
	CK_ATTRIBUTE a = {.type = type};
	enum attribute_state state;
	uint8_t *room;

	buffer_clear(ret);
	if ((state = get_value(o, &a)) != ATTRIBUTE_FOUND ||
	    a.ulValueLen == 0)
		return state;
	if (a.ulValueLen > ATTRIBUTE_MAX_BYTES) {
		o->rv = CKR_ATTRIBUTE_VALUE_INVALID;
		return ATTRIBUTE_ERROR;
	}
	if ((room = buffer_room(ret, a.ulValueLen)) == NULL) {
		o->rv = CKR_HOST_MEMORY;
		return ATTRIBUTE_ERROR;
	}
	a.pValue = room;
	if ((state = get_value(o, &a)) == ATTRIBUTE_FOUND)
		buffer_added(ret, a.ulValueLen);
	return state;
}

enum attribute_state
attribute_ulong(struct object *o, CK_ATTRIBUTE_TYPE type, CK_ULONG *ret)
{
	CK_ULONG v = 0;
	CK_ATTRIBUTE a = {type, &v, sizeof(v)};
	enum attribute_state state = get_value(o, &a);

	if (state != ATTRIBUTE_FOUND)
		return state;
	if (a.ulValueLen != sizeof(v)) {
		o->rv = CKR_ATTRIBUTE_VALUE_INVALID;
		return ATTRIBUTE_ERROR;
	}
	*ret = v;
	return ATTRIBUTE_FOUND;
}

enum attribute_state
attribute_bool(struct object *o, CK_ATTRIBUTE_TYPE type, bool *ret)
{
	CK_BBOOL v = CK_FALSE;
	CK_ATTRIBUTE a = {type, &v, sizeof(v)};
	enum attribute_state state = get_value(o, &a);

	if (state != ATTRIBUTE_FOUND)
		return state;
	if (a.ulValueLen != sizeof(v)) {
		o->rv = CKR_ATTRIBUTE_VALUE_INVALID;
		return ATTRIBUTE_ERROR;
	}
	*ret = v != CK_FALSE;
	return ATTRIBUTE_FOUND;
}
