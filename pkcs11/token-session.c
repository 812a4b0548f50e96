/* SPDX-License-Identifier: BSD-2-Clause */
/* The sessions and the login of one token. */
#include "pkcs11/token-session.h"

#include "common/wipe.h"

/* As many as the token takes, at least one. */
static bool
open_lanes(struct token_session *t, unsigned lanes, struct p11_err *err)
{
	CK_ULONG max = t->slot.token.ulMaxSessionCount;

	if (lanes > TOKEN_SIGN_THREADS_MAX)
		lanes = TOKEN_SIGN_THREADS_MAX;
	if (max != CK_EFFECTIVELY_INFINITE &&
	    max != CK_UNAVAILABLE_INFORMATION && lanes > max)
		lanes = (unsigned)max;
	if (lanes == 0 || slot_is_card(&t->slot))
		lanes = 1;
	for (t->lanes = 0; t->lanes < lanes; t->lanes++)
		if (!slot_open_session(t->module, t->slot.id,
		    &t->sessions[t->lanes], err))
			break;
	return t->lanes > 0;
}

void
token_session_close(struct token_session *t)
{
	for (unsigned i = 0; i < t->lanes; i++)
		t->module->C_CloseSession(t->sessions[i]);
	t->lanes = 0;
	t->logged_in = false;
	token_keys_clear(&t->keys);
}

/* Find one that was not tried, and open it. */
static bool
open_one(struct token_session *t, const struct slots_tried *tried,
    unsigned lanes, struct p11_err *err)
{
	if (!slot_find(t->module, t->want, tried, &t->slot, err) ||
	    !open_lanes(t, lanes, err))
		return false;
	if (token_session_refresh(t, err))
		return true;
	token_session_close(t);
	return false;
}

/* Does it show one of the keys that it should? Or none, before a login. */
static bool
has_its_keys(const struct token_session *t)
{
	const struct wire_start *want = t->want;

	for (uint32_t i = 0; i < want->n_refs; i++)
		if (token_keys_find(&t->keys, want->refs[i]) != NULL)
			return true;
	return want->n_refs == 0 || t->keys.n == 0;
}

bool
token_session_open(struct token_session *t, CK_FUNCTION_LIST *module,
    const struct wire_start *want, unsigned lanes, struct progress *progress,
    struct p11_err *err)
{
	struct slots_tried tried = {.n = 0};
	struct p11_err ignored = {.call = ""};

	*t = (struct token_session){
		.module = module,
		.want = want,
		.progress = progress,
	};
	if (!open_one(t, &tried, lanes, err))
		return false;
	while (!has_its_keys(t) && tried.n < SLOTS_ALIKE_MAX) {
		tried.ids[tried.n++] = t->slot.id;
		token_session_close(t);
		if (!open_one(t, &tried, lanes, &ignored))
			break;
	}
	/* No other is like it: its keys are new ones. */
	tried.n = 0;
	return t->lanes > 0 || open_one(t, &tried, lanes, err);
}

/* Read the keys anew; same_session: its public objects are known. */
static bool
refresh(struct token_session *t, bool same_session, struct p11_err *err)
{
	struct token_keys keys;
	struct slot slot;

	if (!slot_read(t->module, t->slot.id, &slot, err))
		return false;
	slot.place = t->slot.place;
	const struct keys_source from = {
		.module = t->module,
		.session = t->sessions[0],
		.login_required = (slot.token.flags & CKF_LOGIN_REQUIRED) != 0,
		.logged_in = t->logged_in,
		.same_session = same_session,
		.progress = t->progress,
	};
	if (!token_keys_read(&from, &t->keys, &keys, err))
		return false;
	token_keys_clear(&t->keys);
	t->keys = keys;
	t->slot = slot;
	return true;
}

bool
token_session_refresh(struct token_session *t, struct p11_err *err)
{
	return refresh(t, false, err);
}

/* Open a session for each lane; none stays when one fails. */
static bool
open_all(struct token_session *t,
    CK_SESSION_HANDLE fresh[static TOKEN_SIGN_THREADS_MAX],
    struct p11_err *err)
{
	for (unsigned i = 0; i < t->lanes; i++) {
		if (slot_open_session(t->module, t->slot.id, &fresh[i], err))
			continue;
		while (i-- > 0)
			t->module->C_CloseSession(fresh[i]);
		return false;
	}
	return true;
}

static bool
lanes_have(const struct token_session *t,
    const CK_SESSION_HANDLE sessions[static TOKEN_SIGN_THREADS_MAX],
    CK_SESSION_HANDLE h)
{
	for (unsigned i = 0; i < t->lanes; i++)
		if (sessions[i] == h)
			return true;
	return false;
}

/* First the new ones: closing the last session would log out. */
static bool
replace_all(struct token_session *t, struct p11_err *err)
{
	CK_SESSION_HANDLE fresh[TOKEN_SIGN_THREADS_MAX];
	bool opened = open_all(t, fresh, err);

	/* What was lost may have left its number to a new one. */
	for (unsigned i = 0; i < t->lanes; i++)
		if (!opened || !lanes_have(t, fresh, t->sessions[i]))
			t->module->C_CloseSession(t->sessions[i]);
	/* Unless there was no room for both. */
	if (!opened && !open_all(t, fresh, err))
		return false;
	memcpy(t->sessions, fresh, sizeof(fresh[0]) * t->lanes);
	return true;
}

/* What the module says of a login; false also when it says nothing. */
static bool
login_is(const struct token_session *t, bool there)
{
	CK_SESSION_INFO info = {0};

	if (t->module->C_GetSessionInfo(t->sessions[0], &info) != CKR_OK)
		return false;
	return there == (info.state == CKS_RO_USER_FUNCTIONS ||
	    info.state == CKS_RW_USER_FUNCTIONS);
}

static size_t
private_keys(const struct token_keys *keys)
{
	size_t n = 0;

	for (size_t i = 0; i < keys->n; i++)
		n += (keys->items[i].flags & KEY_HAS_PRIVATE) != 0;
	return n;
}

bool
token_session_again(struct token_session *t, struct p11_err *err)
{
	static const struct slots_tried none;
	const struct slot before = t->slot;
	struct wire_start want = *t->want;
	size_t n = private_keys(&t->keys);

	want.token = slot_token_id(&before);
	want.place = before.place;
	t->renewals++;
	if (!slot_find(t->module, &want, &none, &t->slot, err) ||
	    !replace_all(t, err))
		return false;
	if (t->logged_in && login_is(t, false))
		t->logged_in = false;
	if (!token_session_refresh(t, err))
		return false;
	if (!has_its_keys(t))
		return p11_err_set(err, "", CKR_TOKEN_NOT_PRESENT,
		    "another token that looks like it is in its slot");
	/* Whatever it says, it shows less than to one who is logged in. */
	if (!t->logged_in || private_keys(&t->keys) >= n)
		return true;
	t->logged_in = false;
	return token_session_refresh(t, err);
}

static uint32_t
with_login(const struct token_session *t, uint32_t flags)
{
	return t->logged_in ? flags | TOKEN_LOGGED_IN : flags;
}

uint32_t
token_session_flags(const struct token_session *t, enum wire_outcome outcome)
{
	struct slot now = t->slot;

	if (outcome != WIRE_LOST &&
	    t->module->C_GetTokenInfo(now.id, &now.token) != CKR_OK)
		now = t->slot;
	return with_login(t, slot_token_flags(&now));
}

bool
token_session_needs_login(const struct token_session *t)
{
	return (t->slot.token.flags & CKF_LOGIN_REQUIRED) != 0 &&
	    !t->logged_in;
}

/*
 * Is the same token still there, and our session? Its flags are read anew;
 * the slot first, as a module may see only then that the card is new.
 */
static bool
still_there(struct token_session *t)
{
	struct p11_err ignored;
	CK_SESSION_INFO info;
	struct slot now;

	if (!slot_read(t->module, t->slot.id, &now, &ignored) ||
	    !slot_same_token(&now, &t->slot) ||
	    p11_rv_outcome(t->module->C_GetSessionInfo(t->sessions[0],
	    &info)) == WIRE_LOST)
		return false;
	now.place = t->slot.place;
	t->slot = now;
	return true;
}

enum wire_outcome
token_session_pin_check(struct token_session *t, const struct token_pin *pin,
    struct p11_err *err)
{
	const CK_TOKEN_INFO *info = &t->slot.token;

	if (!still_there(t) && !token_session_again(t, err))
		return WIRE_LOST;
	/* C_Login would tell nothing of this PIN. */
	if (t->was_logged_in && !t->logged_in && login_is(t, true)) {
		p11_err_set(err, "C_Login", CKR_USER_ALREADY_LOGGED_IN,
		    "the module believes in a login that its token forgot");
		return WIRE_LOST;
	}
	if ((info->flags & CKF_USER_PIN_LOCKED) != 0) {
		p11_err_set(err, "", CKR_PIN_LOCKED,
		    "the token says that its PIN is locked; it was not sent");
		return WIRE_PIN_LOCKED;
	}
	if (((info->flags & CKF_USER_PIN_FINAL_TRY) != 0 && !pin->told) ||
	    ((info->flags & CKF_USER_PIN_COUNT_LOW) != 0 && !pin->person)) {
		p11_err_set(err, "", CKR_PIN_INCORRECT,
		    "few tries are left; this PIN was not sent");
		return WIRE_PIN_HELD;
	}
	if (pin->pin.len == 0 &&
	    (info->flags & CKF_PROTECTED_AUTHENTICATION_PATH) == 0) {
		p11_err_set(err, "", CKR_PIN_LEN_RANGE,
		    "no PIN, and the reader has no pad of its own");
		return WIRE_ERROR;
	}
	return WIRE_OK;
}

static enum wire_outcome
login_outcome(const struct token_session *t, CK_RV rv)
{
	enum wire_outcome outcome = p11_rv_outcome(rv);

	/*
	 * Logged in already: by the module itself, in a process that had no
	 * login, unless its session says otherwise; by us, and this PIN was
	 * not tried; or the token forgot what its module still believes in.
	 */
	if (rv == CKR_USER_ALREADY_LOGGED_IN && !t->was_logged_in)
		return login_is(t, false) ? WIRE_LOST : WIRE_LOGGED_IN;
	if (rv == CKR_USER_ALREADY_LOGGED_IN)
		return t->logged_in ? WIRE_ERROR : WIRE_LOST;
	if (outcome == WIRE_KEY_UNUSABLE || outcome == WIRE_NEED_LOGIN)
		return WIRE_ERROR;
	return outcome;
}

enum wire_outcome
token_session_login(struct token_session *t, const struct token_pin *typed,
    bool *in_doubt, struct p11_err *err)
{
	uint8_t copy[SECRET_MAX_BYTES];
	enum wire_outcome outcome = token_session_pin_check(t, typed, err);
	struct bytes pin = typed->pin;
	CK_RV rv;

	*in_doubt = false;
	if (outcome != WIRE_OK)
		return outcome;
	if (pin.len > sizeof(copy)) {
		p11_err_set(err, "", CKR_PIN_LEN_RANGE, NULL);
		return WIRE_ERROR;
	}
	/* Modules take a PIN in memory that they might write to. */
	if (pin.len > 0)
		copy_bytewise(copy, pin.p, pin.len);
	rv = t->module->C_Login(t->sessions[0], CKU_USER,
	    pin.len == 0 ? NULL : copy, pin.len);
	wipe(copy, sizeof(copy));
	*in_doubt = rv != CKR_OK;
	outcome = login_outcome(t, rv);
	if (outcome != WIRE_OK && outcome != WIRE_LOGGED_IN) {
		p11_err_set(err, "C_Login", rv, NULL);
		return outcome;
	}
	t->logged_in = t->was_logged_in = true;
	if (refresh(t, true, err))
		return outcome;
	/* openCryptoki takes such a PIN, and nothing else before its change. */
	if (err->rv == CKR_PIN_EXPIRED)
		return WIRE_PIN_EXPIRED;
	/* It cannot be used: a fresh process has to find out why. */
	return WIRE_LOST;
}

bool
token_session_renew(struct token_session *t, unsigned lane,
    struct p11_err *err)
{
	CK_SESSION_HANDLE fresh;

	/* First the new one: closing the last session would log out. */
	if (!slot_open_session(t->module, t->slot.id, &fresh, err))
		return false;
	t->module->C_CloseSession(t->sessions[lane]);
	t->sessions[lane] = fresh;
	return true;
}

void
token_session_wire_put(struct buffer *b, const struct token_session *t)
{
	slot_wire_put(b, &t->slot, with_login(t, slot_token_flags(&t->slot)),
	    &t->keys);
}
