/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the login: its state, and what its three sources share. */
#ifndef P11_AGENT_AGENT_LOGIN_STATE_H
#define P11_AGENT_AGENT_LOGIN_STATE_H

#include <time.h>

#include "agent/clock.h"
#include "agent/events.h"
#include "agent/kept-pin.h"
#include "agent/login.h"
#include "agent/pin-memory.h"
#include "agent/prompter.h"
#include "agent/taken.h"
#include "agent/token.h"

enum login_state {
	LOGIN_IDLE,
	LOGIN_ASKING, /* a prompt is open */
	LOGIN_STORING, /* a PIN is at hand; its try is being stored */
	LOGIN_TRYING, /* a C_Login is under way */
};

enum pin_origin {
	PIN_FROM_PERSON,
	PIN_UNATTENDED,	 /* a source, or a cache, without a person */
	PIN_FROM_CLIENT, /* ssh-add -s */
	PIN_FROM_TTY,	 /* p11-agentctl unlock */
	PIN_FROM_PAD,	 /* the reader's own */
	PIN_KEPT,	 /* proven before, by keep-pin */
};

struct login {
	struct token *token;
	enum login_state state;
	TAILQ_HEAD(, login_waiter) waiters;
	unsigned round;		    /* of waiters: see login_finish */
	bool telling;		    /* login_finish is at it */
	bool sharing;		    /* and a PIN was proven just now */
	bool stepping;		    /* login_context_next is at it */
	/* Those that want the PIN for their signature, and who has it. */
	TAILQ_HEAD(, login_waiter) contexts;
	struct login_waiter *signing;
	struct secret *proven; /* what its members may still use; or NULL */
	unsigned members;      /* that are not over yet */
	struct login_waiter *offer; /* who brought the PIN being tried */
	struct taken_waiter taken;  /* with `pin`, for the token to be free */
	struct prompter *prompter;
	enum pin_origin origin;
	struct secret *pin;	/* being tried */
	bool pending;		/* and its record counts that */
	struct pin_waiter storing; /* until the file does, too */
	struct kept_pin *kept;	/* keep-pin; owned */
	struct life_timer expiry; /* the end of a login: login = "8h" */
	struct pin_record *record; /* of its tries; the agent's */
	struct notice *notice;	/* the reader's pad waits for a person */
	bool told;		/* the person, that it may be the last try */
	bool again;		/* a fresh process has the PIN, after a loss */
	unsigned rounds;	/* prompts in this request */
	unsigned count;		/* good logins */
	time_t pause_until;
	pid_t client_pid;
	char purpose[256];
	uint8_t purpose_key[KEY_REF_BYTES]; /* that it names */
	uint8_t named_key[KEY_REF_BYTES];   /* by the last prompt */
	char warning[256];
};

extern const char LOGIN_PIN_LOCKED[], LOGIN_LAST_TRY[];

/* Tell those who watch. */
void login_event(const struct login *l, enum event_kind kind,
    const char *text);

/* In seconds, by the clock that goes on while the machine sleeps. */
time_t login_now(void);

/* enum token_flag of its token; those of the PIN as all its modules know. */
uint32_t login_flags(const struct login *l);

/* Few tries are left, by the token's flags or by our own count. */
bool login_count_low(const struct login *l);

/* What needs no person has had its try, until a good PIN. */
void login_persons_only(struct login *l);

/* Only a person's PIN may be sent, unless it is proven. */
bool login_wants_person(const struct login *l);

/* Why ssh-add -s may not try now; or NULL. */
const char *login_offer_fault(const struct login *l);

/* The try at hand, if it has not ended before, ended so. */
void login_end_try(struct login *l, enum pin_end end);

void login_join(struct login *l, struct login_waiter *w);

/* Nobody waits, for the login or for a signature's. */
bool login_is_alone(const struct login *l);

/* Set what the prompt says; of no use while one is open. */
void login_set_purpose(struct login *l, const struct login_waiter *w,
    pid_t client_pid, const char *purpose);

/* Get a PIN from where one may come, for one who waits. */
void login_begin(struct login *l, struct login_waiter *w);

/* Take one off the list and tell it. */
void login_tell(struct login *l, struct login_waiter *w, const char *why);

/* Tell everybody who waits by now; why is NULL when they may go on. */
void login_finish(struct login *l, const char *why);

/*
 * Send a PIN (NULL: the reader's pad) to the token, when the file has it as a
 * try that may be wrong; takes it over. A proven one is sent at once.
 */
void login_try(struct login *l, struct secret *pin, enum pin_origin origin);

/* Set up what login_try waits for. */
void login_try_init(struct login *l);

/* Send l->pin to the token's process. False when that cannot be. */
bool login_send(struct login *l);

/*
 * The token was lost before the login was sure. A PIN that was not sent, or
 * is right, goes to a fresh process, once; in place of a kept one that was
 * sent in vain a person may type it there.
 */
void login_climb(struct login *l, const char *why, bool in_doubt);

/* Send it with the signature that comes first. False when it cannot be. */
bool login_context_send(struct login *l, const struct login_pin *pin);

/* Go on with the signatures that wait, if nothing else is under way. */
void login_context_next(struct login *l);

/* The PIN at hand was right. */
void login_proven(struct login *l);

/* The proven PIN is for those who wait now, and may have it; w is one. */
void login_share_pin(struct login *l);
void login_enlist(struct login *l, struct login_waiter *w);

/* Whether it is right was not told: no program sends it another time. */
void login_doubt(struct login *l);

/*
 * C_Login, however it was called, did not say CKR_OK; in_doubt: but it was
 * called.
 */
void login_failed(struct login *l, enum wire_outcome outcome, bool in_doubt,
    const char *why);

/* The PIN at hand was not sent: a person may type it again, and is told. */
void login_held(struct login *l, const char *words, const char *warning);

/* Ask again in the same request, saying what was wrong with the answer. */
void login_prompt_again(struct login *l, const char *warning);

#endif
