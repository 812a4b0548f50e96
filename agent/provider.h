/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A provider (one PKCS#11 module of the config) and its scan: a short-lived
 * process that reports every token with its public objects.
 */
#ifndef P11_AGENT_AGENT_PROVIDER_H
#define P11_AGENT_AGENT_PROVIDER_H

#include <sys/queue.h>

#include "agent/agent.h"
#include "pkcs11/wire.h"

struct config_provider;
struct scan;

enum provider_state {
	PROVIDER_IDLE, /* never scanned */
	PROVIDER_SCANNING,
	PROVIDER_READY,
	PROVIDER_FAILED,
};

/* Someone who waits for the end of a scan; embedded in what waits. */
struct scan_waiter {
	TAILQ_ENTRY(scan_waiter) entry;
	struct provider *provider; /* NULL while it does not wait */
	void (*done)(void *arg);   /* see provider->state */
	void *arg;
};

struct provider {
	TAILQ_ENTRY(provider) entry;
	struct agent *agent;
	char *name;	   /* of its section; owned */
	char *module;	   /* as the config names it; owned */
	char *init_args;   /* or NULL; owned */
	char **env;	   /* NAME=VALUE; borrowed from the config; or NULL */
	char *real_path;   /* of the module, once a scan loaded it; owned */
	char *description; /* what the module says of itself; owned */
	char *error;	   /* why the last scan failed; owned */
	enum provider_state state;
	bool settled; /* scanned, or given up on, once */
	struct scan *scan; /* while one is under way; owned */
	TAILQ_HEAD(scan_waiters, scan_waiter) waiters;
};

/* Appended to agent->providers. NULL when memory is out. */
struct provider *provider_new(struct agent *agent,
    const struct config_provider *section);

/* Does the section say the same of it? Then keep it for that section. */
bool provider_is(const struct provider *p,
    const struct config_provider *section);
void provider_keep(struct provider *p, const struct config_provider *section);

/* With all its tokens. NULL is fine. Returns NULL. */
struct provider *provider_free(struct provider *p);

/*
 * Start a scan, or join the one under way. `done` is called when it ends,
 * maybe before this returns; w may be NULL.
 */
void provider_scan(struct provider *p, struct scan_waiter *w);

/* Wait no longer, without a callback. */
void scan_leave(struct scan_waiter *w);

/* The module's real path once it is known, so that it stays the same one. */
const char *provider_module(const struct provider *p);

/*
 * Add a token's reader to those that a process must leave alone, unless that
 * would hide the reader of `own` (may be NULL) as well.
 */
void provider_ignore(struct wire_start *start, const struct token_id *other,
    const struct token_id *own);

#endif
