/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection to the control socket, for the commands that answer it. */
#ifndef P11_AGENT_AGENT_CONTROL_CLIENT_H
#define P11_AGENT_AGENT_CONTROL_CLIENT_H

#include <event2/event_struct.h>
#include <jansson.h>

#include "agent/agent.h"
#include "agent/login.h"
#include "agent/provider.h"
#include "agent/readers.h"
#include "agent/reload.h"
#include "common/limits.h"
#include "proto/control.h"

/* It has at most one request under way, and waits for one of these. */
struct control_client {
	TAILQ_ENTRY(control_client) entry;
	struct agent *agent;
	struct stream *stream;
	pid_t pid;	/* of the process that connected */
	bool forwarded; /* which was ssh or sshd then */
	/* What waits for scans: a report, or the search for a token. */
	void (*scanned)(struct control_client *c);
	json_t *(*report)(const struct agent *agent);
	char *wanted; /* name of that token, or NULL; owned */
	struct event timeout;
	struct scan_waiter scans[PROVIDERS_MAX];
	struct readers_waiter readers;
	unsigned n_waiting;
	struct reload_waiter reload;
	struct login_waiter login;
	bool watches;	  /* each event is told to it */
	unsigned lost;	  /* events that it had no room for */
	json_t *released; /* owned; a release that waits for processes */
};

/* Each answers the request; the client is free for the next one. */
void control_answer(struct control_client *c, enum control_status status,
    const char *text);
/* Takes the document over; NULL says that memory is out. */
void control_answer_json(struct control_client *c, json_t *document);

enum control_scans {
	SCANS_UNDER_WAY,
	SCANS_MISSING, /* and those of providers that nothing needed yet */
	SCANS_ALL,     /* what was seen before may be old */
};

/*
 * Call `done` when these scans are over, and p11-agent-readers is known to
 * live, or when it takes too long; maybe now.
 */
void control_after_scans(struct control_client *c, enum control_scans which,
    void (*done)(struct control_client *c));

/* Commands: words behind the first are theirs to check. */
void control_unlock(struct control_client *c,
    const struct control_request *q);
void control_lock(struct control_client *c, const struct control_request *q);
void control_release(struct control_client *c,
    const struct control_request *q);
void control_watch(struct control_client *c, const struct control_request *q);

/* One event (event_json) for a client that watches. */
void control_watch_put(struct control_client *c, const char *event);

/*
 * The token with this name, label or serial; without one (NULL), that which
 * waits for a PIN. NULL when the request was refused.
 */
struct token *control_token(struct control_client *c,
    const struct bytes *name);

#endif
