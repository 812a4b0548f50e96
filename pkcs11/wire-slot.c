/* SPDX-License-Identifier: BSD-2-Clause */
/* A slot, and the token in it, on the wire. */
#include "pkcs11/wire.h"

bool
token_id_same(const struct token_id *a, const struct token_id *b)
{
	return bytes_equal(a->manufacturer, b->manufacturer) &&
	    bytes_equal(a->model, b->model) &&
	    bytes_equal(a->serial, b->serial) &&
	    bytes_equal(a->label, b->label);
}

bool
token_id_equal(const struct token_id *a, const struct token_id *b)
{
	return token_id_same(a, b) &&
	    bytes_equal(a->slot_description, b->slot_description);
}

bool
token_id_empty(const struct token_id *id)
{
	static const struct token_id none;

	return token_id_equal(id, &none);
}

static bool
place_is(struct slot_place a, struct slot_place b)
{
	return a.at == b.at && a.of == b.of;
}

const struct wire_left_out *
wire_left_out_place(const struct wire_start *m, struct slot_place place)
{
	for (uint32_t i = 0; i < m->n_left_out; i++)
		if (token_id_empty(&m->left_out[i].id) &&
		    place_is(m->left_out[i].place, place))
			return &m->left_out[i];
	return NULL;
}

/* Of several that are alike, the one in that place; while there is one. */
const struct wire_left_out *
wire_left_out_token(const struct wire_start *m, struct slot_place place,
    const struct token_id *id)
{
	for (uint32_t i = 0; i < m->n_left_out; i++) {
		const struct wire_left_out *l = &m->left_out[i];

		if (!token_id_empty(&l->id) && token_id_equal(&l->id, id) &&
		    (l->place.of != place.of || l->place.at == place.at))
			return l;
	}
	return NULL;
}
