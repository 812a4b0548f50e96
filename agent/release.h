/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Letting go of a token, for other programs: when it was idle for the time
 * of its `release`, or by a person's order. A module that is merely loaded
 * may keep others out, so its process ends; the keys stay listed, and the
 * next signature starts another.
 */
#ifndef P11_AGENT_AGENT_RELEASE_H
#define P11_AGENT_AGENT_RELEASE_H

#include <stdbool.h>

struct release;
struct token;

enum release_answer {
	RELEASE_NOT_HELD, /* no process serves it */
	RELEASE_DONE,	  /* it ends; see release_is_ending */
	RELEASE_LATER,	  /* when it has answered what it owes */
};

/* NULL when memory is out. */
struct release *release_new(struct token *t);

/* Its token is off the agent's list: nobody waits for it any more. */
struct release *release_free(struct release *r);

/* Does its section say so? Then no process is started before it is needed. */
bool release_wanted(const struct token *t);

/* It has a process, or the config is another one: watch if that is idle. */
void release_watch(struct release *r);

/* It has answered something: an order may wait for that. */
void release_answered(struct release *r);

/* Its process is gone. */
void release_over(struct release *r);

/* By a person: now, or as soon as it owes nothing. */
enum release_answer release_order(struct release *r);

/* The process that was let go of has not ended yet. */
bool release_is_ending(const struct release *r);

#endif
