/* SPDX-License-Identifier: BSD-2-Clause */
/* One line for the service manager, sent when it is another one. */
#include "agent/announce.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/allowlist.h"
#include "agent/reload.h"
#include "agent/token.h"
#include "common/service.h"

enum {
	LINE_BYTES = 768,
	ERROR_BYTES = 640,
	/* When the manager took nothing: it is busy, or stopped. */
	RETRY_SEC = 1,
};

struct announcer {
	struct agent *agent;
	struct service *service; /* owned */
	struct event later;
	enum service_state phase; /* ours; RELOADING is the reload's own */
	/* What the manager knows. */
	enum service_state told_state;
	char told[LINE_BYTES];
	char error[ERROR_BYTES]; /* "" while there was none */
};

static size_t
tokens_present(const struct agent *a)
{
	const struct token *t;
	size_t n = 0;

	TAILQ_FOREACH(t, &a->tokens, entry)
		n += t->present && !t->hidden;
	return n;
}

static const char *
plural(size_t n, const char *one, const char *more)
{
	return n == 1 ? one : more;
}

static void
announce_line(const struct announcer *n, char line[static LINE_BYTES])
{
	const struct agent *a = n->agent;
	const char *refused = reload_error(a->reload);
	size_t tokens = tokens_present(a), shown = allowlist_shown(a);
	int len = 0;

	/* Before the first config there is nothing to count. */
	if (n->phase != SERVICE_STARTING)
		len = snprintf(line, LINE_BYTES, "%zu %s, %zu %s", tokens,
		    plural(tokens, "token", "tokens"), shown,
		    plural(shown, "identity", "identities"));
	else
		line[0] = '\0';
	if (refused != NULL)
		snprintf(line + len, LINE_BYTES - (size_t)len,
		    "%sthe config is refused: %s", len > 0 ? "; " : "",
		    refused);
	else if (n->error[0] != '\0')
		snprintf(line + len, LINE_BYTES - (size_t)len,
		    "%slast error: %s", len > 0 ? "; " : "", n->error);
}

void
announce_now(struct agent *agent)
{
	const struct timeval retry = {.tv_sec = RETRY_SEC};
	struct announcer *n = agent->announcer;
	enum service_state state = n->phase;
	char line[LINE_BYTES];

	if (state == SERVICE_READY && reload_under_way(agent->reload))
		state = SERVICE_RELOADING;
	announce_line(n, line);
	if (state == n->told_state && strcmp(line, n->told) == 0)
		return;
	if (!service_tell(n->service, state, line)) {
		evtimer_add(&n->later, &retry);
		return;
	}
	n->told_state = state;
	/* No more than the line: what is behind it is the stack of others. */
	snprintf(n->told, sizeof(n->told), "%s", line);
}

static void
announce_later(evutil_socket_t fd, short what, void *arg)
{
	const struct announcer *n = arg;

	(void)fd;
	(void)what;
	announce_now(n->agent);
}

struct announcer *
announcer_new(struct agent *agent)
{
	struct announcer *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->agent = agent;
	evtimer_assign(&n->later, agent->base, announce_later, n);
	if ((n->service = service_new()) == NULL)
		return announcer_free(n);
	return n;
}

struct announcer *
announcer_free(struct announcer *n)
{
	if (n == NULL)
		return NULL;
	event_del(&n->later);
	service_free(n->service);
	free(n);
	return NULL;
}

void
announce_change(struct agent *agent)
{
	const struct timeval now = {0};

	/* While the daemon ends its tokens change, and nobody cares. */
	if (agent->announcer != NULL &&
	    !event_pending(&agent->announcer->later, EV_TIMEOUT, NULL))
		evtimer_add(&agent->announcer->later, &now);
}

void
announce_ready(struct agent *agent)
{
	agent->announcer->phase = SERVICE_READY;
	announce_now(agent);
}

void
announce_stopping(struct agent *agent)
{
	agent->announcer->phase = SERVICE_STOPPING;
	announce_now(agent);
}

void
announce_error(struct agent *agent, const char *name, const char *text)
{
	struct announcer *n = agent->announcer;

	if (n == NULL)
		return;
	snprintf(n->error, sizeof(n->error), "%s%s%s",
	    name == NULL ? "" : name, name == NULL ? "" : ": ", text);
	announce_change(agent);
}
