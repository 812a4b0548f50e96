/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that watch modules, and what they say of their tokens. */
#include "agent/watcher.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "agent/allowlist.h"
#include "agent/backoff.h"
#include "agent/clock.h"
#include "agent/config-flat.h"
#include "agent/link.h"
#include "agent/provider.h"
#include "agent/readers.h"
#include "agent/token.h"
#include "common/log.h"

enum {
	/* A picture of many tokens now and then; more is a flood. */
	MESSAGES_MAX = 16 * SLOTS_PER_PROVIDER_MAX,
	MESSAGES_MS = 1000,
};

struct watcher {
	struct provider *provider;
	struct link *link; /* owned; NULL until it is started again */
	struct event restart;
	struct backoff backoff;
	bool news;	   /* a token is there that was not */
	size_t unknown;	   /* tokens that no scan has kept */
	int64_t since_ms;  /* of MESSAGES_MS; CLOCK_MONOTONIC */
	unsigned messages; /* in them */
};

/* All its tokens are seen by p11-agent-readers. */
static bool
provider_is_on_pcsc(const struct provider *p)
{
	const struct readers *r = p->agent->readers;
	const struct token *t;

	if (!p->pcsc || !readers_can_watch(r))
		return false;
	TAILQ_FOREACH(t, &p->agent->tokens, entry)
		if (t->provider == p && t->present && !readers_has_card(r, t))
			return false;
	return true;
}

/*
 * May a section expose a key that is nowhere? One that was seen on a card
 * will come back on a card.
 */
static bool
section_is_missing(const struct agent *a, struct config_key *s)
{
	const struct token *t;

	if (s->deny)
		return false;
	TAILQ_FOREACH(t, &a->tokens, entry)
		if (t->present && allowlist_fits(s, t)) {
			s->on_card = provider_is_on_pcsc(t->provider);
			return false;
		}
	return !s->on_card;
}

static bool
agent_lacks_token(struct agent *a)
{
	bool lacks = false;

	for (size_t i = 0; i < a->config->n_keys; i++)
		lacks |= section_is_missing(a, &a->config->keys[i]);
	return lacks;
}

static bool
token_is_allowed(const struct token *t)
{
	const struct config *c = t->agent->config;

	for (size_t i = 0; i < c->n_keys; i++)
		if (!c->keys[i].deny && allowlist_fits(&c->keys[i], t))
			return true;
	return false;
}

static bool
watcher_is_needed(const struct provider *p, bool lacks)
{
	const struct token *t;

	if (p->source == PROVIDER_PLACEHOLDER || !p->settled ||
	    provider_is_on_pcsc(p))
		return false;
	if (lacks)
		return true;
	TAILQ_FOREACH(t, &p->agent->tokens, entry)
		if (t->provider == p && token_is_allowed(t) &&
		    (!t->present || (t->flags & TOKEN_REMOVABLE) != 0))
			return true;
	return false;
}

/* The one that it is; of several that are alike each but once. */
static struct token *
watcher_find(const struct watcher *w, const struct token_id *id)
{
	struct token *t;

	TAILQ_FOREACH(t, &w->provider->agent->tokens, entry)
		if (t->provider == w->provider && !t->watched &&
		    token_id_equal(&t->id, id))
			return t;
	return NULL;
}

static enum parse_err
watcher_got_token(struct watcher *w, struct bytes body)
{
	struct wire_token m;
	enum parse_err err = wire_token_parse(body, &m);
	struct token *t;

	if (err != PARSE_OK)
		return err;
	if (m.n_keys != 0)
		return PARSE_VALUE;
	t = watcher_find(w, &m.id);
	if (t != NULL)
		t->watched = true;
	/* A token that was too much is not kept, and no news. */
	if (t == NULL ? ++w->unknown > w->provider->n_dropped : !t->present)
		w->news = true;
	return PARSE_OK;
}

/* The picture is whole. */
static void
watcher_got_all(struct watcher *w)
{
	struct provider *p = w->provider;
	struct token *t = TAILQ_FIRST(&p->agent->tokens), *next;
	bool news = w->news;

	w->news = false;
	w->unknown = 0;
	backoff_over(&w->backoff);
	for (; t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (t->provider != p)
			continue;
		if (t->watched || left_out_hides(&p->left_out, t))
			t->watched = false;
		else
			token_leave(t, "not there any more");
	}
	if (news) {
		provider_leave_none_out(p);
		provider_scan_again(p);
	}
	watchers_check(p->agent);
}

static bool
watcher_floods(struct watcher *w)
{
	int64_t now = clock_ms();

	if (now - w->since_ms >= MESSAGES_MS) {
		w->since_ms = now;
		w->messages = 0;
	}
	return ++w->messages > MESSAGES_MAX;
}

static enum parse_err
watcher_message(struct watcher *w, uint8_t type, struct bytes body)
{
	if (watcher_floods(w))
		return PARSE_LIMIT;
	switch (type) {
	case WIRE_TOKEN:
		return watcher_got_token(w, body);
	case WIRE_DONE:
		if (body.len != 0)
			return PARSE_TRAILING;
		watcher_got_all(w);
		return PARSE_OK;
	default:
		return PARSE_VALUE;
	}
}

static void
watcher_frame(void *arg, struct bytes body)
{
	struct watcher *w = arg;

	/* It may be gone afterwards, but not if it made no sense. */
	if (watcher_message(w, body.p[0],
	    bytes_of(body.p + 1, body.len - 1)) != PARSE_OK)
		link_kill(w->link, "it sent nonsense");
}

static void
watcher_ended(void *arg, const char *why)
{
	struct watcher *w = arg;
	const struct timeval tv = {
		.tv_sec = (time_t)backoff_restart_sec(&w->backoff),
	};

	w->link = NULL; /* it frees itself */
	log_warn("provider %s: what watches its tokens ended: %s; again in "
	    "%ld s", w->provider->name, why, (long)tv.tv_sec);
	evtimer_add(&w->restart, &tv);
}

static const struct link_events watcher_events = {
	watcher_frame,
	watcher_ended,
};

static void
watcher_run(struct watcher *w)
{
	static const char *const args[] = {"watch", NULL};
	struct provider *p = w->provider;
	const struct link_spec spec = {
		.program = "p11-agent-provider",
		.foreign = true,
		.args = args,
		.env = (const char *const *)p->env,
		.in_max_bytes = WIRE_REPLY_MAX_BYTES,
		.out_max_bytes = WIRE_QUEUE_MAX_BYTES,
	};
	struct wire_start start = provider_start_of(p, WIRE_ROLE_WATCH);
	struct token *t;

	left_out_put(&p->left_out, &start);
	w->news = false;
	w->unknown = 0;
	TAILQ_FOREACH(t, &p->agent->tokens, entry)
		if (t->provider == p)
			t->watched = false;
	w->link = link_start(p->agent, &spec, &watcher_events, w);
	if (w->link == NULL) {
		watcher_ended(w, "it cannot be started");
		return;
	}
	wire_start_put(link_out(w->link), &start);
	link_flush(w->link);
}

static void
watcher_restart(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	watcher_run(arg);
}

static void
watcher_start(struct provider *p)
{
	struct watcher *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return;
	log_debug("provider %s: its tokens are watched", p->name);
	w->provider = p;
	evtimer_assign(&w->restart, p->agent->base, watcher_restart, w);
	p->watcher = w;
	watcher_run(w);
}

struct watcher *
watcher_free(struct watcher *w)
{
	if (w == NULL)
		return NULL;
	event_del(&w->restart);
	link_forget(w->link);
	free(w);
	return NULL;
}

void
watcher_again(struct provider *p)
{
	struct watcher *w = p->watcher;

	if (w == NULL || w->link == NULL)
		return;
	w->link = link_forget(w->link);
	watcher_run(w);
}

void
watchers_check(struct agent *a)
{
	bool lacks = agent_lacks_token(a);
	struct provider *p;

	TAILQ_FOREACH(p, &a->providers, entry) {
		bool needed = watcher_is_needed(p, lacks);

		if (needed && p->watcher == NULL)
			watcher_start(p);
		else if (!needed)
			p->watcher = watcher_free(p->watcher);
	}
}
