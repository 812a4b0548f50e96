/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What dies again and again (a process of a token, a scan of a module, a
 * helper that watches) rests before it is started anew, longer each time.
 */
#ifndef P11_AGENT_AGENT_BACKOFF_H
#define P11_AGENT_AGENT_BACKOFF_H

#include <stdint.h>

/* All zero: nothing has died. */
struct backoff {
	unsigned deaths; /* in a row */
	int64_t until_ms; /* of clock_life_ms: a sleep is a rest */
};

void backoff_died(struct backoff *b);

/* A death with a rest from the first one on. */
void backoff_died_resting(struct backoff *b);

/*
 * The same for what is started anew by itself: after so many seconds, which
 * are never 0, as it may die as soon as it has done what it should.
 */
int64_t backoff_restart_sec(struct backoff *b);

/* It does what it should. */
void backoff_over(struct backoff *b);

/* Something has changed: it may try at once, but the count goes on. */
void backoff_wake(struct backoff *b);

/* How long it still rests; 0: it does not. */
int64_t backoff_rest_ms(const struct backoff *b);

/* The same in whole seconds, rounded up. */
int64_t backoff_rest_sec(const struct backoff *b);

#endif
