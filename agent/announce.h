/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the service manager is told of the daemon: whether it serves, and in
 * one line its tokens, its identities and the last error.
 */
#ifndef P11_AGENT_AGENT_ANNOUNCE_H
#define P11_AGENT_AGENT_ANNOUNCE_H

#include "agent/agent.h"

struct announcer;

/* Takes the manager's address over; NULL when memory is out. */
struct announcer *announcer_new(struct agent *agent);

/* NULL is fine. Returns NULL. */
struct announcer *announcer_free(struct announcer *n);

/* From now on connections are served. */
void announce_ready(struct agent *agent);

/* No more from now on. */
void announce_stopping(struct agent *agent);

/* Something that is told may have changed: tell it once the loop is back. */
void announce_change(struct agent *agent);

/* The same at once, for where there is no loop. */
void announce_now(struct agent *agent);

/* What went wrong last, until the next; whose name, or NULL. Copied. */
void announce_error(struct agent *agent, const char *name, const char *text);

#endif
