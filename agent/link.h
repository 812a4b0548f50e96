/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One of our own programs at work: a child process (agent/spawn.h) and the
 * framed connection to it, which end together. Its death is the exit report;
 * a connection that closes or carries nonsense gets the process killed.
 */
#ifndef P11_AGENT_AGENT_LINK_H
#define P11_AGENT_AGENT_LINK_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/buffer.h"

struct agent;
struct link;

struct link_spec {
	const char *program;	 /* "p11-agent-provider": see helper_path */
	const char *const *args; /* behind argv[0], NULL-terminated; or NULL */
	const char *const *env;	 /* NAME=VALUE added; or NULL */
	bool foreign;		 /* runs code of others: see agent/family.h */
	bool gentle;		 /* has a second to end: see child_kill */
	size_t in_max_bytes;	 /* of a frame from it */
	size_t out_max_bytes;	 /* of all that waits to be read by it */
};

struct link_events {
	/* One frame's body, borrowed. May call link_kill and link_forget. */
	void (*frame)(void *arg, struct bytes body);
	/*
	 * The process has ended and everything it said was handed over; `why`
	 * says how, in words. The link is freed when this returns.
	 */
	void (*ended)(void *arg, const char *why);
};

/* NULL with a log line when it cannot be started. `events` is borrowed. */
struct link *link_start(struct agent *agent, const struct link_spec *spec,
    const struct link_events *events, void *arg);

/* Append frames to link_out, then send them. */
struct buffer *link_out(struct link *l);
void link_flush(struct link *l);

pid_t link_pid(const struct link *l);

/*
 * End the process; `ended` comes later, with this `why` (a string
 * constant) if it was the first reason.
 */
void link_kill(struct link *l, const char *why);

/* The same without any further callback; NULL is fine. Returns NULL. */
struct link *link_forget(struct link *l);

/*
 * End the process; of `events` only `ended` is called, with `arg`,
 * in place of all that was to be called so far.
 */
void link_end(struct link *l, const struct link_events *events, void *arg);

/*
 * Hang up, and let the process end by itself when it notices. No callback;
 * NULL is fine. Returns NULL.
 */
struct link *link_release(struct link *l);

#endif
