/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines about refusals, and how many of them. */
#include "agent/refusal.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/peer.h"
#include "common/limits.h"

/* Lines of one kind about one program, in one span of time. */
struct tally {
	char program[PEER_PROGRAM_BYTES];
	enum refusal_kind kind;
	int64_t until_ms; /* 0: it is free */
	unsigned said;
	unsigned long left_out;
};

struct refusals {
	struct refusal_limits limits;
	struct tally tallies[REFUSAL_TALLIES_MAX];
	/* Of programs for which there is no room, together. */
	struct tally others[REFUSAL_KINDS];
	struct event timer; /* while something was left out */
};

static const char *
kind_words(enum refusal_kind kind)
{
	switch (kind) {
	case REFUSED_PIN:
		return "about a PIN";
	case REFUSED_KEY:
		return "no signature by what is not an identity";
	case REFUSED_SIGNATURE:
		return "no signature by an identity";
	case REFUSED_CHANGE:
		return "a change of what is exposed refused";
	case REFUSED_ADDITION:
		return "keys from files refused";
	case REFUSED_LOCK:
		return "ssh-add -x or -X refused";
	case REFUSED_REQUEST:
		return "an unknown request refused";
	case REFUSED_CONTROL:
		return "p11-agentctl refused";
	case REFUSED_CONNECTION:
		return "a connection refused or closed";
	}
	return "unknown";
}

/* Tell what the tally left out, once. */
static void
tally_tell(struct tally *t)
{
	const struct log_fields about = {.client = t->program};

	if (t->left_out > 0)
		log_event(LOG_LEVEL_WARN, &about, "%s: %lu more lines were "
		    "left out: %s", t->program, t->left_out,
		    kind_words(t->kind));
	t->left_out = 0;
}

static void
tally_end(struct tally *t)
{
	tally_tell(t);
	t->until_ms = 0;
}

/* End the tallies whose time is over; when to tell the next one, or -1. */
static int64_t
tallies_expire(struct tally *list, size_t n, int64_t now, int64_t next)
{
	for (size_t i = 0; i < n; i++) {
		struct tally *t = &list[i];

		if (t->until_ms == 0)
			continue;
		if (t->until_ms <= now)
			tally_end(t);
		else if (t->left_out > 0 && (next < 0 || t->until_ms < next))
			next = t->until_ms;
	}
	return next;
}

static void
refusals_look(struct refusals *all)
{
	int64_t now = clock_ms(), next;
	struct timeval tv;

	next = tallies_expire(all->tallies, REFUSAL_TALLIES_MAX, now, -1);
	next = tallies_expire(all->others, REFUSAL_KINDS, now, next);
	if (next < 0) {
		event_del(&all->timer);
		return;
	}
	tv = clock_timeval(next - now);
	evtimer_add(&all->timer, &tv);
}

static void
refusals_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	refusals_look(arg);
}

struct refusals *
refusals_new(struct event_base *base, const struct refusal_limits *limits)
{
	struct refusals *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->limits = *limits;
	evtimer_assign(&all->timer, base, refusals_timer, all);
	return all;
}

struct refusals *
refusals_free(struct refusals *all)
{
	if (all == NULL)
		return NULL;
	event_del(&all->timer);
	for (size_t i = 0; i < REFUSAL_TALLIES_MAX; i++)
		tally_tell(&all->tallies[i]);
	for (size_t i = 0; i < REFUSAL_KINDS; i++)
		tally_tell(&all->others[i]);
	free(all);
	return NULL;
}

/* The program's own; a free one, to become its own; else that of all others. */
static struct tally *
tally_of(struct refusals *all, enum refusal_kind kind, const char *program)
{
	struct tally *t, *free_one = NULL;

	for (size_t i = 0; i < REFUSAL_TALLIES_MAX; i++) {
		t = &all->tallies[i];
		if (t->until_ms == 0)
			free_one = t;
		else if (t->kind == kind && strcmp(t->program, program) == 0)
			return t;
	}
	if (free_one == NULL) {
		program = "other programs";
		free_one = &all->others[kind];
		if (free_one->until_ms != 0)
			return free_one;
	}
	*free_one = (struct tally){.kind = kind,
	    .until_ms = clock_ms() + all->limits.ms};
	snprintf(free_one->program, sizeof(free_one->program), "%s", program);
	return free_one;
}

static bool
refusal_may_be_said(struct refusals *all, enum refusal_kind kind, pid_t pid)
{
	char program[PEER_PROGRAM_BYTES];
	struct tally *t;

	if (kind == REFUSED_PIN)
		return true;
	t = tally_of(all, kind, peer_program(pid, program));
	if (t->until_ms <= clock_ms()) {
		refusals_look(all);
		t = tally_of(all, kind, program);
	}
	if (t->said < all->limits.lines) {
		t->said++;
		return true;
	}
	if (t->left_out++ == 0)
		refusals_look(all);
	return false;
}

void
refusal_log(struct refusals *all, enum refusal_kind kind, pid_t pid,
    struct log_fields about, const char *format, ...)
{
	char who[PEER_NAME_BYTES], text[2048];
	va_list args;

	if (!refusal_may_be_said(all, kind, pid))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	about.client = peer_name(pid, who);
	log_event(LOG_LEVEL_WARN, &about, "%s: %s", who, text);
}
