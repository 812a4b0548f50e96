/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One token that is served: its slot, its sessions, its login, its keys.
 * One session a lane, each used by one thread at a time; calls that change
 * the login or the keys must run with nothing else on the token.
 */
#ifndef P11_AGENT_PKCS11_TOKEN_SESSION_H
#define P11_AGENT_PKCS11_TOKEN_SESSION_H

#include "pkcs11/slot.h"

struct token_session {
	CK_FUNCTION_LIST *module; /* borrowed */
	const struct wire_start *want; /* which token; borrowed */
	struct progress *progress; /* borrowed */
	struct slot slot;
	struct token_keys keys; /* owned */
	CK_SESSION_HANDLE sessions[TOKEN_SIGN_THREADS_MAX];
	unsigned lanes; /* sessions in use, at least 1 */
	atomic_bool logged_in;
	bool was_logged_in; /* at any time in this process */
	unsigned renewals;  /* of all sessions, by token_session_again */
};

/*
 * Find the token that want names, open its sessions and read its keys: one
 * lane for a card, else at most `lanes`. Of two that are alike in all they say
 * of themselves, the one that has its keys. want and progress stay the
 * caller's. False with *err filled and nothing left open.
 */
bool token_session_open(struct token_session *t, CK_FUNCTION_LIST *module,
    const struct wire_start *want, unsigned lanes, struct progress *progress,
    struct p11_err *err);
void token_session_close(struct token_session *t);

/* Read the token and its keys anew; the old view stays when it fails. */
bool token_session_refresh(struct token_session *t, struct p11_err *err);

/*
 * enum token_flag, asked of the token now, or as last seen if that fails. A
 * token that is lost is not asked: the call might never come back.
 */
uint32_t token_session_flags(const struct token_session *t,
    enum wire_outcome outcome);

/*
 * After a loss, with nothing else running on the token: look for its slot
 * anew, open all sessions anew and read the keys anew. A login that survived
 * stays. False with *err filled: this process can do no more for it.
 */
bool token_session_again(struct token_session *t, struct p11_err *err);

/* A login is required and there was none. */
bool token_session_needs_login(const struct token_session *t);

/* A PIN that may be sent, and whose it is: see struct wire_login. */
struct token_pin {
	struct bytes pin; /* empty: typed on the reader's own pad */
	bool person;
	bool told;
};

/*
 * Look at the token's flags of this moment: a try that they forbid, and what
 * cannot be a login, is not WIRE_OK.
 */
enum wire_outcome token_session_pin_check(struct token_session *t,
    const struct token_pin *pin, struct p11_err *err);

/*
 * One C_Login(CKU_USER), never a second, and none that the token's flags of
 * this moment forbid (WIRE_PIN_HELD, WIRE_PIN_LOCKED), or that goes to another
 * token than the one that was opened. On WIRE_OK and WIRE_LOGGED_IN the token
 * and its keys were read anew. On WIRE_LOST *in_doubt says whether the PIN
 * was sent without being found right.
 */
enum wire_outcome token_session_login(struct token_session *t,
    const struct token_pin *pin, bool *in_doubt, struct p11_err *err);

/*
 * Give a lane a new session, to get rid of an operation that was begun in
 * the old one. The login stays. False with *err filled.
 */
bool token_session_renew(struct token_session *t, unsigned lane,
    struct p11_err *err);

/* WIRE_TOKEN. */
void token_session_wire_put(struct buffer *b, const struct token_session *t);

#endif
