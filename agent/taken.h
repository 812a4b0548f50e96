/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A token whose card another program holds for itself. Its module says no
 * more than that the token is not there, so it is p11-agent-readers that
 * tells; the token's keys stay listed meanwhile, and who needs it waits a
 * little for the other program to let go.
 */
#ifndef P11_AGENT_AGENT_TAKEN_H
#define P11_AGENT_AGENT_TAKEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct taken;
struct token;

/* The state's name, for people. */
#define TAKEN_WORDS "in use by another program"

enum taken_answer {
	TAKEN_NOT,   /* it was not that: it is lost for another reason */
	TAKEN_FREE,  /* the other program has let go of it */
	TAKEN_STILL, /* it has not, in TAKEN_WAIT_SEC; see taken_words */
};

/* Somebody who waits; embedded in what waits. */
struct taken_waiter {
	TAILQ_ENTRY(taken_waiter) entry;
	struct taken *taken; /* NULL while it does not wait */
	unsigned round;	     /* of those who wait, when it joined */
	int64_t until_ms;    /* set when it waits for the first time */
	void (*done)(void *arg, enum taken_answer answer);
	void *arg;
};

/* NULL when memory is out. */
struct taken *taken_new(struct token *t);

/* Tells those who wait TAKEN_NOT. NULL is fine. Returns NULL. */
struct taken *taken_free(struct taken *k);

/*
 * Its process, or a scan (`unseen`), did not find it. True: its card is
 * there, so p11-agent-readers looks who has it. If it is nobody, a scan
 * decides, or the token has left when that was a scan already.
 */
bool taken_suspect(struct taken *k, bool unseen);

/* Another program has it, as far as we know. */
bool taken_is(const struct taken *k);

/* That, or p11-agent-readers is looking. */
bool taken_in_doubt(const struct taken *k);

/* What to tell people who could not have it. */
const char *taken_words(const struct taken *k);

/* Wait until that is decided. `done` may be called before this returns. */
void taken_wait(struct taken *k, struct taken_waiter *w);

/* Wait no longer, without a callback. */
void taken_leave(struct taken_waiter *w);

/*
 * p11-agent-readers has looked: is its card held? `more` are words for a
 * person, or empty. May free the token.
 */
void taken_told(struct taken *k, bool held, const char *more);

/* It has left, or its process has found it: the answer for who waits. */
void taken_end(struct taken *k, enum taken_answer answer);

#endif
