/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits on what clients have begun to say. */
#include "agent/unfinished.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "agent/clock.h"

struct unfinished {
	struct unfinished_limits limits;
	TAILQ_HEAD(, unfinished_part) parts; /* those that hold something */
	size_t bytes;	 /* of all */
	unsigned n_timed; /* whose time runs */
	struct event timer; /* while some time runs */
};

static void
part_stop(struct unfinished_part *p)
{
	struct unfinished *all = p->all;

	if (p->until_ms == 0)
		return;
	p->until_ms = 0;
	if (--all->n_timed == 0)
		event_del(&all->timer);
}

/* The timer is one for all: parts that end early leave it; it looks anew. */
static void
part_run(struct unfinished_part *p)
{
	struct unfinished *all = p->all;
	struct timeval tv = clock_timeval(all->limits.ms);

	if (p->until_ms != 0)
		return;
	p->until_ms = clock_ms() + all->limits.ms;
	if (all->n_timed++ == 0)
		evtimer_add(&all->timer, &tv);
}

static void
part_leave(struct unfinished_part *p)
{
	struct unfinished *all = p->all;

	if (all == NULL)
		return;
	part_stop(p);
	TAILQ_REMOVE(&all->parts, p, entry);
	all->bytes -= p->bytes;
	p->bytes = 0;
	p->all = NULL;
}

static void
part_drop(struct unfinished_part *p, const char *why)
{
	part_leave(p);
	p->dropped(p->arg, why);
}

static void
unfinished_expire(evutil_socket_t fd, short what, void *arg)
{
	struct unfinished *all = arg;
	struct unfinished_part *p, *next = TAILQ_FIRST(&all->parts);
	int64_t now = clock_ms(), first = INT64_MAX;
	struct timeval tv;

	(void)fd;
	(void)what;
	while ((p = next) != NULL) {
		/* Only p itself leaves when it is dropped. */
		next = TAILQ_NEXT(p, entry);
		if (p->until_ms == 0)
			continue;
		if (p->until_ms <= now)
			part_drop(p, "its request did not come to an end in "
			    "time");
		else if (p->until_ms < first)
			first = p->until_ms;
	}
	if (all->n_timed > 0) {
		tv = clock_timeval(first - now);
		evtimer_add(&all->timer, &tv);
	}
}

static void
unfinished_drop_most(struct unfinished *all)
{
	struct unfinished_part *p, *most = TAILQ_FIRST(&all->parts);

	TAILQ_FOREACH(p, &all->parts, entry)
		if (p->bytes > most->bytes)
			most = p;
	part_drop(most, "requests that have not come to an end hold too much "
	    "memory, and its holds most");
}

struct unfinished *
unfinished_new(struct event_base *base, const struct unfinished_limits *limits)
{
	struct unfinished *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->limits = *limits;
	TAILQ_INIT(&all->parts);
	evtimer_assign(&all->timer, base, unfinished_expire, all);
	return all;
}

struct unfinished *
unfinished_free(struct unfinished *all)
{
	if (all == NULL)
		return NULL;
	event_del(&all->timer);
	free(all);
	return NULL;
}

void
unfinished_hold(struct unfinished *all, struct unfinished_part *p,
    size_t bytes)
{
	if (bytes == 0) {
		part_leave(p);
		return;
	}
	if (p->all == NULL) {
		p->all = all;
		TAILQ_INSERT_TAIL(&all->parts, p, entry);
	}
	all->bytes += bytes - p->bytes;
	p->bytes = bytes;
	while (all->bytes > all->limits.max_bytes)
		unfinished_drop_most(all);
}

void
unfinished_time(struct unfinished_part *p, bool runs)
{
	if (p->all == NULL)
		return;
	if (runs)
		part_run(p);
	else
		part_stop(p);
}
