/* SPDX-License-Identifier: BSD-2-Clause */
/* Signing: which key, with which mechanism, over which bytes. */
#include "pkcs11/sign.h"

#include "common/wipe.h"

enum {
	SHA256_BYTES = 32,
	SHA512_BYTES = 64,
	/* A DigestInfo of RFC 8017 section 9.2, without the digest. */
	DIGEST_INFO_HEAD_BYTES = 19,
};

static const uint8_t sha256_head[DIGEST_INFO_HEAD_BYTES] = {
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
    0x04, 0x02, 0x01, 0x05, 0x00, 0x04, SHA256_BYTES};
static const uint8_t sha512_head[DIGEST_INFO_HEAD_BYTES] = {
    0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
    0x04, 0x02, 0x03, 0x05, 0x00, 0x04, SHA512_BYTES};

static CK_MECHANISM_TYPE
mechanism_of(enum sign_algorithm algorithm)
{
	switch (algorithm) {
	case SIGN_RSA_SHA256:
	case SIGN_RSA_SHA512:
		return CKM_RSA_PKCS;
	case SIGN_ECDSA:
		return CKM_ECDSA;
	case SIGN_ED25519:
		return CKM_EDDSA;
	}
	return CK_UNAVAILABLE_INFORMATION;
}

/* What C_Sign gets. */
struct to_sign {
	uint8_t digest_info[DIGEST_INFO_HEAD_BYTES + SHA512_BYTES];
	uint8_t *p;
	size_t len;
};

static bool
digest_info(const uint8_t head[static DIGEST_INFO_HEAD_BYTES],
    const struct sign_request *r, struct to_sign *ret)
{
	if (r->data_len != head[DIGEST_INFO_HEAD_BYTES - 1])
		return false;
	memcpy(ret->digest_info, head, DIGEST_INFO_HEAD_BYTES);
	memcpy(ret->digest_info + DIGEST_INFO_HEAD_BYTES, r->data,
	    r->data_len);
	ret->p = ret->digest_info;
	ret->len = DIGEST_INFO_HEAD_BYTES + r->data_len;
	return true;
}

/* False when algorithm, key and data do not fit together. */
static bool
to_sign_fill(const struct sign_request *r, enum key_kind kind,
    struct to_sign *ret)
{
	ret->p = r->data;
	ret->len = r->data_len;
	switch (r->algorithm) {
	case SIGN_RSA_SHA256:
		return kind == KEY_RSA && digest_info(sha256_head, r, ret);
	case SIGN_RSA_SHA512:
		return kind == KEY_RSA && digest_info(sha512_head, r, ret);
	case SIGN_ECDSA:
		return (kind == KEY_EC_P256 || kind == KEY_EC_P384 ||
		    kind == KEY_EC_P521) && r->data_len >= SHA256_BYTES &&
		    r->data_len <= SHA512_BYTES;
	case SIGN_ED25519:
		return kind == KEY_ED25519;
	}
	return false;
}

/* May the private keys of both be mixed up? Only CKA_ID tells whose is whose. */
static bool
keys_are_rivals(const struct token_key *a, const struct token_key *b)
{
	return a != b && a->unproven && b->unproven &&
	    (b->flags & KEY_HAS_PRIVATE) != 0 &&
	    a->value.key.kind == b->value.key.kind &&
	    bytes_equal(buffer_bytes(&a->id), buffer_bytes(&b->id));
}

static bool
key_has_rival(const struct token_session *t, const struct token_key *k)
{
	for (size_t i = 0; k->unproven && i < t->keys.n; i++)
		if (keys_are_rivals(k, &t->keys.items[i]))
			return true;
	return false;
}

bool
token_sign_exclusive(const struct token_session *t,
    const uint8_t ref[static KEY_REF_BYTES])
{
	const struct token_key *k = token_keys_find(&t->keys, ref);

	return k == NULL || key_has_rival(t, k) || (k->flags & KEY_HAS_PRIVATE) == 0 ||
	    (k->flags & KEY_ALWAYS_AUTHENTICATE) != 0;
}

static enum wire_outcome
refuse(enum wire_outcome outcome, struct p11_err *err, const char *text)
{
	p11_err_set(err, "", CKR_OK, "%s", text);
	return outcome;
}

/*
 * The key, if its private half is at hand; looked for once more on the token
 * if it is not, unless a login could show it.
 */
static enum wire_outcome
find_key(struct token_session *t, const struct sign_request *r,
    struct token_key **ret, struct p11_err *err)
{
	struct token_key *k = token_keys_find(&t->keys, r->ref);

	/* What the public object itself rules out, no login can mend. */
	if (k != NULL && k->reason[0] != '\0' && (k->value.key.kind ==
	    KEY_OTHER || token_session_needs_login(t)))
		return refuse(WIRE_KEY_UNUSABLE, err, k->reason);
	if (k == NULL || (k->flags & KEY_HAS_PRIVATE) == 0) {
		if (token_session_needs_login(t))
			return refuse(WIRE_NEED_LOGIN, err, "");
		if (!token_session_refresh(t, err))
			return WIRE_LOST;
		k = token_keys_find(&t->keys, r->ref);
	}
	if (k == NULL)
		return refuse(WIRE_KEY_UNUSABLE, err,
		    "the token does not show this key any more");
	if (k->reason[0] != '\0')
		return refuse(WIRE_KEY_UNUSABLE, err, k->reason);
	if ((k->flags & KEY_NO_LOGIN) == 0 && token_session_needs_login(t))
		return refuse(WIRE_NEED_LOGIN, err, "");
	*ret = k;
	return WIRE_OK;
}

/* A CK_RV of a call for this signature. */
static enum wire_outcome
sign_failed(struct token_session *t, const char *call, CK_RV rv,
    struct p11_err *err)
{
	enum wire_outcome outcome = p11_rv_outcome(rv);

	p11_err_set(err, call, rv, NULL);
	if (outcome == WIRE_NEED_LOGIN)
		t->logged_in = false;
	return outcome;
}

/* The login of CKA_ALWAYS_AUTHENTICATE, between C_SignInit and C_Sign. */
static enum wire_outcome
context_login(struct token_session *t, unsigned lane, struct bytes pin,
    enum wire_pin *ret, struct p11_err *err)
{
	uint8_t copy[SECRET_MAX_BYTES];
	enum wire_outcome outcome;
	struct p11_err ignored;
	CK_RV rv;

	if (pin.len > sizeof(copy))
		return refuse(WIRE_ERROR, err, "the PIN is too long");
	if (pin.len > 0)
		copy_bytewise(copy, pin.p, pin.len);
	rv = t->module->C_Login(t->sessions[lane], CKU_CONTEXT_SPECIFIC,
	    pin.len == 0 ? NULL : copy, pin.len);
	wipe(copy, sizeof(copy));
	/* Without a look at the PIN: the key does not want it after all. */
	if (rv == CKR_USER_ALREADY_LOGGED_IN)
		return WIRE_OK;
	*ret = rv == CKR_OK ? WIRE_PIN_GOOD : WIRE_PIN_TRIED;
	if (rv == CKR_OK)
		return WIRE_OK;
	outcome = sign_failed(t, "C_Login", rv, err);
	/* So OpenSC says that the user's own login is gone. */
	if (rv == CKR_OPERATION_NOT_INITIALIZED) {
		t->logged_in = false;
		outcome = WIRE_NEED_LOGIN;
	}
	/* The signature that was begun must not be in the next one's way. */
	if (outcome != WIRE_LOST)
		token_session_renew(t, lane, &ignored);
	return outcome;
}

static bool
length_fits(const struct public_key *key, size_t len)
{
	size_t full = public_key_signature_bytes(key);

	if (key->kind == KEY_RSA || key->kind == KEY_ED25519)
		return len == full;
	return len > 0 && len <= full && len % 2 == 0;
}

static bool
signature_fits(const struct token_key *k, const struct sign_request *r,
    const struct signature *s)
{
	return public_key_verify(&k->value.key, r->algorithm,
	    bytes_of(r->data, r->data_len), bytes_of(s->bytes, s->len));
}

static CK_RV
sign_init(struct token_session *t, unsigned lane, CK_MECHANISM *mechanism,
    CK_OBJECT_HANDLE key)
{
	struct p11_err ignored;
	CK_RV rv = t->module->C_SignInit(t->sessions[lane], mechanism, key);

	/* A failed C_Sign should have ended its operation; not in all. */
	if (rv != CKR_OPERATION_ACTIVE ||
	    !token_session_renew(t, lane, &ignored))
		return rv;
	return t->module->C_SignInit(t->sessions[lane], mechanism, key);
}

static enum wire_outcome
sign_with(struct token_session *t, unsigned lane, struct token_key *k,
    struct sign_request *r, struct signature *ret, struct p11_err *err)
{
	CK_MECHANISM mechanism = {.mechanism = mechanism_of(r->algorithm)};
	enum wire_outcome outcome;
	struct to_sign data;
	CK_ULONG len = sizeof(ret->bytes);
	CK_RV rv;

	if (!to_sign_fill(r, k->value.key.kind, &data))
		return refuse(WIRE_ERROR, err,
		    "the algorithm does not fit the key");
	rv = sign_init(t, lane, &mechanism, k->private_key);
	if (rv != CKR_OK)
		return sign_failed(t, "C_SignInit", rv, err);
	if ((k->flags & KEY_ALWAYS_AUTHENTICATE) != 0) {
		outcome = context_login(t, lane, r->pin.pin, &ret->pin, err);
		if (outcome != WIRE_OK)
			return outcome;
	}
	rv = t->module->C_Sign(t->sessions[lane], data.p, data.len,
	    ret->bytes, &len);
	if (rv != CKR_OK)
		return sign_failed(t, "C_Sign", rv, err);
	ret->len = len;
	if (length_fits(&k->value.key, len))
		return WIRE_OK;
	p11_err_set(err, "C_Sign", CKR_OK,
	    "the token's signature has a wrong length, %lu bytes", len);
	return WIRE_ERROR;
}

static void
swap_private_keys(struct token_key *a, struct token_key *b)
{
	CK_OBJECT_HANDLE handle = a->private_key;

	a->private_key = b->private_key;
	b->private_key = handle;
}

/*
 * The signature is not by this key. Where nothing but CKA_ID gave it its
 * private key, that is another's, and one of those with the same CKA_ID may
 * have the right one.
 */
static enum wire_outcome
sign_as_rivals(struct token_session *t, unsigned lane, struct token_key *k,
    struct sign_request *r, struct signature *ret, struct p11_err *err)
{
	for (size_t i = 0; i < t->keys.n; i++) {
		struct token_key *rival = &t->keys.items[i];
		enum wire_outcome outcome;

		if (!keys_are_rivals(k, rival))
			continue;
		swap_private_keys(k, rival);
		outcome = sign_with(t, lane, k, r, ret, err);
		if (outcome != WIRE_OK || signature_fits(k, r, ret))
			return outcome;
		swap_private_keys(k, rival);
	}
	if (k->unproven && !k->has_signed)
		return refuse(WIRE_KEY_UNUSABLE, err,
		    "its private key does not fit its public key");
	/* It did before: whatever the module mixed up, a new start may mend. */
	p11_err_set(err, "C_Sign", CKR_OK,
	    "the signature is wrong, and was not handed on");
	return WIRE_LOST;
}

/*
 * A card is slow anyway, others may come in between on it, and a fault in its
 * RSA would give away the key (Boneh, DeMillo, Lipton 1997). Software signs
 * with elliptic curves faster than they are checked.
 */
static bool
is_checked(const struct token_session *t, const struct token_key *k)
{
	return k->unproven || slot_is_card(&t->slot);
}

/* A key that is not proven yet is by its first signature. */
static enum wire_outcome
sign_proven(struct token_session *t, unsigned lane, struct token_key *k,
    struct sign_request *r, struct signature *ret, struct p11_err *err)
{
	enum wire_outcome outcome = sign_with(t, lane, k, r, ret, err);

	if (outcome != WIRE_OK || !is_checked(t, k))
		return outcome;
	if (!signature_fits(k, r, ret))
		outcome = sign_as_rivals(t, lane, k, r, ret, err);
	if (outcome == WIRE_OK) {
		k->unproven = false;
		k->has_signed = true;
	}
	return outcome;
}

enum wire_outcome
token_sign(struct token_session *t, unsigned lane,
    struct sign_request *request, struct signature *ret, struct p11_err *err)
{
	struct token_key *k;
	enum wire_outcome outcome = find_key(t, request, &k, err);

	ret->pin = WIRE_PIN_UNSEEN;
	if (outcome != WIRE_OK)
		return outcome;
	if ((k->flags & KEY_ALWAYS_AUTHENTICATE) != 0) {
		if (!request->login)
			return refuse(WIRE_NEED_CONTEXT, err,
			    "this key wants its PIN for each signature");
		outcome = token_session_pin_check(t, &request->pin, err);
		/* It may have read the keys anew. */
		if (outcome == WIRE_OK)
			outcome = find_key(t, request, &k, err);
		if (outcome != WIRE_OK)
			return outcome;
	}
	return sign_proven(t, lane, k, request, ret, err);
}
