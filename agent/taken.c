/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokens that another program holds, and those who wait for them. */
#include "agent/taken.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/clock.h"
#include "agent/events.h"
#include "agent/provider.h"
#include "agent/readers.h"
#include "agent/token.h"
#include "common/limits.h"

enum taken_state {
	TAKEN_BY_NOBODY,
	TAKEN_ASKED, /* p11-agent-readers is looking */
	TAKEN_BY_OTHER,
};

struct taken {
	struct token *token;
	enum taken_state state;
	bool unseen;	     /* a scan did not find it */
	int64_t asked_ms;    /* the first time, while TAKEN_ASKED */
	struct event look;   /* runs while TAKEN_ASKED, or somebody waits */
	unsigned round;	     /* of the waiters */
	TAILQ_HEAD(taken_waiters, taken_waiter) waiters;
	char words[512];
};

static void
taken_tell(struct taken_waiter *w, enum taken_answer answer)
{
	taken_leave(w);
	w->done(w->arg, answer);
}

/* Whoever says so: p11-agent-readers, a scan, or its own process. */
static void
taken_log_free(const struct token *t)
{
	token_log(t, LOG_LEVEL_INFO, "the other program has let go of it");
	event_emit(t->agent, EVENT_TOKEN_FREE,
	    &(struct event_about){.token = t});
}

/*
 * Nobody has it as far as we know; tell those who wait by now. Being told may
 * make them wait again, or others leave.
 */
static void
taken_finish(struct taken *k, enum taken_answer answer)
{
	unsigned round = k->round++;
	struct taken_waiter *w;

	if (k->state == TAKEN_BY_OTHER && answer == TAKEN_FREE)
		taken_log_free(k->token);
	k->state = TAKEN_BY_NOBODY;
	k->unseen = false;
	event_del(&k->look);
	while ((w = TAILQ_FIRST(&k->waiters)) != NULL && w->round == round)
		taken_tell(w, answer);
}

/* Whose time is over; those who wait again then are told at once. */
static void
taken_expire(struct taken *k, int64_t now)
{
	struct taken_waiter *w;

	do {
		TAILQ_FOREACH(w, &k->waiters, entry)
			if (w->until_ms <= now)
				break;
		if (w != NULL)
			taken_tell(w, k->state == TAKEN_BY_OTHER ?
			    TAKEN_STILL : TAKEN_NOT);
	} while (w != NULL);
}

/*
 * Have p11-agent-readers look: PC/SC tells when a program lets go of a card,
 * but not everywhere, and not when one takes it. Again in a moment while
 * somebody waits.
 */
static void
taken_look(struct taken *k)
{
	int64_t now = clock_ms(), next = now + TAKEN_LOOK_MS;
	const struct taken_waiter *w;
	struct timeval tv;

	TAILQ_FOREACH(w, &k->waiters, entry)
		if (w->until_ms < next)
			next = w->until_ms;
	tv = clock_timeval(next - now);
	evtimer_add(&k->look, &tv);
	readers_look(k->token->agent->readers);
}

static void
taken_tick(evutil_socket_t fd, short what, void *arg)
{
	struct taken *k = arg;
	int64_t now = clock_ms();

	(void)fd;
	(void)what;
	/* No answer: then it is a loss like any other. */
	if (k->state == TAKEN_ASKED &&
	    now - k->asked_ms >= TAKEN_WAIT_SEC * 1000) {
		taken_told(k, false, "");
		return;
	}
	taken_expire(k, now);
	if (k->state == TAKEN_ASKED || !TAILQ_EMPTY(&k->waiters))
		taken_look(k);
}

struct taken *
taken_new(struct token *t)
{
	struct taken *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->token = t;
	TAILQ_INIT(&k->waiters);
	evtimer_assign(&k->look, t->agent->base, taken_tick, k);
	return k;
}

struct taken *
taken_free(struct taken *k)
{
	if (k == NULL)
		return NULL;
	taken_finish(k, TAKEN_NOT);
	free(k);
	return NULL;
}

bool
taken_suspect(struct taken *k, bool unseen)
{
	const struct token *t = k->token;

	if (!t->present || !readers_has_card(t->agent->readers, t))
		return false;
	if (k->state == TAKEN_BY_NOBODY) {
		k->state = TAKEN_ASKED;
		k->asked_ms = clock_ms();
	}
	k->unseen |= unseen;
	taken_look(k);
	return true;
}

bool
taken_is(const struct taken *k)
{
	return k->state == TAKEN_BY_OTHER;
}

bool
taken_in_doubt(const struct taken *k)
{
	return k->state != TAKEN_BY_NOBODY;
}

const char *
taken_words(const struct taken *k)
{
	return k->words;
}

void
taken_wait(struct taken *k, struct taken_waiter *w)
{
	int64_t now = clock_ms();

	if (w->until_ms == 0)
		w->until_ms = now + TAKEN_WAIT_SEC * 1000;
	w->taken = k;
	w->round = k->round;
	TAILQ_INSERT_TAIL(&k->waiters, w, entry);
	if (w->until_ms <= now)
		taken_expire(k, now);
	else if (k->state == TAKEN_BY_OTHER)
		taken_look(k); /* what we know may be old */
}

void
taken_leave(struct taken_waiter *w)
{
	if (w->taken == NULL)
		return;
	TAILQ_REMOVE(&w->taken->waiters, w, entry);
	w->taken = NULL;
}

/* Somebody else has it: its processes did not end for a fault of theirs. */
static void
taken_by_other(struct taken *k, const char *more)
{
	struct token *t = k->token;
	bool news = k->state != TAKEN_BY_OTHER;

	k->state = TAKEN_BY_OTHER;
	k->unseen = false;
	snprintf(k->words, sizeof(k->words), "%s%s%s", TAKEN_WORDS,
	    more[0] == '\0' ? "" : "; ", more);
	backoff_over(&t->backoff);
	if (!news)
		return;
	token_log(t, LOG_LEVEL_WARN, "%s", k->words);
	event_emit(t->agent, EVENT_TOKEN_IN_USE,
	    &(struct event_about){.token = t, .text = k->words});
	token_set_error(t, k->words);
}

void
taken_told(struct taken *k, bool held, const char *more)
{
	struct token *t = k->token;
	struct provider *provider = t->provider;
	bool unseen = k->unseen;

	/* A module of ours may have been told to keep others out. */
	if (held && t->process != NULL && k->state == TAKEN_BY_NOBODY)
		return;
	if (held) {
		taken_by_other(k, more);
	} else if (k->state == TAKEN_BY_OTHER) {
		taken_finish(k, TAKEN_FREE);
	} else if (k->state == TAKEN_ASKED && unseen) {
		token_leave(t, "not there any more");
	} else if (k->state == TAKEN_ASKED) {
		taken_finish(k, TAKEN_NOT);
		provider_scan_again(provider);
	}
}

void
taken_end(struct taken *k, enum taken_answer answer)
{
	taken_finish(k, answer);
}
