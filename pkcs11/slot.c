/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots and tokens. */
#include "pkcs11/slot.h"

#include "common/cleanup.h"
#include "common/text.h"
#include "pkcs11/mutex.h"

enum {
	SLOTS_MAX = SLOTS_PER_PROVIDER_MAX,
	/* A message without its keys, at most. */
	TOKEN_BYTES = 1024,
	/* Times that the list may grow while it is read. */
	LIST_ROUNDS_MAX = 8,
};

bool
slots_list(CK_FUNCTION_LIST *module, CK_SLOT_ID **ret, size_t *ret_n,
    struct p11_err *err)
{
	CK_SLOT_ID *ids = NULL;
	CK_RV rv = CKR_OK;

	for (int round = 0; round < LIST_ROUNDS_MAX; round++) {
		CK_ULONG n = 0, got;

		/* Without a buffer, modules look for new readers, too. */
		rv = module->C_GetSlotList(CK_TRUE, NULL, &n);
		if (rv != CKR_OK)
			break;
		got = n = n > SLOTS_MAX ? SLOTS_MAX : n;
		free(ids);
		if ((ids = calloc(n + 1, sizeof(*ids))) == NULL)
			return p11_err_set(err, "", CKR_HOST_MEMORY, NULL);
		rv = n == 0 ? CKR_OK :
		    module->C_GetSlotList(CK_TRUE, ids, &got);
		if (rv == CKR_BUFFER_TOO_SMALL)
			continue;
		if (rv == CKR_OK && got > n)
			rv = CKR_GENERAL_ERROR;
		if (rv != CKR_OK)
			break;
		*ret = ids;
		*ret_n = got;
		return true;
	}
	free(ids);
	return p11_err_set(err, "C_GetSlotList", rv, NULL);
}

struct slot_place
slot_place_of(size_t at, size_t n)
{
	return (struct slot_place){(uint32_t)at, (uint32_t)n};
}

bool
slot_read(CK_FUNCTION_LIST *module, CK_SLOT_ID id, struct slot *ret,
    struct p11_err *err)
{
	struct slot s = {.id = id, .mutexes_held = mutexes_held()};
	CK_RV rv;

	/* Texts and hints: a module may do without, unless the slot is gone. */
	if ((rv = module->C_GetSlotInfo(id, &s.info)) != CKR_OK) {
		if (p11_rv_outcome(rv) == WIRE_LOST)
			return p11_err_set(err, "C_GetSlotInfo", rv, NULL);
		memset(&s.info, 0, sizeof(s.info));
	}
	if ((rv = module->C_GetTokenInfo(id, &s.token)) != CKR_OK)
		return p11_err_set(err, "C_GetTokenInfo", rv, NULL);
	*ret = s;
	return true;
}

/* Errors after which another kind of session cannot be had, either. */
static bool
no_session_at_all(CK_RV rv)
{
	return rv == CKR_HOST_MEMORY || rv == CKR_SESSION_COUNT ||
	    (p11_rv_outcome(rv) == WIRE_LOST && rv != CKR_GENERAL_ERROR &&
	    rv != CKR_FUNCTION_FAILED);
}

bool
slot_open_session(CK_FUNCTION_LIST *module, CK_SLOT_ID id,
    CK_SESSION_HANDLE *ret, struct p11_err *err)
{
	CK_RV rv = module->C_OpenSession(id, CKF_SERIAL_SESSION, NULL, NULL,
	    ret);

	if (rv == CKR_OK || (!no_session_at_all(rv) &&
	    module->C_OpenSession(id, CKF_SERIAL_SESSION | CKF_RW_SESSION,
	    NULL, NULL, ret) == CKR_OK))
		return true;
	return p11_err_set(err, "C_OpenSession", rv, NULL);
}

bool
slot_read_keys(CK_FUNCTION_LIST *module, const struct slot *s,
    struct progress *progress, struct token_keys *ret, struct p11_err *err)
{
	struct keys_source from = {
		.module = module,
		.login_required = (s->token.flags & CKF_LOGIN_REQUIRED) != 0,
		.progress = progress,
	};
	bool ok;

	if (!slot_open_session(module, s->id, &from.session, err))
		return false;
	ok = token_keys_read(&from, NULL, ret, err);
	module->C_CloseSession(from.session);
	/*
	 * A call found that the card had left: what OpenSC reads then is a card
	 * without a certificate, of another name, and nobody looks again. A lock
	 * that was kept at another slot before says nothing of this one.
	 */
	if (ok && mutexes_held() > s->mutexes_held) {
		token_keys_clear(ret);
		return p11_err_set(err, "", CKR_OK, "the module kept a lock: "
		    "what it read is no view of this token");
	}
	return ok;
}

static bool
is_initialized(const struct slot *s)
{
	return (s->token.flags & CKF_TOKEN_INITIALIZED) != 0;
}

bool
slot_has_token(CK_FUNCTION_LIST *module, const struct slot *s)
{
	struct token_keys keys = {0};
	struct p11_err ignored;
	bool has = is_initialized(s);

	if (!has && slot_read_keys(module, s, NULL, &keys, &ignored))
		has = keys.n > 0;
	token_keys_clear(&keys);
	return has;
}

#define FIELD(array) text_unpad(bytes_of((array), sizeof(array)))

struct token_id
slot_token_id(const struct slot *s)
{
	return (struct token_id){
	    .manufacturer = FIELD(s->token.manufacturerID),
	    .model = FIELD(s->token.model),
	    .serial = FIELD(s->token.serialNumber),
	    .label = FIELD(s->token.label),
	    .slot_description = FIELD(s->info.slotDescription),
	};
}

bool
slot_same_token(const struct slot *a, const struct slot *b)
{
	const struct token_id id_a = slot_token_id(a), id_b = slot_token_id(b);

	return token_id_same(&id_a, &id_b);
}

bool
slot_is_card(const struct slot *s)
{
	return (s->info.flags & CKF_REMOVABLE_DEVICE) != 0 &&
	    (s->info.flags & CKF_HW_SLOT) != 0;
}

uint32_t
slot_token_flags(const struct slot *s)
{
	static const struct {
		CK_FLAGS from;
		uint32_t to;
	} table[] = {
		{CKF_LOGIN_REQUIRED, TOKEN_LOGIN_REQUIRED},
		{CKF_USER_PIN_COUNT_LOW, TOKEN_PIN_COUNT_LOW},
		{CKF_USER_PIN_FINAL_TRY, TOKEN_PIN_FINAL_TRY},
		{CKF_USER_PIN_LOCKED, TOKEN_PIN_LOCKED},
		{CKF_USER_PIN_TO_BE_CHANGED, TOKEN_PIN_TO_CHANGE},
		{CKF_PROTECTED_AUTHENTICATION_PATH, TOKEN_PROTECTED_PATH},
	};
	uint32_t flags = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if ((s->token.flags & table[i].from) != 0)
			flags |= table[i].to;
	if ((s->token.flags & CKF_USER_PIN_INITIALIZED) == 0)
		flags |= TOKEN_PIN_NOT_SET;
	if (slot_is_card(s))
		flags |= TOKEN_REMOVABLE;
	return flags;
}

static bool
slot_is_tried(const struct slots_tried *tried, CK_SLOT_ID id)
{
	for (size_t i = 0; i < tried->n; i++)
		if (tried->ids[i] == id)
			return true;
	return false;
}

/* The search for a token, slot by slot. */
struct search {
	CK_FUNCTION_LIST *module;
	const struct wire_start *want;
	const struct slots_tried *tried;
	struct slot found;
	size_t matching;
	struct p11_err failed;
};

/* True when this is it; one that may be it otherwise is kept as found. */
static bool
search_look(struct search *f, CK_SLOT_ID id, struct slot_place place)
{
	struct token_id is;
	struct slot s;

	if (slot_is_tried(f->tried, id) ||
	    !slot_read(f->module, id, &s, &f->failed))
		return false;
	s.place = place;
	is = slot_token_id(&s);
	if (token_id_equal(&is, &f->want->token)) {
		f->found = s;
		return true;
	}
	if (is_initialized(&s) && token_id_same(&is, &f->want->token)) {
		f->found = s;
		f->matching++;
	}
	return false;
}

static bool
search_all(struct search *f, const CK_SLOT_ID *ids, size_t n)
{
	size_t first = f->want->place.of == n ? f->want->place.at : n;

	/* No other slot need be touched then. */
	if (first < n && search_look(f, ids[first], f->want->place))
		return true;
	for (size_t i = 0; i < n; i++) {
		struct slot_place place = slot_place_of(i, n);

		if (i != first && wire_left_out_place(f->want, place) == NULL &&
		    search_look(f, ids[i], place))
			return true;
	}
	return f->matching == 1; /* it moved to another reader */
}

bool
slot_find(CK_FUNCTION_LIST *module, const struct wire_start *want,
    const struct slots_tried *tried, struct slot *ret, struct p11_err *err)
{
	CLEANUP(cleanup_free) CK_SLOT_ID *ids = NULL;
	struct search f = {
		.module = module,
		.want = want,
		.tried = tried,
		.failed = {.call = ""},
	};
	size_t n = 0;

	if (!slots_list(module, &ids, &n, err))
		return false;
	if (search_all(&f, ids, n)) {
		*ret = f.found;
		return true;
	}
	if (f.matching == 0 && f.failed.rv != CKR_OK) {
		*err = f.failed;
		return false;
	}
	return p11_err_set(err, "", CKR_TOKEN_NOT_PRESENT, f.matching == 0 ?
	    "the token is not there" :
	    "several tokens look like it, and none is in its slot");
}

/* The range of PIN lengths; nothing where it makes no sense. */
static void
pin_range(const CK_TOKEN_INFO *info, uint32_t *min, uint32_t *max)
{
	CK_ULONG low = info->ulMinPinLen, high = info->ulMaxPinLen;

	*min = *max = 0;
	if (high == 0 || high == CK_UNAVAILABLE_INFORMATION || low > high)
		return;
	*min = low > SECRET_MAX_BYTES ? 0 : (uint32_t)low;
	*max = high > SECRET_MAX_BYTES ? 0 : (uint32_t)high;
}

/* As many as one message holds. */
static size_t
keys_that_fit(const struct token_keys *keys)
{
	size_t bytes = TOKEN_BYTES, n = 0;
	struct wire_key k;

	for (; n < keys->n && n < KEYS_ON_WIRE_MAX; n++) {
		token_key_wire(&keys->items[n], &k);
		bytes += wire_key_bytes(&k);
		if (bytes > WIRE_REPLY_MAX_BYTES)
			break;
	}
	return n;
}

void
slot_wire_put(struct buffer *b, const struct slot *s, uint32_t flags,
    const struct token_keys *keys)
{
	struct wire_token w = {
		.id = slot_token_id(s),
		.place = s->place,
		.flags = flags,
		.n_keys = (uint32_t)keys_that_fit(keys),
	};
	struct wire_key k;
	size_t mark;

	w.n_unshown = (uint32_t)(keys->skipped + keys->n - w.n_keys);
	pin_range(&s->token, &w.pin_min, &w.pin_max);
	mark = wire_token_begin(b, &w);
	for (size_t i = 0; i < w.n_keys; i++) {
		token_key_wire(&keys->items[i], &k);
		wire_key_put(b, &k);
	}
	wire_token_end(b, mark);
}
