/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the config, at start and again. A bad one never replaces a good. */
#ifndef P11_AGENT_AGENT_RELOAD_H
#define P11_AGENT_AGENT_RELOAD_H

#include <stdbool.h>
#include <sys/queue.h>

#include "agent/agent.h"

struct reload;

/* Someone who waits for the config that is being read. */
struct reload_waiter {
	TAILQ_ENTRY(reload_waiter) entry;
	struct reload *reload; /* NULL while it does not wait */
	unsigned round;	       /* which reading it waits for */
	/* error: NULL when the new config is in force; else in words. */
	void (*done)(void *arg, const char *error);
	void *arg;
};

/* file: the only config file, or NULL for the usual ones. Copied. */
struct reload *reload_new(struct agent *agent, const char *file);

/* Those who wait are told. NULL is fine. Returns NULL. */
struct reload *reload_free(struct reload *r);

/*
 * Read the config (once more when it is being read), and hand it to
 * agent_configure when it is good. `done` is called later, from the loop, or
 * at once when nothing can be started; w may be NULL.
 */
void reload_start(struct reload *r, struct reload_waiter *w);

/* Wait no longer, without a callback. */
void reload_leave(struct reload_waiter *w);

/* Is one being read? */
bool reload_under_way(const struct reload *r);

/* Why the last one was refused; NULL when it was not. */
const char *reload_error(const struct reload *r);

#endif
