/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections to the agent socket. */
#include "agent/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/dispatch.h"
#include "agent/stream.h"
#include "common/limits.h"
#include "common/log.h"
#include "pkcs11/wire.h"
#include "proto/message.h"

static void
reply_free(struct reply *r)
{
	TAILQ_REMOVE(&r->client->replies, r, entry);
	r->client->n_replies--;
	r->client->n_bytes -= r->bytes;
	r->client->agent->n_request_bytes -= r->bytes;
	buffer_clear(&r->frame);
	free(r);
}

/* No more requests of its own for now. */
static bool
client_is_full(const struct client *c)
{
	return c->waits || c->n_replies >= CLIENT_REQUESTS_MAX ||
	    c->n_bytes >= CLIENT_REQUESTS_MAX_BYTES;
}

/* Send what is answered, up to the first that is not. */
static void
client_send(struct client *c)
{
	struct reply *r;
	bool sent = false;

	while ((r = TAILQ_FIRST(&c->replies)) != NULL && r->done) {
		buffer_put(stream_out(c->stream), buffer_bytes(&r->frame));
		reply_free(r);
		sent = true;
	}
	if (!sent)
		return;
	stream_flush(c->stream);
	if (!client_is_full(c))
		stream_resume(c->stream);
}

void
reply_later(struct reply *r, void (*abandoned)(void *arg), void *arg)
{
	r->abandoned = abandoned;
	r->arg = arg;
}

void
reply_alone(struct reply *r)
{
	r->alone = true;
	r->client->waits = true;
	stream_pause(r->client->stream);
}

void
reply_send(struct reply *r)
{
	struct client *c = r->client;

	if (r->frame.failed || r->frame.len == 0) {
		reply_fail(r);
		return;
	}
	r->abandoned = NULL;
	r->done = true;
	if (r->alone)
		c->waits = false;
	if (TAILQ_FIRST(&c->replies) == r)
		client_send(c);
	else if (r->alone && !client_is_full(c))
		stream_resume(c->stream);
}

void
reply_fail(struct reply *r)
{
	buffer_clear(&r->frame);
	reply_put_failure(&r->frame);
	if (r->frame.failed) {
		/* Not even memory for five bytes: nothing can be said. */
		r->abandoned = NULL;
		client_free(r->client);
		return;
	}
	reply_send(r);
}

void
client_refused(const struct client *c, enum refusal_kind kind,
    const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	refusal_log(c->agent->refusals, kind, c->peer.pid,
	    (struct log_fields){0}, "%s", text);
}

/* All together have too much under way: who has most loses it. */
static struct client *
client_with_most(const struct agent *a)
{
	struct client *c, *most = NULL;

	if (a->n_request_bytes <= CLIENTS_REQUESTS_MAX_BYTES)
		return NULL;
	TAILQ_FOREACH(c, &a->clients, entry)
		if (most == NULL || c->n_bytes > most->n_bytes)
			most = c;
	client_refused(most, REFUSED_CONNECTION, "its connection was closed: "
	    "requests under way hold too much memory, and its hold most");
	return most;
}

static void
client_frame(void *arg, struct bytes body)
{
	struct client *c = arg;
	struct reply *r = calloc(1, sizeof(*r));
	struct client *greedy;

	if (r == NULL) {
		log_error("client %ld: out of memory", (long)c->peer.pid);
		client_free(c);
		return;
	}
	r->client = c;
	r->frame = BUFFER_INIT(CLIENT_MSG_MAX_BYTES + 4);
	TAILQ_INSERT_TAIL(&c->replies, r, entry);
	c->n_replies++;
	r->bytes = body.len;
	c->n_bytes += body.len;
	c->agent->n_request_bytes += body.len;
	if ((greedy = client_with_most(c->agent)) != NULL) {
		client_free(greedy);
		if (greedy == c)
			return;
	}
	if (client_is_full(c))
		stream_pause(c->stream);
	dispatch(r, body);
}

static void
client_closed(void *arg, const char *why)
{
	struct client *c = arg;

	if (why != NULL && stream_was_refused(c->stream))
		client_refused(c, REFUSED_CONNECTION,
		    "its connection was closed: %s", why);
	else if (why != NULL)
		log_debug("client %ld: %s", (long)c->peer.pid, why);
	client_free(c);
}

static bool
client_awaits(void *arg)
{
	const struct client *c = arg;

	return c->n_replies > 0;
}

static const struct stream_events client_events = {
	client_frame,
	client_awaits,
	client_closed,
};

void
client_new(struct agent *agent, int fd, const struct peer *peer)
{
	const struct stream_limits limits = {
		.frame_max_bytes = CLIENT_MSG_MAX_BYTES,
		.out_max_bytes = CLIENT_OUT_MAX_BYTES,
		.unfinished = agent->unfinished,
	};
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return;
	}
	c->agent = agent;
	c->peer = *peer;
	c->forwarded = peer_way(peer->pid) == PEER_FORWARDS;
	TAILQ_INIT(&c->replies);
	c->stream = stream_new(agent->base, fd, &limits, &client_events, c);
	if (c->stream == NULL) {
		free(c);
		return;
	}
	TAILQ_INSERT_TAIL(&agent->clients, c, entry);
	agent->n_clients++;
}

struct client *
client_free(struct client *c)
{
	struct reply *r;

	if (c == NULL)
		return NULL;
	while ((r = TAILQ_FIRST(&c->replies)) != NULL) {
		if (r->abandoned != NULL)
			r->abandoned(r->arg);
		reply_free(r);
	}
	stream_free(c->stream);
	TAILQ_REMOVE(&c->agent->clients, c, entry);
	c->agent->n_clients--;
	free(c->shown);
	free(c);
	return NULL;
}

/* Why it may not, or NULL. */
static const char *
client_change_fault(const struct client *c)
{
	if (c->tried_bind)
		return "a connection that was bound to a session (a forwarded "
		    "one, maybe) may not change what is exposed; do it on "
		    "this machine";
	if (c->forwarded)
		return PEER_FORWARDS_WORDS;
	switch (peer_way(c->peer.pid)) {
	case PEER_LOCAL:
		return NULL;
	case PEER_FORWARDS:
		return PEER_FORWARDS_WORDS;
	case PEER_UNKNOWN:
		break;
	}
	return "the program at the other end cannot be seen (it has ended, or "
	    "is in a container of its own), so it may be a forwarded "
	    "connection, which may not change what is exposed; use "
	    "p11-agentctl, or ssh-add where p11-agent runs";
}

bool
client_may_change(const struct client *c, const char *what)
{
	const char *why = client_change_fault(c);

	if (why != NULL)
		client_refused(c, REFUSED_CHANGE, "%s refused: %s", what,
		    why);
	return why == NULL;
}

bool
client_was_shown(const struct client *c, const uint8_t *ref)
{
	for (size_t i = 0; i < c->n_shown; i++)
		if (memcmp(c->shown + i * KEY_REF_BYTES, ref,
		    KEY_REF_BYTES) == 0)
			return true;
	return false;
}

void
client_show(struct client *c, const uint8_t *ref)
{
	uint8_t *more;

	if (client_was_shown(c, ref))
		return;
	more = realloc(c->shown, (c->n_shown + 1) * KEY_REF_BYTES);
	if (more == NULL)
		return;
	memcpy(more + c->n_shown * KEY_REF_BYTES, ref, KEY_REF_BYTES);
	c->shown = more;
	c->n_shown++;
}
