/* SPDX-License-Identifier: BSD-2-Clause */
/* From what p11-agent-readers sees to tokens that leave and scans. */
#include "agent/readers.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/allowlist.h"
#include "agent/backoff.h"
#include "agent/clock.h"
#include "agent/link.h"
#include "agent/process.h"
#include "agent/provider-list.h"
#include "agent/startup.h"
#include "agent/taken.h"
#include "agent/token.h"
#include "agent/watcher.h"
#include "agent/words.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "pkcs11/readers-wire.h"

enum {
	/* More scans for a card that none has found, after 1, 2 and 4 s. */
	LOOKS_MAX = 3,
	/* A sign of life takes so long at most. */
	ALIVE_SEC = 5,
	/* Requests ask for none so soon after another one. */
	ALIVE_PAUSE_MS = 10 * 1000,
};

struct readers {
	struct agent *agent;
	struct link *link;	 /* owned; NULL while none runs */
	struct event restart;
	struct backoff backoff;
	bool started;
	bool unsupported;	 /* built without: none is started again */
	bool asked;		 /* a sign of life is due */
	bool lost;		 /* it ended, and said nothing since */
	int64_t asked_ms;	 /* CLOCK_MONOTONIC */
	struct event alive;	 /* its end */
	TAILQ_HEAD(, readers_waiter) waiters;
	bool looking;		 /* its first message is on its way */
	bool known;		 /* `state` holds something */
	struct readers_state state; /* views of `frame` */
	struct buffer frame;
	char *fault;		 /* owned */
	struct event look;
	unsigned looks;		 /* scans for a card that no scan found */
};

/* Is there a card, and the same one as before? */
static bool
card_stayed(const struct card_reader *before, const struct card_reader *now)
{
	return now != NULL && now->card_present &&
	    now->events == before->events;
}

static const struct card_reader *
slot_reader(const struct readers_state *m, struct bytes slot_description)
{
	for (uint32_t i = 0; i < m->n_readers; i++)
		if (readers_name_is_slot(m->readers[i].name,
		    slot_description))
			return &m->readers[i];
	return NULL;
}

static const struct card_reader *
token_reader(const struct readers_state *m, const struct token *t)
{
	return slot_reader(m, t->id.slot_description);
}

/* A card in some reader that is no token to us, and nobody else's. */
static bool
readers_have_unknown(const struct readers *r)
{
	const struct token *t;

	for (uint32_t i = 0; i < r->state.n_readers; i++) {
		const struct card_reader *c = &r->state.readers[i];

		TAILQ_FOREACH(t, &r->agent->tokens, entry)
			if (t->present && token_reader(&r->state, t) == c)
				break;
		if (t == NULL && c->card_present && !c->exclusive)
			return true;
	}
	return false;
}

/* Nothing is believed of a card that left, not even for a moment. */
static void
readers_drop_tokens(struct readers *r, const struct readers_state *now)
{
	struct token *t = TAILQ_FIRST(&r->agent->tokens), *next;
	const struct card_reader *before, *after;

	for (; t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		before = token_reader(&r->state, t);
		if (before == NULL || !before->card_present)
			continue;
		after = readers_find(now, before->name);
		if (after == NULL)
			token_leave(t, "its reader has left");
		else if (!card_stayed(before, after))
			token_leave(t, "its card has left");
	}
}

/* Does a program let go of a card whose token we have never seen? */
static bool
reader_is_news(const struct readers *r, const struct card_reader *before)
{
	const struct token *t;

	if (!before->exclusive)
		return false;
	TAILQ_FOREACH(t, &r->agent->tokens, entry)
		if (t->present && readers_name_is_slot(before->name,
		    t->id.slot_description))
			return false;
	return true;
}

static bool
readers_have_more(const struct readers *r, const struct readers_state *now)
{
	for (uint32_t i = 0; i < now->n_readers; i++) {
		const struct card_reader *n = &now->readers[i];
		const struct card_reader *b = readers_find(&r->state, n->name);

		if (n->card_present && (b == NULL || !b->card_present ||
		    b->events != n->events ||
		    (!n->exclusive && reader_is_news(r, b))))
			return true;
	}
	return false;
}

static bool
readers_have_less(const struct readers *r, const struct readers_state *now)
{
	for (uint32_t i = 0; i < r->state.n_readers; i++) {
		const struct card_reader *b = &r->state.readers[i];

		if (b->card_present &&
		    !card_stayed(b, readers_find(now, b->name)))
			return true;
	}
	return false;
}

/*
 * A card has come. What rests may try again; what is in flight on a token
 * that left is over, and may be in the way of its return.
 */
static void
readers_wake_tokens(struct agent *a)
{
	struct token *t = TAILQ_FIRST(&a->tokens), *next;

	for (; t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		backoff_wake(&t->backoff);
		if (t->present)
			continue;
		process_end(t->process, "the token was removed");
		token_tidy(t);
	}
}

static void
readers_hurry_scans(struct readers *r)
{
	struct provider *p;

	TAILQ_FOREACH(p, &r->agent->providers, entry)
		provider_hurry(p);
}

/* Another card is in a slot, or none: it may be another story. */
static void
readers_leave_none_out(struct readers *r)
{
	struct provider *p;

	TAILQ_FOREACH(p, &r->agent->providers, entry)
		provider_leave_none_out(p);
}

static void
readers_set_fault(struct readers *r, const struct readers_state *m)
{
	free(r->fault);
	r->fault = m->service == READERS_OK ? NULL : words_copy(m->text);
	if (r->fault != NULL)
		log_info("readers are not watched: %s", r->fault);
}

/* Whether their cards are held, and by whom if the program knows. */
static void
readers_tell_tokens(struct readers *r)
{
	CLEANUP(cleanup_free) char *more = words_copy(r->state.text);
	struct token *t = TAILQ_FIRST(&r->agent->tokens), *next;
	const struct card_reader *reader;

	for (; t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		reader = token_reader(&r->state, t);
		if (reader != NULL && t->present)
			taken_told(t->taken, reader->exclusive,
			    more == NULL ? "" : more);
	}
}

static void
readers_look_again(evutil_socket_t fd, short what, void *arg)
{
	struct readers *r = arg;

	(void)fd;
	(void)what;
	if (readers_have_unknown(r))
		providers_scan_again(r->agent);
}

void
readers_scanned(struct readers *r)
{
	const struct timeval tv = {.tv_sec = (time_t)1 << r->looks};
	const struct provider *p;

	TAILQ_FOREACH(p, &r->agent->providers, entry)
		if (provider_is_scanning(p))
			return;
	if (!r->known || !readers_have_unknown(r)) {
		r->looks = 0;
		event_del(&r->look);
		return;
	}
	if (r->looks == LOOKS_MAX ||
	    event_pending(&r->look, EV_TIMEOUT, NULL))
		return;
	r->looks++;
	evtimer_add(&r->look, &tv);
}

/* The program lives, or is over: nobody need wait for it any longer. */
static void
readers_answered(struct readers *r)
{
	struct readers_waiter *w;

	r->asked = false;
	event_del(&r->alive);
	while ((w = TAILQ_FIRST(&r->waiters)) != NULL) {
		readers_leave(w);
		w->done(w->arg);
	}
}

void
readers_leave(struct readers_waiter *w)
{
	if (w->readers == NULL)
		return;
	TAILQ_REMOVE(&w->readers->waiters, w, entry);
	w->readers = NULL;
}

static void
readers_silent(evutil_socket_t fd, short what, void *arg)
{
	struct readers *r = arg;

	(void)fd;
	(void)what;
	if (r->link != NULL)
		link_kill(r->link, "it gives no sign of life (does pcscd "
		    "hang?)");
}

bool
readers_ask(struct readers *r, struct readers_waiter *w)
{
	const struct timeval limit = {.tv_sec = ALIVE_SEC};

	if (r->link == NULL)
		return false;
	if (w != NULL) {
		w->readers = r;
		TAILQ_INSERT_TAIL(&r->waiters, w, entry);
	}
	if (r->asked)
		return true;
	r->asked = true;
	r->asked_ms = clock_ms();
	readers_note_put(link_out(r->link), READERS_ASK);
	link_flush(r->link);
	evtimer_add(&r->alive, &limit);
	return true;
}

void
readers_ask_sometimes(struct readers *r)
{
	if (r->link != NULL && !r->asked &&
	    clock_ms() - r->asked_ms >= ALIVE_PAUSE_MS)
		readers_ask(r, NULL);
}

static enum parse_err
readers_take(struct readers *r, struct bytes body)
{
	struct buffer frame = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	struct readers_state now;
	enum parse_err err;
	bool more, less;

	buffer_put(&frame, body);
	err = frame.failed ? PARSE_MEMORY :
	    readers_state_parse(buffer_bytes(&frame), &now);
	if (err != PARSE_OK) {
		buffer_clear(&frame);
		return err;
	}
	if (!r->known || r->lost || r->state.service != now.service)
		readers_set_fault(r, &now);
	r->lost = false;
	backoff_over(&r->backoff);
	r->unsupported = now.service == READERS_UNSUPPORTED;
	readers_drop_tokens(r, &now);
	less = r->known && readers_have_less(r, &now);
	if (less)
		readers_hurry_scans(r);
	/* The first picture: the first scans are under way anyway. */
	more = r->known && readers_have_more(r, &now);
	if (less || more)
		readers_leave_none_out(r);
	buffer_clear(&r->frame);
	r->frame = frame;
	r->state = now;
	r->known = true;
	r->looking = false;
	/* Which tokens are of one card may show only now. */
	allowlist_update(r->agent);
	readers_tell_tokens(r);
	if (more) {
		r->looks = 0;
		readers_wake_tokens(r->agent);
		providers_scan_again(r->agent);
		startup_inserted(r->agent);
	}
	watchers_check(r->agent);
	readers_scanned(r);
	return PARSE_OK;
}

static void
readers_frame(void *arg, struct bytes body)
{
	struct readers *r = arg;

	if (body.p[0] == READERS_ALIVE && body.len == 1) {
		readers_answered(r);
		return;
	}
	if (body.p[0] != READERS_STATE ||
	    readers_take(r, bytes_of(body.p + 1, body.len - 1)) != PARSE_OK) {
		link_kill(r->link, "it sent nonsense");
		return;
	}
	/* Nothing more will come. */
	if (r->unsupported)
		r->link = link_forget(r->link);
	readers_answered(r);
}

static void
readers_ended(void *arg, const char *why)
{
	struct readers *r = arg;
	const struct timeval tv = {
		.tv_sec = (time_t)backoff_restart_sec(&r->backoff),
	};
	char words[256];

	r->link = NULL; /* it frees itself */
	r->looking = false;
	log_warn("p11-agent-readers: %s; again in %ld s", why,
	    (long)tv.tv_sec);
	snprintf(words, sizeof(words), "p11-agent-readers has ended: %s; "
	    "another one is started", why);
	r->lost = true;
	free(r->fault);
	r->fault = strdup(words);
	evtimer_add(&r->restart, &tv);
	readers_answered(r);
}

static const struct link_events readers_events = {
	readers_frame,
	readers_ended,
};

static void
readers_run(struct readers *r)
{
	static const struct link_spec spec = {
		.program = "p11-agent-readers",
		.in_max_bytes = WIRE_REPLY_MAX_BYTES,
		.out_max_bytes = WIRE_TEXT_MAX_BYTES,
	};

	r->link = link_start(r->agent, &spec, &readers_events, r);
	if (r->link == NULL)
		readers_ended(r, "it cannot be started");
}

static void
readers_restart(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	readers_run(arg);
}

struct readers *
readers_new(struct agent *agent)
{
	struct readers *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->agent = agent;
	r->frame = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	evtimer_assign(&r->restart, agent->base, readers_restart, r);
	evtimer_assign(&r->look, agent->base, readers_look_again, r);
	evtimer_assign(&r->alive, agent->base, readers_silent, r);
	TAILQ_INIT(&r->waiters);
	return r;
}

struct readers *
readers_free(struct readers *r)
{
	if (r == NULL)
		return NULL;
	event_del(&r->restart);
	event_del(&r->look);
	readers_answered(r);
	link_forget(r->link);
	buffer_clear(&r->frame);
	free(r->fault);
	free(r);
	return NULL;
}

void
readers_start(struct readers *r)
{
	if (r->started)
		return;
	r->started = true;
	readers_run(r);
}

bool
readers_has_card(const struct readers *r, const struct token *t)
{
	const struct card_reader *reader = token_reader(&r->state, t);

	return reader != NULL && reader->card_present;
}

/* A fresh one begins with all there is to know, and so cannot miss anything. */
void
readers_look(struct readers *r)
{
	if (r->looking || r->link == NULL)
		return;
	r->looking = true;
	r->link = link_forget(r->link);
	readers_run(r);
}

bool
readers_watched(const struct readers *r)
{
	return r->known && r->state.service == READERS_OK;
}

bool
readers_have(const struct readers *r, struct bytes slot_description)
{
	return slot_reader(&r->state, slot_description) != NULL;
}

bool
readers_can_watch(const struct readers *r)
{
	return !r->known || r->state.service == READERS_OK ||
	    r->state.service == READERS_NO_SERVICE;
}

const char *
readers_fault(const struct readers *r)
{
	return r->fault;
}
