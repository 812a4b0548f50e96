/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects matched into keys. */
#include "pkcs11/keys.h"

#include <stdio.h>

#include "common/cleanup.h"
#include "pkcs11/object.h"

void
token_keys_clear(struct token_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++) {
		key_value_clear(&keys->items[i].value);
		buffer_clear(&keys->items[i].id);
		buffer_clear(&keys->items[i].label);
		for (size_t j = 0; j < KEY_OTHER_LABELS; j++)
			buffer_clear(&keys->items[i].other_labels[j]);
	}
	free(keys->items);
	object_list_clear(&keys->objects);
	*keys = (struct token_keys){0};
}

struct token_key *
token_keys_find(const struct token_keys *keys,
    const uint8_t ref[static KEY_REF_BYTES])
{
	for (size_t i = 0; i < keys->n; i++)
		if (memcmp(keys->items[i].ref, ref, KEY_REF_BYTES) == 0)
			return &keys->items[i];
	return NULL;
}

static void
fill_if_empty(struct buffer *to, const struct buffer *from)
{
	if (to->len == 0) {
		buffer_clear(to);
		*to = BUFFER_INIT(from->max);
		buffer_put(to, buffer_bytes(from));
	}
}

/* A label that the key does not have yet; what finds no room is left out. */
static void
add_label(struct token_key *k, const struct buffer *label)
{
	struct buffer *at = &k->label;

	for (size_t i = 0; at->len > 0; i++) {
		if (i == KEY_OTHER_LABELS ||
		    bytes_equal(buffer_bytes(at), buffer_bytes(label)))
			return;
		at = &k->other_labels[i];
	}
	fill_if_empty(at, label);
}

/*
 * The key with this object's public value, which must be there. A guessed
 * exponent is not compared.
 */
static struct token_key *
key_by_value(const struct token_keys *keys, const struct token_object *o)
{
	const struct public_key *want = &o->value.key;

	for (size_t i = 0; i < keys->n; i++) {
		const struct public_key *k = &keys->items[i].value.key;

		if (k->kind == want->kind && bytes_equal(k->a, want->a) &&
		    (o->exponent_guessed || bytes_equal(k->b, want->b)))
			return &keys->items[i];
	}
	return NULL;
}

/* Of the key's curve, or as near to it as the private key tells? */
static bool
kinds_fit(const struct token_object *o, enum key_kind kind)
{
	if (o->kind != 0)
		return o->kind == kind;
	switch (kind) {
	case KEY_EC_P256:
	case KEY_EC_P384:
	case KEY_EC_P521:
		return o->key_type == CKK_EC;
	case KEY_ED25519:
		return o->key_type == CKK_EC_EDWARDS;
	case KEY_RSA:
	case KEY_OTHER:
		break;
	}
	return false;
}

/* The first key without a private one that this private key may belong to. */
static struct token_key *
key_by_id(const struct token_keys *keys, const struct token_object *o)
{
	struct token_key *found = NULL;

	for (size_t i = 0; i < keys->n; i++) {
		struct token_key *k = &keys->items[i];

		if ((k->flags & KEY_HAS_PRIVATE) != 0 ||
		    !kinds_fit(o, k->value.key.kind) ||
		    !bytes_equal(buffer_bytes(&k->id), buffer_bytes(&o->id)))
			continue;
		/* CKA_ID may be there twice; then the label decides. */
		if (bytes_equal(buffer_bytes(&k->label),
		    buffer_bytes(&o->label)))
			return k;
		if (found == NULL)
			found = k;
	}
	return found;
}

/*
 * The key of this object's value, a new one unless it is there. NULL when
 * memory or room is out.
 */
static struct token_key *
key_of(struct token_keys *keys, const struct token_object *o,
    enum key_flag from)
{
	struct token_key *k = key_by_value(keys, o);

	if (k == NULL) {
		if (keys->n == KEYS_ON_WIRE_MAX)
			return NULL;
		k = &keys->items[keys->n];
		*k = (struct token_key){0};
		if (!key_value_dup(&o->value, &k->value))
			return NULL;
		k->flags = (uint32_t)from;
		k->unproven = o->exponent_guessed;
		snprintf(k->reason, sizeof(k->reason), "%s", o->value.reason);
		if (!key_ref(&k->value.key, k->ref)) {
			key_value_clear(&k->value);
			return NULL;
		}
		keys->n++;
	}
	fill_if_empty(&k->id, &o->id);
	add_label(k, &o->label);
	return k;
}

static void
key_set_reason(struct token_key *k, const char *reason)
{
	if (k->reason[0] == '\0')
		snprintf(k->reason, sizeof(k->reason), "%s", reason);
}

static void
key_attach(struct token_key *k, struct token_object *o)
{
	o->taken = true;
	if ((k->flags & KEY_HAS_PRIVATE) != 0)
		return;
	k->flags |= KEY_HAS_PRIVATE | KEY_PRIVATE_SETTLED;
	k->private_key = o->handle;
	if (o->always_authenticate)
		k->flags |= KEY_ALWAYS_AUTHENTICATE;
	if (!o->permitted)
		key_set_reason(k, "CKA_SIGN is false");
	fill_if_empty(&k->id, &o->id);
	add_label(k, &o->label);
}

/* All objects of a class that tell their public value. */
static void
add_values(struct token_keys *keys, CK_OBJECT_CLASS class,
    enum key_flag from)
{
	for (size_t i = 0; i < keys->objects.n; i++) {
		struct token_object *o = &keys->objects.items[i];
		struct token_key *k;

		if (o->class != class || o->value.mem == NULL)
			continue;
		if ((k = key_of(keys, o, from)) == NULL) {
			keys->skipped++;
			continue;
		}
		if (class == CKO_PUBLIC_KEY && !o->permitted)
			k->no_verify = true;
		if (class == CKO_PRIVATE_KEY)
			key_attach(k, o);
	}
}

/* A private key that has no public half anywhere: shown, with the reason. */
static void
add_lonely(struct token_keys *keys, struct token_object *o)
{
	struct token_key *k;

	if (o->value.mem != NULL || !key_value_other(buffer_bytes(&o->id),
	    "its public key is not on the token", &o->value) ||
	    (k = key_of(keys, o, KEY_FROM_PRIVATE)) == NULL)
		keys->skipped++;
	else
		key_attach(k, o);
}

/* Private keys that do not tell their public value. */
static void
add_by_id(struct token_keys *keys)
{
	for (size_t i = 0; i < keys->objects.n; i++) {
		struct token_object *o = &keys->objects.items[i];
		struct token_key *k;

		if (o->class != CKO_PRIVATE_KEY || o->taken)
			continue;
		if ((k = key_by_id(keys, o)) == NULL) {
			add_lonely(keys, o);
			continue;
		}
		k->unproven = true;
		key_attach(k, o);
	}
}

/* What the token as a whole says of each key. */
static void
settle(struct token_keys *keys, const struct keys_source *from,
    const struct token_keys *before)
{
	bool all_shown = from->logged_in || !from->login_required;

	for (size_t i = 0; i < keys->n; i++) {
		struct token_key *k = &keys->items[i];
		const struct token_key *old = before == NULL ? NULL :
		    token_keys_find(before, k->ref);

		if (all_shown)
			k->flags |= KEY_PRIVATE_SETTLED;
		if ((k->flags & KEY_HAS_PRIVATE) != 0) {
			if (!from->logged_in)
				k->flags |= KEY_NO_LOGIN;
		} else if (all_shown) {
			key_set_reason(k, "no private key with it on this "
			    "token");
		} else if (k->no_verify) {
			/* A guess: the private key's own CKA_SIGN tells. */
			key_set_reason(k, "CKA_VERIFY is false");
		}
		if (old == NULL)
			continue;
		k->flags |= old->flags & KEY_NO_LOGIN;
		k->has_signed = old->has_signed;
	}
}

static bool
read_objects(const struct keys_source *from, const struct token_keys *before,
    struct object_list *ret, struct p11_err *err)
{
	static const CK_OBJECT_CLASS classes[] = {CKO_PUBLIC_KEY,
	    CKO_PRIVATE_KEY, CKO_CERTIFICATE};
	const struct object_source source = {
		.module = from->module,
		.session = from->session,
		.known = from->same_session && before != NULL ?
		    &before->objects : NULL,
		.progress = from->progress,
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (object_list_read(ret, &source, classes[i], err))
			continue;
		/* Some refuse to look for what shows only after a login. */
		if (err->rv != CKR_USER_NOT_LOGGED_IN || from->logged_in)
			return false;
	}
	return true;
}

bool
token_keys_read(const struct keys_source *from,
    const struct token_keys *before, struct token_keys *ret,
    struct p11_err *err)
{
	CLEANUP(token_keys_clear) struct token_keys keys = {0};
	struct object_list *objects = &keys.objects;

	*ret = keys;
	if (!read_objects(from, before, objects, err))
		return false;
	/* Not one of all that it should show: that is no view of a token. */
	if (objects->n == 0 && objects->fault != CKR_OK &&
	    (from->logged_in || !from->login_required))
		return p11_err_set(err, "C_GetAttributeValue", objects->fault,
		    NULL);
	keys.items = calloc(objects->n + 1, sizeof(*keys.items));
	if (keys.items == NULL)
		return p11_err_set(err, "", CKR_HOST_MEMORY, NULL);
	attribute_list_clear(&objects->at_once);
	keys.skipped = objects->skipped;
	add_values(&keys, CKO_PUBLIC_KEY, KEY_FROM_PUBLIC);
	add_values(&keys, CKO_PRIVATE_KEY, KEY_FROM_PRIVATE);
	add_values(&keys, CKO_CERTIFICATE, KEY_FROM_CERTIFICATE);
	add_by_id(&keys);
	settle(&keys, from, before);
	*ret = keys;
	keys = (struct token_keys){0};
	return true;
}

void
token_key_wire(const struct token_key *key, struct wire_key *ret)
{
	memcpy(ret->ref, key->ref, sizeof(ret->ref));
	ret->key = key->value.key;
	ret->id = buffer_bytes(&key->id);
	ret->label = buffer_bytes(&key->label);
	for (size_t i = 0; i < KEY_OTHER_LABELS; i++)
		ret->other_labels[i] = buffer_bytes(&key->other_labels[i]);
	ret->flags = key->flags;
	ret->reason = bytes_str(key->reason);
}
