/* SPDX-License-Identifier: BSD-2-Clause */
/* The messages of the wire, put together; the name of a key. */
#include "pkcs11/wire.h"

#include <openssl/evp.h>

bool
key_ref(const struct public_key *key, uint8_t ret[static KEY_REF_BYTES])
{
	struct buffer b = BUFFER_INIT(2 * ATTRIBUTE_MAX_BYTES + 16);
	bool ok;

	buffer_put_u8(&b, (uint8_t)key->kind);
	buffer_put_string(&b, key->a);
	buffer_put_string(&b, key->b);
	ok = !b.failed &&
	    EVP_Digest(b.p, b.len, ret, NULL, EVP_sha256(), NULL) == 1;
	buffer_clear(&b);
	return ok;
}

static size_t
frame_begin(struct buffer *b, enum wire_type type)
{
	size_t mark = buffer_begin(b);

	buffer_put_u8(b, (uint8_t)type);
	return mark;
}

static void
put_token_id(struct buffer *b, const struct token_id *id)
{
	buffer_put_string(b, id->manufacturer);
	buffer_put_string(b, id->model);
	buffer_put_string(b, id->serial);
	buffer_put_string(b, id->label);
	buffer_put_string(b, id->slot_description);
}

static void
put_place(struct buffer *b, struct slot_place place)
{
	buffer_put_u32(b, place.at);
	buffer_put_u32(b, place.of);
}

static void
put_left_out(struct buffer *b, const struct wire_left_out *l)
{
	put_place(b, l->place);
	put_token_id(b, &l->id);
	buffer_put_bool(b, l->last);
}

static void
put_error(struct buffer *b, const struct wire_error *e)
{
	buffer_put_string(b, e->call);
	buffer_put_u64(b, e->rv);
	buffer_put_string(b, e->rv_name);
	buffer_put_string(b, e->text);
}

void
wire_start_put(struct buffer *b, const struct wire_start *m)
{
	size_t mark = frame_begin(b, WIRE_START);

	buffer_put_u8(b, (uint8_t)m->role);
	buffer_put_string(b, m->module);
	buffer_put_bool(b, m->remote);
	buffer_put_string(b, m->init_args);
	buffer_put_string(b, m->provider);
	put_token_id(b, &m->token);
	put_place(b, m->place);
	buffer_put_u32(b, m->n_refs);
	for (uint32_t i = 0; i < m->n_refs; i++)
		buffer_put(b, bytes_of(m->refs[i], KEY_REF_BYTES));
	buffer_put_u32(b, m->n_left_out);
	for (uint32_t i = 0; i < m->n_left_out; i++)
		put_left_out(b, &m->left_out[i]);
	buffer_put_u32(b, m->n_ignored);
	for (uint32_t i = 0; i < m->n_ignored; i++)
		buffer_put_string(b, m->ignored_readers[i]);
	buffer_end(b, mark);
}

void
wire_login_put(struct buffer *b, const struct wire_login *m)
{
	size_t mark = frame_begin(b, WIRE_LOGIN);

	buffer_put_u32(b, m->id);
	buffer_put_string(b, m->pin);
	buffer_put_bool(b, m->person);
	buffer_put_bool(b, m->told);
	buffer_end(b, mark);
}

void
wire_sign_put(struct buffer *b, const struct wire_sign *m)
{
	size_t mark = frame_begin(b, WIRE_SIGN);

	buffer_put_u32(b, m->id);
	buffer_put(b, bytes_of(m->ref, sizeof(m->ref)));
	buffer_put_u8(b, (uint8_t)m->algorithm);
	buffer_put_string(b, m->data);
	buffer_put_bool(b, m->login);
	buffer_put_string(b, m->pin);
	buffer_put_bool(b, m->person);
	buffer_put_bool(b, m->told);
	buffer_put_bool(b, m->renew);
	buffer_end(b, mark);
}

void
wire_module_put(struct buffer *b, const struct wire_module *m)
{
	size_t mark = frame_begin(b, WIRE_MODULE);

	buffer_put_string(b, m->real_path);
	buffer_put_string(b, m->description);
	buffer_put_string(b, m->manufacturer);
	buffer_put_bool(b, m->pcsc);
	buffer_end(b, mark);
}

size_t
wire_token_begin(struct buffer *b, const struct wire_token *m)
{
	size_t mark = frame_begin(b, WIRE_TOKEN);

	put_token_id(b, &m->id);
	put_place(b, m->place);
	buffer_put_u32(b, m->flags);
	buffer_put_u32(b, m->pin_min);
	buffer_put_u32(b, m->pin_max);
	buffer_put_u32(b, m->n_unshown);
	buffer_put_u32(b, m->n_keys);
	return mark;
}

void
wire_key_put(struct buffer *b, const struct wire_key *k)
{
	buffer_put(b, bytes_of(k->ref, sizeof(k->ref)));
	buffer_put_u8(b, (uint8_t)k->key.kind);
	buffer_put_string(b, k->key.a);
	buffer_put_string(b, k->key.b);
	buffer_put_string(b, k->id);
	buffer_put_string(b, k->label);
	for (size_t i = 0; i < KEY_OTHER_LABELS; i++)
		buffer_put_string(b, k->other_labels[i]);
	buffer_put_u32(b, k->flags);
	buffer_put_string(b, k->reason);
}

size_t
wire_key_bytes(const struct wire_key *k)
{
	size_t bytes = KEY_REF_BYTES + 1 + 6 * 4 + k->key.a.len +
	    k->key.b.len + k->id.len + k->label.len + k->reason.len;

	for (size_t i = 0; i < KEY_OTHER_LABELS; i++)
		bytes += 4 + k->other_labels[i].len;
	return bytes;
}

void
wire_token_end(struct buffer *b, size_t mark)
{
	buffer_end(b, mark);
}

void
wire_done_put(struct buffer *b)
{
	buffer_end(b, frame_begin(b, WIRE_DONE));
}

void
wire_progress_put(struct buffer *b)
{
	buffer_end(b, frame_begin(b, WIRE_PROGRESS));
}

void
wire_slot_put(struct buffer *b, const struct wire_slot *m)
{
	size_t mark = frame_begin(b, WIRE_SLOT);

	put_place(b, m->place);
	put_token_id(b, &m->id);
	buffer_put_u32(b, m->waiting);
	buffer_put_bool(b, m->last);
	buffer_end(b, mark);
}

void
wire_failed_put(struct buffer *b, const struct wire_error *m)
{
	size_t mark = frame_begin(b, WIRE_FAILED);

	put_error(b, m);
	buffer_end(b, mark);
}

void
wire_login_result_put(struct buffer *b, const struct wire_login_result *m)
{
	size_t mark = frame_begin(b, WIRE_LOGIN_RESULT);

	buffer_put_u32(b, m->id);
	buffer_put_u8(b, (uint8_t)m->outcome);
	buffer_put_u32(b, m->flags);
	buffer_put_bool(b, m->pin_in_doubt);
	put_error(b, &m->error);
	buffer_end(b, mark);
}

void
wire_sign_result_put(struct buffer *b, const struct wire_sign_result *m)
{
	size_t mark = frame_begin(b, WIRE_SIGN_RESULT);

	buffer_put_u32(b, m->id);
	buffer_put_u8(b, (uint8_t)m->outcome);
	buffer_put_u8(b, (uint8_t)m->pin);
	buffer_put_u32(b, m->flags);
	buffer_put_bool(b, m->renewed);
	put_error(b, &m->error);
	buffer_put_string(b, m->signature);
	buffer_end(b, mark);
}

void
wire_registered_put(struct buffer *b, const struct wire_registered *m)
{
	size_t mark = frame_begin(b, WIRE_REGISTERED);

	buffer_put_string(b, m->name);
	buffer_put_string(b, m->module);
	buffer_put_string(b, m->remote);
	buffer_put_bool(b, m->of_system);
	buffer_put_string(b, m->init_args);
	buffer_put_bool(b, m->trust_policy);
	buffer_end(b, mark);
}
