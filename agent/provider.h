/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A provider (one PKCS#11 module of the config) and its scan: a short-lived
 * process that reports every token with its public objects.
 */
#ifndef P11_AGENT_AGENT_PROVIDER_H
#define P11_AGENT_AGENT_PROVIDER_H

#include <sys/queue.h>

#include <event2/event_struct.h>

#include "agent/agent.h"
#include "agent/backoff.h"
#include "agent/left-out.h"
#include "pkcs11/wire.h"

struct config_provider;
struct scan;
struct watcher;

enum provider_state {
	PROVIDER_IDLE, /* never scanned */
	PROVIDER_SCANNING,
	PROVIDER_READY,
	PROVIDER_FAILED,
};

enum provider_source {
	PROVIDER_FILE, /* its section names a file */
	PROVIDER_NAME, /* its section names what p11-kit may have registered */
	/* Without any section: p11-kit has registered it. */
	PROVIDER_REGISTERED,
	/* Stands for those while they are not known; see registry.h. */
	PROVIDER_PLACEHOLDER,
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
	char *init_args;   /* of its section, or NULL; owned */
	enum provider_source source;
	/* PROVIDER_NAME: what p11-kit says, once it was asked. */
	bool named;	   /* it was asked */
	bool awaits_name;  /* a scan begins when it has answered */
	char *file;	   /* NULL: it has no such name; owned */
	char *file_args;   /* x-init-reserved, or NULL; owned */
	/* p11-kit's command in place of a file, "|COMMAND"; or NULL; owned. */
	char *remote;
	char *unknown;	   /* the words for when there is no file either; owned */
	char **env;	   /* NAME=VALUE; borrowed from the config; or NULL */
	char *real_path;   /* of the module, once a scan loaded it; owned */
	char *description; /* what the module says of itself; owned */
	bool pcsc;	   /* it uses PC/SC, as a scan found */
	char *error;	   /* why the last scan failed; owned */
	enum provider_state state;
	bool settled; /* scanned, or given up on, once */
	bool again;   /* once more when the scan under way has ended */
	struct scan *scan; /* while one is under way; owned */
	struct backoff backoff; /* scans that crashed or hung */
	struct left_out left_out; /* slots where they did */
	size_t n_dropped; /* tokens that the last scan found, but too many */
	struct event retry;	/* of such a scan */
	struct watcher *watcher; /* while it needs one; owned */
	TAILQ_HEAD(scan_waiters, scan_waiter) waiters;
};

/* Appended to agent->providers. NULL when memory is out. */
struct provider *provider_new(struct agent *agent,
    const struct config_provider *section);

/* With all its tokens. NULL is fine. Returns NULL. */
struct provider *provider_free(struct provider *p);

/*
 * Start a scan, or join the one under way. `done` is called when it ends,
 * maybe before this returns; w may be NULL.
 */
void provider_scan(struct provider *p, struct scan_waiter *w);

/* What was seen may be old: scan, also if a scan is under way. */
void provider_scan_again(struct provider *p);

/*
 * A card has left: a scan under way may wait for it for ever, or show it. It
 * is begun anew, after LEAVE_SEC if need be.
 */
void provider_hurry(struct provider *p);

/* Something has changed: a scan need leave out no slot. */
void provider_leave_none_out(struct provider *p);

/* A scan is under way, or follows the one that has just ended. */
bool provider_is_scanning(const struct provider *p);

/* In how many seconds a scan that died is tried again; -1: not by itself. */
int64_t provider_retry_sec(const struct provider *p);

/* Wait no longer, without a callback. */
void scan_leave(struct scan_waiter *w);

/*
 * The module's real path once it is known, so that it stays the same one; or
 * what p11-kit runs for it.
 */
const char *provider_module(const struct provider *p);

/* What C_Initialize gets; NULL where there is nothing. */
const char *provider_init_args(const struct provider *p);

/* The module that its processes load, and how; the rest is the caller's. */
struct wire_start provider_start_of(const struct provider *p,
    enum wire_role role);

/* Its name stands for another module now: no scan, no tokens of the old one. */
void provider_forget_module(struct provider *p);

/* A scan is over without its tokens; tells those who wait. */
void provider_give_up(struct provider *p, const char *why);

/* The scans that the placeholder stands for are over: the same. */
void provider_ready(struct provider *p);

/*
 * Add a token's reader to those that a process must leave alone, unless that
 * would hide the reader of `own` (may be NULL) as well.
 */
void provider_ignore(struct wire_start *start, const struct token_id *other,
    const struct token_id *own);

#endif
