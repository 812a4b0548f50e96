/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Real paths of modules that clients name. Each is looked up by a
 * p11-agent-config, as a file system may hang: LOOKUPS_MAX at a time, in the
 * order of the questions. Equal questions share one process, unless that runs
 * already: what it saw may be older than the question.
 */
#ifndef P11_AGENT_AGENT_LOOKUP_H
#define P11_AGENT_AGENT_LOOKUP_H

#include <sys/queue.h>

#include "agent/agent.h"

struct lookup;
struct lookups;

/* Someone who waits for a path; embedded in what waits. */
struct lookup_waiter {
	TAILQ_ENTRY(lookup_waiter) entry;
	struct lookup *lookup; /* NULL while it does not wait */
	/*
	 * Called once, from the loop. path is borrowed and valid when error
	 * is NULL; error is in words.
	 */
	void (*done)(void *arg, const char *path, const char *error);
	void *arg;
};

/* NULL when memory is out. */
struct lookups *lookups_new(struct agent *agent);

/* Nobody waits any more. NULL is fine. Returns NULL. */
struct lookups *lookups_free(struct lookups *all);

/* False when memory is out, or the path is too long for one. */
bool lookup_ask(struct lookups *all, const char *path,
    struct lookup_waiter *w);

/* Wait no longer, without a callback. */
void lookup_leave(struct lookup_waiter *w);

#endif
