/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens, for those who watch (p11-agentctl watch): the one place that
 * knows the events' names and what is told of each. No secret is ever in one.
 */
#ifndef P11_AGENT_AGENT_EVENTS_H
#define P11_AGENT_AGENT_EVENTS_H

#include <sys/types.h>

#include "agent/agent.h"

struct key;

enum event_kind {
	EVENT_WATCHING, /* the first one that a watcher gets */
	EVENT_LOST,	/* the watcher did not read: so many are missing */
	EVENT_TOKEN_HERE,
	EVENT_TOKEN_LEFT,
	EVENT_TOKEN_IN_USE, /* by another program */
	EVENT_TOKEN_FREE,   /* of that */
	EVENT_TOKEN_RELEASED,
	EVENT_PROCESS_STARTED,
	EVENT_PROCESS_ENDED,
	EVENT_LOGGED_IN,
	EVENT_LOGIN_FAILED,
	EVENT_LOGIN_ENDED,
	EVENT_PROMPT_OPENED,
	EVENT_PROMPT_ANSWERED,
	EVENT_PROMPT_CLOSED,
	EVENT_PIN_WRONG,
	EVENT_PIN_LOCKED,
	EVENT_PIN_FORGOTTEN,
	EVENT_SIGNED,
	EVENT_NOT_SIGNED,
	EVENT_TOUCH,
	EVENT_PROVIDER_FAILED,
	EVENT_CONFIG_LOADED,
	EVENT_CONFIG_REFUSED,
};

/* What an event is about; what does not apply stays empty. Borrowed. */
struct event_about {
	const char *provider;
	const struct token *token;
	const struct key *key;
	pid_t client; /* the program that asked; 0: none */
	pid_t process; /* ours; 0: none */
	unsigned n;   /* EVENT_LOST */
	const char *text; /* why, in words; or NULL */
};

/* Tell everybody who watches. */
void event_emit(const struct agent *a, enum event_kind kind,
    const struct event_about *about);

/* The event as JSON, to be freed; NULL when memory is out. */
char *event_json(enum event_kind kind, const struct event_about *about);

#endif
