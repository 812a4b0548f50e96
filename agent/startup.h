/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first moments after a start, and after a card was put in: requests wait
 * for the scans, at most `start-wait`, instead of getting an empty list, or
 * the word of the first module where another one is to serve the card.
 */
#ifndef P11_AGENT_AGENT_STARTUP_H
#define P11_AGENT_AGENT_STARTUP_H

#include "agent/agent.h"
#include "common/bytes.h"

struct reply;
struct startup;

struct startup *startup_new(struct agent *agent);

/* Requests that still wait get FAILURE. Returns NULL. */
struct startup *startup_free(struct startup *s);

/* First scans have been started: count the time from now. */
void startup_begin(struct agent *agent, uint32_t wait_ms);

/* A card was put in, and scans look at it. */
void startup_inserted(struct agent *agent);

/* Is there something worth waiting for? */
bool startup_pending(const struct agent *agent);

/* Dispatch the message (copied) again when it is over. */
void startup_wait(struct reply *r, struct bytes message);

/*
 * Call then(agent) when it is over, now if it is: instead of what an earlier
 * call asked for.
 */
void startup_then(struct agent *agent, void (*then)(struct agent *agent));

/* A scan has ended: go on if it was the last one. */
void startup_check(struct agent *agent);

#endif
