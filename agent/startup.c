/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that wait for the first scans. */
#include "agent/startup.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "agent/client.h"
#include "agent/config-flat.h"
#include "agent/dispatch.h"
#include "agent/provider.h"
#include "common/limits.h"

struct startup_request {
	TAILQ_ENTRY(startup_request) entry;
	struct startup *startup;
	struct reply *reply;
	struct buffer message;
};

struct startup {
	struct agent *agent;
	struct event timer;
	TAILQ_HEAD(, startup_request) requests;
	void (*then)(struct agent *agent); /* or NULL */
	bool over;
	bool inserted; /* scans of providers that were scanned before count */
};

static void
startup_request_free(struct startup_request *q)
{
	TAILQ_REMOVE(&q->startup->requests, q, entry);
	buffer_clear(&q->message);
	free(q);
}

static void
startup_abandoned(void *arg)
{
	startup_request_free(arg);
}

static void
startup_run_then(struct startup *s)
{
	void (*then)(struct agent *agent) = s->then;

	s->then = NULL;
	if (then != NULL)
		then(s->agent);
}

/* None is added meanwhile: it is over. */
static void
startup_finish(struct startup *s)
{
	struct startup_request *q;

	s->over = true;
	s->inserted = false;
	event_del(&s->timer);
	startup_run_then(s);
	while ((q = TAILQ_FIRST(&s->requests)) != NULL) {
		struct buffer message = q->message;
		struct reply *reply = q->reply;

		q->message = BUFFER_INIT(0);
		startup_request_free(q);
		reply_later(reply, NULL, NULL);
		dispatch(reply, buffer_bytes(&message));
		buffer_clear(&message);
	}
}

static void
startup_timeout(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	startup_finish(arg);
}

struct startup *
startup_new(struct agent *agent)
{
	struct startup *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->agent = agent;
	TAILQ_INIT(&s->requests);
	evtimer_assign(&s->timer, agent->base, startup_timeout, s);
	return s;
}

struct startup *
startup_free(struct startup *s)
{
	struct startup_request *q;

	if (s == NULL)
		return NULL;
	event_del(&s->timer);
	while ((q = TAILQ_FIRST(&s->requests)) != NULL) {
		struct reply *reply = q->reply;

		startup_request_free(q);
		reply_later(reply, NULL, NULL);
		reply_fail(reply);
	}
	free(s);
	return NULL;
}

static bool
startup_scanning(const struct agent *agent)
{
	const struct provider *p;

	TAILQ_FOREACH(p, &agent->providers, entry)
		if (provider_is_scanning(p) &&
		    (!p->settled || agent->startup->inserted))
			return true;
	return false;
}

bool
startup_pending(const struct agent *agent)
{
	return !agent->startup->over;
}

void
startup_then(struct agent *agent, void (*then)(struct agent *agent))
{
	agent->startup->then = then;
	if (agent->startup->over)
		startup_run_then(agent->startup);
}

void
startup_check(struct agent *agent)
{
	struct startup *s = agent->startup;

	if (s != NULL && !s->over && !startup_scanning(agent))
		startup_finish(s);
}

void
startup_begin(struct agent *agent, uint32_t wait_ms)
{
	const struct timeval tv = {
		.tv_sec = wait_ms / 1000,
		.tv_usec = (suseconds_t)(wait_ms % 1000) * 1000,
	};

	agent->startup->over = false;
	evtimer_add(&agent->startup->timer, &tv);
	startup_check(agent);
}

void
startup_inserted(struct agent *agent)
{
	agent->startup->inserted = true;
	/* One more card does not make those wait longer who wait. */
	if (agent->startup->over)
		startup_begin(agent, agent->config->start_wait_ms);
}

void
startup_wait(struct reply *r, struct bytes message)
{
	struct startup_request *q = calloc(1, sizeof(*q));

	if (q == NULL) {
		reply_fail(r);
		return;
	}
	q->startup = r->client->agent->startup;
	q->reply = r;
	q->message = BUFFER_INIT(CLIENT_MSG_MAX_BYTES);
	buffer_put(&q->message, message);
	TAILQ_INSERT_TAIL(&q->startup->requests, q, entry);
	reply_later(r, startup_abandoned, q);
	if (q->message.failed) {
		startup_request_free(q);
		reply_fail(r);
	}
}
