/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Getting a token logged in (design section 9). Whoever needs the login
 * waits; one prompt, and one C_Login, serves all of them. A PIN that the
 * token refused is never sent again by itself.
 */
#ifndef P11_AGENT_AGENT_LOGIN_H
#define P11_AGENT_AGENT_LOGIN_H

#include <sys/queue.h>
#include <sys/types.h>

#include "common/bytes.h"
#include "common/secret.h"

struct login;
struct token;
struct wire_login_result;
struct wire_sign_result;

/* A PIN (NULL: the reader's own pad) on its way; see struct wire_login. */
struct login_pin {
	const struct secret *secret;
	bool person;
	bool told;
};

/* Someone who waits for the login; embedded in what waits. */
struct login_waiter {
	TAILQ_ENTRY(login_waiter) entry;
	struct login *login; /* NULL while it does not wait */
	unsigned round;	     /* of the login's waiters, when it joined */
	bool sent;	     /* a PIN was tried for it, and is not proven */
	bool context;	     /* it waits by login_context */
	bool member;	     /* it waited when a PIN was proven: see there */
	/* KEY_REF_BYTES of the key in its purpose, borrowed; or NULL. */
	const uint8_t *key;
	/* `why` is NULL when the token is logged in now. */
	void (*done)(void *arg, const char *why);
	/* For login_context: send the signature with this PIN. */
	bool (*sign)(void *arg, const struct login_pin *pin);
	void *arg;
};

struct login *login_new(struct token *t);

/* Tells everybody who waits that the token is gone. Returns NULL. */
struct login *login_free(struct login *l);

/*
 * Wait until a person has given the PIN. `done` may be called before this
 * returns. client_pid: whose display and terminal the prompt uses; purpose:
 * what the login is for, one line, for the prompt.
 */
void login_ask(struct login *l, struct login_waiter *w, pid_t client_pid,
    const char *purpose);

/*
 * Wait for the PIN of a key that wants it for each signature
 * (CKA_ALWAYS_AUTHENTICATE). `sign` is called with it, and login_signature
 * with what came of that; `done` with NULL means: ask again now. A PIN that
 * turned out right serves all who waited by then, until login_over was
 * called for each of them; but what a person typed into a prompt only those
 * whose key the prompt named.
 */
void login_context(struct login *l, struct login_waiter *w,
    pid_t client_pid, const char *purpose);

/* Has this one's signature a PIN with it? */
bool login_has_pin_at(const struct login *l, const struct login_waiter *w);

/*
 * The signature that had a PIN with it was answered. wanted: somebody still
 * waits for it. False when the answer was about the PIN: the waiter waits
 * again, or was told.
 */
bool login_signature(struct login *l, const struct wire_sign_result *r,
    bool wanted);

/* It will not be answered: the process is gone. */
void login_signature_lost(struct login *l);

/*
 * The token wants its PIN changed before it does anything: what we have of it
 * is of no use. The words for people, with the command; the caller's to free,
 * or NULL.
 */
char *login_pin_expired(struct login *l, const char *why);

/* This one's signature was made, or failed. */
void login_over(struct login *l, struct login_waiter *w);

/*
 * Try a PIN that a client brought (ssh-add -s), once; takes it over. Refused
 * with words on the last try, and while another PIN is being tried.
 */
void login_offer(struct login *l, struct login_waiter *w,
    struct secret **pin);

/*
 * Try the PIN that a person typed into p11-agentctl, who was told what
 * login_tries says; takes it over (NULL: the reader's own pad).
 */
void login_unlock(struct login *l, struct login_waiter *w,
    struct secret **pin);

/* Forget what we know of PINs; who waits for a login gets `why`. */
void login_forget(struct login *l, const char *why);

/*
 * The token left: nobody can wait for it. What we know of its PIN stays, or
 * (forget) is wiped.
 */
void login_token_left(struct login *l, const char *why, bool forget);

/* Is there anything to lose: a kept PIN, or wrong ones that were counted? */
bool login_remembers(const struct login *l);

/* Somebody waits for it, or for the PIN of a signature. */
bool login_is_waited_for(const struct login *l);

/* Both tokens have the same PIN, from now on: what is known counts for both. */
void login_share(struct login *l, struct login *other);
bool login_is_shared(const struct login *l, const struct login *other);

/* Wait no longer, without a callback; the last one closes the prompt. */
void login_leave(struct login_waiter *w);

/* The process answered the one WIRE_LOGIN that is under way. */
void login_result(struct login *l, const struct wire_login_result *w);

/* The config is another one. */
void login_reconfigured(struct login *l);

/* A signature was made, or failed: with login = "each" that was all. */
void login_signed(struct login *l);

/* How a process that had a PIN to try went. */
enum login_loss {
	LOGIN_ENDED,   /* by our will */
	LOGIN_STOPPED, /* the same, before it read a request */
	LOGIN_LOST,    /* it may have sent the PIN: that is not sent again */
	LOGIN_UNSENT,  /* before it read a request */
};

/*
 * The process is gone: a PIN that it was trying is dropped, or goes to a
 * fresh process, once; before that it may wait for another program to let go
 * of the token.
 */
void login_process_gone(struct login *l, const char *why,
    enum login_loss loss);

/*
 * How often the token was logged in by now: a request that was sent before
 * the last time, and came back for want of a login, may just be sent again.
 */
unsigned login_count(const struct login *l);

/* What is known of the tries left, in sentences; empty when nothing is. */
void login_tries(const struct login *l, char *out, size_t size);

/* A wrong PIN now may be the last one. */
bool login_final_try(const struct login *l);

/* "ok", "few tries left", "last try", "locked", for `status`. */
const char *login_pin_state(const struct login *l);

/* PINs since the last good one of which no answer said what they were. */
uint32_t login_pins_in_doubt(const struct login *l);

#endif
