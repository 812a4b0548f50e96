/* SPDX-License-Identifier: BSD-2-Clause */
/* One signature on its way: from a client, to a token's process, and back. */
#ifndef P11_AGENT_AGENT_SIGN_JOB_H
#define P11_AGENT_AGENT_SIGN_JOB_H

#include "agent/login.h"
#include "agent/taken.h"
#include "agent/token.h"

struct reply;

struct sign_job {
	TAILQ_ENTRY(sign_job) entry; /* of the process that has it */
	struct login_waiter waiter;  /* while it waits for a login */
	struct taken_waiter taken;   /* while another program has the token */
	struct token *token;
	struct reply *reply; /* NULL once the client has gone */
	pid_t client_pid;
	uint8_t ref[KEY_REF_BYTES];
	enum ssh_signature algorithm;
	size_t modulus_bytes;
	struct buffer data; /* a digest; for Ed25519 the message */
	uint32_t wire_id;   /* while a process has it */
	int64_t sent_ms;    /* to it; CLOCK_MONOTONIC */
	unsigned logins;    /* it has been sent to wait for */
	unsigned login_count; /* the token's, when it was sent */
	unsigned pins;	    /* it has been sent with */
	bool on_pad;	    /* a person types its PIN on the reader */
	bool in_process;
	/* The climb after a loss: each rung once. */
	bool renewed; /* with new sessions, inside its process */
	bool again;   /* by a fresh process */
	bool held;    /* until another one is done: see token->owner */
	/* Tokens that could not do it, as numbers: they may be gone. */
	uintptr_t tried[SIGN_MOVES_MAX];
	size_t n_tried;
};

/*
 * Sign `data` for a client; the reply is sent, now or later, whatever
 * happens. RSA needs a SHA-2 flag (RFC 9987 section 4.5.1).
 */
void sign_start(struct reply *r, struct token *t, const struct key *k,
    struct bytes data, uint32_t flags);

/* Nobody has the token's login now: the next one that waits for it may. */
void sign_held_next(struct token *t);

/* None of those that wait for it gets it. */
void sign_held_fail(struct token *t, const char *why);

/* The process that has it answered; the job is off its list. */
void sign_job_result(struct sign_job *job, const struct wire_sign_result *w);

/*
 * The process that had it is gone; the job is off its list. `lost`: not by
 * our will, so that a fresh process may do it, once; then each other token
 * that has the same key, one after the other.
 */
void sign_job_lost(struct sign_job *job, const char *why, bool lost);

#endif
