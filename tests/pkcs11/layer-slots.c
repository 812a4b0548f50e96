/* SPDX-License-Identifier: BSD-2-Clause */
/* The slots that the layer module shows, and the sessions in them. */
#include <stdlib.h>
#include <string.h>

#include "tests/pkcs11/layer.h"

void
layer_find_slots(struct layer *l)
{
	CK_SLOT_ID ids[LAYER_SLOTS_MAX];
	CK_ULONG n = LAYER_SLOTS_MAX;
	CK_TOKEN_INFO info;

	if (l->below->C_GetSlotList(CK_TRUE, ids, &n) != CKR_OK)
		n = 0;
	for (l->n_slots = 0; l->n_slots < n; l->n_slots++) {
		struct layer_below *s = &l->slots[l->n_slots];
		size_t len = sizeof(info.label);

		*s = (struct layer_below){.id = ids[l->n_slots]};
		if (l->below->C_GetTokenInfo(s->id, &info) != CKR_OK)
			continue;
		while (len > 0 && info.label[len - 1] == ' ')
			len--;
		memcpy(s->label, info.label, len);
	}
}

size_t
layer_slots(struct layer *l, struct layer_slot ret[static LAYER_SLOTS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_slots; i++) {
		const struct layer_below *b = &l->slots[i];
		size_t before = n;

		for (size_t j = 0; j < l->script.n_tokens; j++) {
			const struct layer_token *t = &l->script.tokens[j];

			if (strcmp(t->real, b->label) == 0 &&
			    n < LAYER_SLOTS_MAX)
				ret[n++] = (struct layer_slot){
				    t->has_slot ? t->slot : b->id, b->id, *t};
		}
		if (n == before && n < LAYER_SLOTS_MAX)
			ret[n++] = (struct layer_slot){.id = b->id,
			    .below = b->id,
			    .token.gone = CKR_SESSION_HANDLE_INVALID};
	}
	return n;
}

CK_RV
layer_slot_find(struct layer *l, CK_SLOT_ID id, struct layer_slot *ret)
{
	struct layer_slot all[LAYER_SLOTS_MAX];
	size_t n = layer_slots(l, all);

	for (size_t i = 0; i < n; i++) {
		if (all[i].id != id)
			continue;
		*ret = all[i];
		return ret->token.absent ? CKR_TOKEN_NOT_PRESENT : CKR_OK;
	}
	return CKR_SLOT_ID_INVALID;
}

static struct layer_session *
session_of(struct layer *l, CK_SESSION_HANDLE h)
{
	for (size_t i = 0; i < LAYER_SESSIONS_MAX; i++)
		if (l->sessions[i].open && l->sessions[i].handle == h)
			return &l->sessions[i];
	return NULL;
}

void
layer_session_add(struct layer *l, CK_SESSION_HANDLE h,
    const struct layer_slot *slot)
{
	for (size_t i = 0; i < LAYER_SESSIONS_MAX; i++) {
		if (l->sessions[i].open)
			continue;
		l->sessions[i] = (struct layer_session){
			.handle = h,
			.slot = slot->id,
			.epoch = slot->token.epoch,
			.open = true,
		};
		return;
	}
}

/* Has its token been away? What its calls answer then. */
static CK_RV
session_fate(struct layer *l, const struct layer_session *s)
{
	struct layer_slot slot;
	CK_RV rv = layer_slot_find(l, s->slot, &slot);

	if (rv == CKR_SLOT_ID_INVALID)
		return CKR_SESSION_HANDLE_INVALID;
	if (rv != CKR_OK || s->dead || s->epoch != slot.token.epoch)
		return slot.token.gone;
	return CKR_OK;
}

CK_RV
layer_session_check(struct layer *l, CK_SESSION_HANDLE h)
{
	const struct layer_session *s = session_of(l, h);

	return s == NULL ? CKR_SESSION_HANDLE_INVALID : session_fate(l, s);
}

void
layer_session_drop(struct layer *l, CK_SESSION_HANDLE h)
{
	struct layer_session *s = session_of(l, h);

	if (s != NULL)
		s->open = false;
}

bool
layer_session_hides(struct layer *l, CK_SESSION_HANDLE h)
{
	const struct layer_session *s = session_of(l, h);
	struct layer_slot slot;

	return s != NULL && layer_slot_find(l, s->slot, &slot) == CKR_OK &&
	    slot.token.hide;
}

void
layer_sessions_bury(struct layer *l)
{
	for (size_t i = 0; i < LAYER_SESSIONS_MAX; i++) {
		struct layer_session *s = &l->sessions[i];

		if (!s->open || s->dead || session_fate(l, s) == CKR_OK)
			continue;
		s->dead = true;
		l->below->C_CloseSession(s->handle);
	}
}
