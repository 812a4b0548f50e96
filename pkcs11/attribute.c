/* SPDX-License-Identifier: BSD-2-Clause */
/* C_GetAttributeValue, into memory of our own. */
#include "pkcs11/attribute.h"

#include <stdlib.h>

#include "common/limits.h"

enum {
	/* Lists that a module may refuse; then it is asked for none. */
	LISTS_REFUSED_MAX = 2,
};

void
attribute_list_clear(struct attribute_list *l)
{
	free(l->room);
	*l = (struct attribute_list){0};
}

CK_RV
attributes_fetch(struct object *o, const CK_ATTRIBUTE_TYPE *types, size_t n)
{
	struct attribute_list *l = o->list;

	if (l == NULL)
		return CKR_OK;
	l->n = 0;
	if (l->refused >= LISTS_REFUSED_MAX)
		return CKR_OK;
	if (l->room == NULL && (l->room = malloc(ATTRIBUTES_AT_ONCE_MAX *
	    (size_t)ATTRIBUTE_MAX_BYTES)) == NULL)
		return CKR_HOST_MEMORY;
	for (size_t i = 0; i < n; i++)
		l->items[i] = (CK_ATTRIBUTE){types[i],
		    l->room + i * ATTRIBUTE_MAX_BYTES, ATTRIBUTE_MAX_BYTES};
	l->rv = o->module->C_GetAttributeValue(o->session, o->handle,
	    l->items, n);
	switch (l->rv) {
	case CKR_OK:
	case CKR_ATTRIBUTE_TYPE_INVALID:
	case CKR_ATTRIBUTE_SENSITIVE:
	case CKR_BUFFER_TOO_SMALL:
		l->refused = 0;
		l->n = n;
		return CKR_OK;
	default:
		l->refused++;
		return l->rv;
	}
}

/* The value was written: not left as it was, not refused, not cut. */
static bool
item_is_answered(const CK_ATTRIBUTE *a)
{
	return a->ulValueLen < ATTRIBUTE_MAX_BYTES;
}

/*
 * Get what the list says of an attribute. ERROR: nothing sure. A module that
 * stops at the first attribute that it does not know, or voids all others,
 * has not answered the last one either.
 */
static enum attribute_state
list_get(const struct object *o, CK_ATTRIBUTE_TYPE type, struct bytes *ret)
{
	const struct attribute_list *l = o->list;
	const CK_ATTRIBUTE *a = NULL;
	bool whole;

	for (size_t i = 0; l != NULL && i < l->n && a == NULL; i++)
		if (l->items[i].type == type)
			a = &l->items[i];
	if (a == NULL)
		return ATTRIBUTE_ERROR;
	whole = l->rv == CKR_OK || (l->rv != CKR_BUFFER_TOO_SMALL &&
	    item_is_answered(&l->items[l->n - 1]) &&
	    l->items[l->n - 1].ulValueLen > 0);
	if (item_is_answered(a) && (whole || a->ulValueLen > 0)) {
		*ret = bytes_of(a->pValue, a->ulValueLen);
		return ATTRIBUTE_FOUND;
	}
	return whole && a->ulValueLen == CK_UNAVAILABLE_INFORMATION ?
	    ATTRIBUTE_ABSENT : ATTRIBUTE_ERROR;
}

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
	struct bytes listed;
	uint8_t *room;

	buffer_clear(ret);
	if ((state = list_get(o, type, &listed)) == ATTRIBUTE_FOUND)
		buffer_put(ret, listed);
	if (state == ATTRIBUTE_FOUND && ret->failed) {
		o->rv = CKR_HOST_MEMORY;
		return ATTRIBUTE_ERROR;
	}
	if (state != ATTRIBUTE_ERROR)
		return state;
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

/* A value of one size. */
static enum attribute_state
get_fixed(struct object *o, CK_ATTRIBUTE_TYPE type, void *value, size_t size)
{
	CK_ATTRIBUTE a = {type, value, size};
	struct bytes listed = BYTES_NONE;
	enum attribute_state state = list_get(o, type, &listed);

	if (state == ATTRIBUTE_ABSENT)
		return state;
	if (state == ATTRIBUTE_FOUND && listed.len == size) {
		memcpy(value, listed.p, size);
		return state;
	}
	state = get_value(o, &a);
	if (state == ATTRIBUTE_FOUND && a.ulValueLen != size) {
		o->rv = CKR_ATTRIBUTE_VALUE_INVALID;
		return ATTRIBUTE_ERROR;
	}
	return state;
}

enum attribute_state
attribute_ulong(struct object *o, CK_ATTRIBUTE_TYPE type, CK_ULONG *ret)
{
	CK_ULONG v = 0;
	enum attribute_state state = get_fixed(o, type, &v, sizeof(v));

	if (state != ATTRIBUTE_FOUND)
		return state;
	*ret = v;
	return ATTRIBUTE_FOUND;
}

enum attribute_state
attribute_bool(struct object *o, CK_ATTRIBUTE_TYPE type, bool *ret)
{
	CK_BBOOL v = CK_FALSE;
	enum attribute_state state = get_fixed(o, type, &v, sizeof(v));

	if (state != ATTRIBUTE_FOUND)
		return state;
	*ret = v != CK_FALSE;
	return ATTRIBUTE_FOUND;
}
