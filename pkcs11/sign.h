/* SPDX-License-Identifier: BSD-2-Clause */
/* One signature by a token. */
#ifndef P11_AGENT_PKCS11_SIGN_H
#define P11_AGENT_PKCS11_SIGN_H

#include "pkcs11/token-session.h"

struct sign_request {
	uint8_t ref[KEY_REF_BYTES];
	enum sign_algorithm algorithm;
	uint8_t *data; /* as in wire_sign */
	size_t data_len;
	/* For a key that wants a login each time: may it be sent, and which. */
	bool login;
	struct token_pin pin;
};

struct signature {
	uint8_t bytes[WIRE_SIGNATURE_MAX_BYTES];
	size_t len;
	enum wire_pin pin; /* also when it failed */
};

/*
 * Must nothing else run on the token meanwhile? So it is with keys that want
 * a login for each signature (C_SignInit, C_Login, C_Sign: nothing may come
 * between), and when the token's keys may have to be read anew.
 */
bool token_sign_exclusive(const struct token_session *t,
    const uint8_t ref[static KEY_REF_BYTES]);

/*
 * Sign in a lane's session. On WIRE_OK *ret is a signature of the right
 * length, which verifies if it is a card's; else *err says where it ended. A
 * token that wants a login although there was one is not logged in any more.
 */
enum wire_outcome token_sign(struct token_session *t, unsigned lane,
    struct sign_request *request, struct signature *ret, struct p11_err *err);

#endif
