/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding objects, and what their attributes say of keys. */
#include "pkcs11/object.h"

#include <stdio.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/text.h"

/* Of PKCS#11 3.0, not in every p11-kit. */
#ifndef CKK_EC_MONTGOMERY
#define CKK_EC_MONTGOMERY (0x41UL)
#endif

enum { FIND_AT_ONCE = 64 };

void
object_list_clear(struct object_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		key_value_clear(&list->items[i].value);
		buffer_clear(&list->items[i].id);
		buffer_clear(&list->items[i].label);
	}
	free(list->items);
	attribute_list_clear(&list->at_once);
	*list = (struct object_list){0};
}

/* Errors that are not of one object: nothing else could be read, either. */
static bool
token_is_gone(CK_RV rv)
{
	switch (rv) {
	case CKR_HOST_MEMORY:
	case CKR_DEVICE_ERROR:
	case CKR_DEVICE_MEMORY:
	case CKR_DEVICE_REMOVED:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_TOKEN_NOT_RECOGNIZED:
	case CKR_SESSION_CLOSED:
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_CRYPTOKI_NOT_INITIALIZED:
		return true;
	default:
		return false;
	}
}

/* A fault that may pass: an attribute is tried once more, as an object is. */
static bool
may_pass(const struct object *o, enum attribute_state state)
{
	return state == ATTRIBUTE_ERROR && !token_is_gone(o->rv);
}

/* An attribute that objects may do without; one that fails is none. */
static void
read_optional(struct object *o, CK_ATTRIBUTE_TYPE type, size_t max,
    struct buffer *ret)
{
	struct buffer value = BUFFER_INIT(ATTRIBUTE_MAX_BYTES);
	enum attribute_state state = attribute_bytes(o, type, &value);
	struct bytes v;

	*ret = BUFFER_INIT(max);
	if (may_pass(o, state))
		state = attribute_bytes(o, type, &value);
	if (state == ATTRIBUTE_FOUND) {
		v = buffer_bytes(&value);
		if (type == CKA_LABEL)
			v = text_unpad(v);
		if (v.len > max)
			v.len = max;
		buffer_put(ret, v);
	}
	buffer_clear(&value);
}

static bool
read_bool(struct object *o, CK_ATTRIBUTE_TYPE type, bool when_absent)
{
	bool v = when_absent;

	if (may_pass(o, attribute_bool(o, type, &v)))
		attribute_bool(o, type, &v);
	return v;
}

typedef bool (*value_maker)(struct bytes a, struct bytes b,
    struct key_value *ret);

/*
 * The value made of two attributes. FOUND also when make made none, which is
 * for want of memory: o->rv says so.
 */
static enum attribute_state
read_pair(struct object *o, CK_ATTRIBUTE_TYPE type_a, CK_ATTRIBUTE_TYPE type_b,
    value_maker make, struct key_value *ret)
{
	CLEANUP(buffer_cleanup) struct buffer a =
	    BUFFER_INIT(ATTRIBUTE_MAX_BYTES);
	CLEANUP(buffer_cleanup) struct buffer b =
	    BUFFER_INIT(ATTRIBUTE_MAX_BYTES);
	enum attribute_state state;

	if ((state = attribute_bytes(o, type_a, &a)) != ATTRIBUTE_FOUND ||
	    (state = attribute_bytes(o, type_b, &b)) != ATTRIBUTE_FOUND)
		return state;
	if (a.len == 0 || b.len == 0)
		return ATTRIBUTE_ABSENT;
	if (make(buffer_bytes(&a), buffer_bytes(&b), ret))
		return ATTRIBUTE_FOUND;
	o->rv = CKR_HOST_MEMORY;
	return ATTRIBUTE_ERROR;
}

/* The value made of one DER attribute. */
static enum attribute_state
read_der(struct object *o, CK_ATTRIBUTE_TYPE type,
    bool (*make)(struct bytes der, struct key_value *ret),
    struct key_value *ret)
{
	CLEANUP(buffer_cleanup) struct buffer der =
	    BUFFER_INIT(ATTRIBUTE_MAX_BYTES);
	enum attribute_state state = attribute_bytes(o, type, &der);

	if (state != ATTRIBUTE_FOUND)
		return state;
	if (der.len == 0)
		return ATTRIBUTE_ABSENT;
	if (make(buffer_bytes(&der), ret))
		return ATTRIBUTE_FOUND;
	o->rv = CKR_HOST_MEMORY;
	return ATTRIBUTE_ERROR;
}

static enum attribute_state
read_other(struct object *o, struct token_object *t)
{
	char reason[KEY_REASON_BYTES];
	CLEANUP(buffer_cleanup) struct buffer name =
	    BUFFER_INIT(KEY_ID_MAX_BYTES + KEY_LABEL_MAX_BYTES);

	buffer_put(&name, buffer_bytes(&t->id));
	buffer_put(&name, buffer_bytes(&t->label));
	snprintf(reason, sizeof(reason),
	    "key type 0x%lx has no SSH algorithm", t->key_type);
	if (!name.failed &&
	    key_value_other(buffer_bytes(&name), reason, &t->value))
		return ATTRIBUTE_FOUND;
	o->rv = CKR_HOST_MEMORY;
	return ATTRIBUTE_ERROR;
}

static enum attribute_state
read_public_value(struct object *o, struct token_object *t)
{
	switch (t->key_type) {
	case CKK_RSA:
		return read_pair(o, CKA_MODULUS, CKA_PUBLIC_EXPONENT,
		    key_value_rsa, &t->value);
	case CKK_EC:
	case CKK_EC_EDWARDS:
	case CKK_EC_MONTGOMERY:
		return read_pair(o, CKA_EC_PARAMS, CKA_EC_POINT,
		    key_value_ec, &t->value);
	default:
		return read_other(o, t);
	}
}

static bool
modulus_only(struct bytes modulus, struct key_value *ret)
{
	static const uint8_t usual[] = {0x01, 0x00, 0x01};

	return key_value_rsa(modulus, bytes_of(usual, sizeof(usual)), ret);
}

/* A private key may show its public value, all or a part of it, or not. */
static enum attribute_state
read_private_value(struct object *o, struct token_object *t)
{
	CLEANUP(buffer_cleanup) struct buffer params =
	    BUFFER_INIT(ATTRIBUTE_MAX_BYTES);
	enum attribute_state state = read_public_value(o, t);

	if (t->key_type == CKK_RSA)
		t->kind = KEY_RSA;
	else if (attribute_bytes(o, CKA_EC_PARAMS, &params) == ATTRIBUTE_FOUND)
		t->kind = curve_kind(buffer_bytes(&params));
	if (state == ATTRIBUTE_FOUND && t->value.key.kind == t->kind)
		return state;
	key_value_clear(&t->value);
	state = read_der(o, CKA_PUBLIC_KEY_INFO, key_value_spki, &t->value);
	if (state == ATTRIBUTE_FOUND &&
	    (t->kind == 0 || t->value.key.kind == t->kind))
		return state;
	key_value_clear(&t->value);
	if (t->kind != KEY_RSA)
		return ATTRIBUTE_ABSENT;
	t->exponent_guessed = true;
	state = read_der(o, CKA_MODULUS, modulus_only, &t->value);
	if (state == ATTRIBUTE_FOUND && t->value.key.kind != KEY_RSA)
		key_value_clear(&t->value);
	return state;
}

static enum attribute_state
read_certificate(struct object *o, struct token_object *t)
{
	CK_ULONG type = CKC_X_509;

	attribute_ulong(o, CKA_CERTIFICATE_TYPE, &type);
	if (type != CKC_X_509)
		return ATTRIBUTE_ABSENT;
	return read_der(o, CKA_VALUE, key_value_certificate, &t->value);
}

static enum attribute_state
read_value(struct object *o, struct token_object *t)
{
	enum attribute_state state;

	if (t->class == CKO_CERTIFICATE)
		return read_certificate(o, t);
	if ((state = attribute_ulong(o, CKA_KEY_TYPE, &t->key_type)) !=
	    ATTRIBUTE_FOUND)
		return state;
	if (t->class == CKO_PUBLIC_KEY)
		return read_public_value(o, t);
	state = read_private_value(o, t);
	return state == ATTRIBUTE_ABSENT ? ATTRIBUTE_FOUND : state;
}

static void
read_permissions(struct object *o, struct token_object *t)
{
	t->permitted = true;
	if (t->class == CKO_PUBLIC_KEY)
		t->permitted = read_bool(o, CKA_VERIFY, true);
	if (t->class != CKO_PRIVATE_KEY)
		return;
	t->permitted = read_bool(o, CKA_SIGN, true);
	t->always_authenticate = read_bool(o, CKA_ALWAYS_AUTHENTICATE, false);
}

/* All that may be asked for below; the last one each has. */
static const CK_ATTRIBUTE_TYPE public_types[] = {CKA_VERIFY, CKA_ID,
    CKA_LABEL, CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_EC_PARAMS, CKA_EC_POINT,
    CKA_KEY_TYPE};
static const CK_ATTRIBUTE_TYPE private_types[] = {CKA_SIGN,
    CKA_ALWAYS_AUTHENTICATE, CKA_ID, CKA_LABEL, CKA_MODULUS,
    CKA_PUBLIC_EXPONENT, CKA_EC_PARAMS, CKA_EC_POINT, CKA_PUBLIC_KEY_INFO,
    CKA_KEY_TYPE};
static const CK_ATTRIBUTE_TYPE certificate_types[] = {CKA_CERTIFICATE_TYPE,
    CKA_ID, CKA_LABEL, CKA_VALUE};
#define N_TYPES(types) (sizeof(types) / sizeof((types)[0]))

/* Not for what fails: whatever is not known then is asked for by itself. */
static CK_RV
fetch(struct object *o, CK_OBJECT_CLASS class)
{
	switch (class) {
	case CKO_PUBLIC_KEY:
		return attributes_fetch(o, public_types,
		    N_TYPES(public_types));
	case CKO_PRIVATE_KEY:
		return attributes_fetch(o, private_types,
		    N_TYPES(private_types));
	default:
		return attributes_fetch(o, certificate_types,
		    N_TYPES(certificate_types));
	}
}

/* An attribute that is absent is no fault: this never comes of one. */
#define NO_VALUE CKR_ATTRIBUTE_TYPE_INVALID

/* CKR_OK, NO_VALUE, or why it could not be read. */
static CK_RV
object_read(struct object *o, CK_OBJECT_CLASS class, struct token_object *ret)
{
	struct token_object t = {.class = class, .handle = o->handle};
	enum attribute_state state;
	CK_RV rv = fetch(o, class);

	*ret = t;
	if (token_is_gone(rv))
		return rv;
	o->rv = CKR_OK;
	read_optional(o, CKA_ID, KEY_ID_MAX_BYTES, &t.id);
	read_optional(o, CKA_LABEL, KEY_LABEL_MAX_BYTES, &t.label);
	state = read_value(o, &t);
	rv = state == ATTRIBUTE_ABSENT ? NO_VALUE : o->rv;
	if (state == ATTRIBUTE_FOUND)
		read_permissions(o, &t);
	*ret = t;
	if (state == ATTRIBUTE_FOUND && !t.id.failed && !t.label.failed)
		return CKR_OK;
	key_value_clear(&ret->value);
	buffer_clear(&ret->id);
	buffer_clear(&ret->label);
	return state == ATTRIBUTE_FOUND ? CKR_HOST_MEMORY : rv;
}

/* The object as it was read before, if it need not be read again. */
static const struct token_object *
object_known(const struct object_source *from, CK_OBJECT_CLASS class,
    CK_OBJECT_HANDLE handle)
{
	const struct object_list *known = from->known;

	/* A login may show more of a private key. */
	for (size_t i = 0; known != NULL && class != CKO_PRIVATE_KEY &&
	    i < known->n; i++)
		if (known->items[i].handle == handle &&
		    known->items[i].class == class)
			return &known->items[i];
	return NULL;
}

static bool
object_dup(const struct token_object *from, struct token_object *ret)
{
	struct token_object t = *from;

	t.taken = false;
	t.id = BUFFER_INIT(from->id.max);
	t.label = BUFFER_INIT(from->label.max);
	t.value = (struct key_value){0};
	buffer_put(&t.id, buffer_bytes(&from->id));
	buffer_put(&t.label, buffer_bytes(&from->label));
	if (t.id.failed || t.label.failed || (from->value.mem != NULL &&
	    !key_value_dup(&from->value, &t.value))) {
		buffer_clear(&t.id);
		buffer_clear(&t.label);
		return false;
	}
	*ret = t;
	return true;
}

/*
 * Read each of the handles into the list. One that fails is tried once more:
 * a fault that passes must not cost a key.
 */
static bool
list_add(struct object_list *list, const struct object_source *from,
    CK_OBJECT_CLASS class, const CK_OBJECT_HANDLE *handles, size_t n,
    struct p11_err *err)
{
	struct object o = {
		.module = from->module,
		.session = from->session,
		.list = &list->at_once,
	};

	for (size_t i = 0; i < n; i++) {
		struct token_object *to = &list->items[list->n];
		const struct token_object *known =
		    object_known(from, class, handles[i]);
		CK_RV rv;

		if (known != NULL && object_dup(known, to)) {
			list->n++;
			continue;
		}
		o.handle = handles[i];
		rv = object_read(&o, class, to);
		if (rv != CKR_OK && rv != NO_VALUE && !token_is_gone(rv))
			rv = object_read(&o, class, to);
		if (token_is_gone(rv))
			return p11_err_set(err, "C_GetAttributeValue", rv,
			    NULL);
		progress_made(from->progress);
		if (rv == CKR_OK) {
			list->n++;
			continue;
		}
		list->skipped++;
		if (rv != NO_VALUE)
			list->fault = rv;
	}
	return true;
}

/*
 * All handles first: some modules allow no other call while a search is
 * open. *n is what fits into ret.
 */
static CK_RV
find_handles(const struct object_source *from, CK_OBJECT_HANDLE *ret,
    size_t *n, bool *more)
{
	size_t max = *n;
	CK_RV rv = CKR_OK;

	*n = 0;
	*more = false;
	while (*n < max) {
		CK_ULONG got = 0, want = max - *n;

		if (want > FIND_AT_ONCE)
			want = FIND_AT_ONCE;
		rv = from->module->C_FindObjects(from->session, ret + *n,
		    want, &got);
		progress_made(from->progress);
		if (rv != CKR_OK || got == 0)
			break;
		if (got > want) {
			rv = CKR_DEVICE_ERROR;
			break;
		}
		*n += got;
	}
	*more = rv == CKR_OK && *n == max;
	from->module->C_FindObjectsFinal(from->session);
	return rv;
}

bool
object_list_read(struct object_list *list,
    const struct object_source *from, CK_OBJECT_CLASS class,
    struct p11_err *err)
{
	CLEANUP(cleanup_free) CK_OBJECT_HANDLE *handles = NULL;
	/* The class alone: for more, some modules find nothing at all. */
	CK_ATTRIBUTE by_class = {CKA_CLASS, &class, sizeof(class)};
	size_t n = OBJECTS_PER_TOKEN_MAX - list->n;
	struct token_object *grown;
	bool more;
	CK_RV rv;

	handles = calloc(n + 1, sizeof(*handles));
	if (handles == NULL)
		return p11_err_set(err, "", CKR_HOST_MEMORY, NULL);
	rv = from->module->C_FindObjectsInit(from->session, &by_class, 1);
	if (rv != CKR_OK)
		return p11_err_set(err, "C_FindObjectsInit", rv, NULL);
	rv = find_handles(from, handles, &n, &more);
	if (rv != CKR_OK)
		return p11_err_set(err, "C_FindObjects", rv, NULL);
	if (more)
		list->skipped++;
	grown = array_resize(list->items, list->n + n + 1, sizeof(*grown));
	if (grown == NULL)
		return p11_err_set(err, "", CKR_HOST_MEMORY, NULL);
	list->items = grown;
	return list_add(list, from, class, handles, n, err);
}
