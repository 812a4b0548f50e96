/* SPDX-License-Identifier: BSD-2-Clause */
/* A few p11-agent-config at a time, for clients that name a module's path. */
#include "agent/lookup.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config-child.h"
#include "agent/config-run.h"
#include "common/cleanup.h"
#include "common/limits.h"

struct lookup {
	TAILQ_ENTRY(lookup) entry;
	struct lookups *all;
	char *path;		/* owned */
	struct config_run *run; /* owned; NULL while it waits for its turn */
	bool over;		/* off the list; its waiters are being told */
	TAILQ_HEAD(, lookup_waiter) waiters;
};

struct lookups {
	struct agent *agent;
	TAILQ_HEAD(, lookup) list; /* in the order of the questions */
	unsigned n_running;
	struct event turn; /* starts what may start */
};

struct lookups *
lookups_free(struct lookups *all)
{
	if (all == NULL)
		return NULL;
	event_del(&all->turn);
	free(all);
	return NULL;
}

/* Off the list, with its process. */
static void
lookup_end(struct lookup *l)
{
	TAILQ_REMOVE(&l->all->list, l, entry);
	l->over = true;
	if (l->run != NULL) {
		l->all->n_running--;
		l->run = config_run_free(l->run);
	}
	event_active(&l->all->turn, EV_TIMEOUT, 0);
}

static void
lookup_free(struct lookup *l)
{
	free(l->path);
	free(l);
}

void
lookup_leave(struct lookup_waiter *w)
{
	struct lookup *l = w->lookup;

	if (l == NULL)
		return;
	TAILQ_REMOVE(&l->waiters, w, entry);
	w->lookup = NULL;
	if (l->over || !TAILQ_EMPTY(&l->waiters))
		return;
	lookup_end(l);
	lookup_free(l);
}

/* Being told may make others leave, and ask anew. */
static void
lookup_tell(struct lookup *l, const char *path, const char *error)
{
	struct lookup_waiter *w;

	lookup_end(l);
	while ((w = TAILQ_FIRST(&l->waiters)) != NULL) {
		lookup_leave(w);
		w->done(w->arg, path, error);
	}
	lookup_free(l);
}

static void
lookup_done(void *arg, struct bytes answer, const char *error)
{
	CLEANUP(cleanup_free) char *path = NULL;
	struct lookup *l = arg;

	l->run = NULL;
	l->all->n_running--;
	if (error == NULL && config_reply_path(answer, &path) != PARSE_OK)
		error = "p11-agent-config sent nonsense";
	lookup_tell(l, path, error);
}

static struct lookup *
lookup_find(const struct lookups *all, const char *path, bool running)
{
	struct lookup *l;

	TAILQ_FOREACH(l, &all->list, entry)
		if ((l->run != NULL) == running && strcmp(l->path, path) == 0)
			return l;
	return NULL;
}

/* A path that hangs has one place, however often it is asked for. */
static struct lookup *
lookup_next(const struct lookups *all)
{
	struct lookup *l;

	TAILQ_FOREACH(l, &all->list, entry)
		if (l->run == NULL && lookup_find(all, l->path, true) == NULL)
			return l;
	return NULL;
}

static void
lookup_start(struct lookup *l)
{
	const char *args[] = {"resolve", l->path, NULL};

	l->run = config_run_start(l->all->agent, args, lookup_done, l);
	if (l->run == NULL)
		lookup_tell(l, NULL, "p11-agent-config cannot be started");
	else
		l->all->n_running++;
}

static void
lookups_turn(evutil_socket_t fd, short what, void *arg)
{
	struct lookups *all = arg;
	struct lookup *l;

	(void)fd;
	(void)what;
	while (all->n_running < LOOKUPS_MAX && (l = lookup_next(all)) != NULL)
		lookup_start(l);
}

struct lookups *
lookups_new(struct agent *agent)
{
	struct lookups *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->agent = agent;
	TAILQ_INIT(&all->list);
	evtimer_assign(&all->turn, agent->base, lookups_turn, all);
	return all;
}

bool
lookup_ask(struct lookups *all, const char *path, struct lookup_waiter *w)
{
	struct lookup *l = lookup_find(all, path, false);

	if (l == NULL) {
		if (strlen(path) >= PATH_MAX_BYTES ||
		    (l = calloc(1, sizeof(*l))) == NULL)
			return false;
		if ((l->path = strdup(path)) == NULL) {
			free(l);
			return false;
		}
		l->all = all;
		TAILQ_INIT(&l->waiters);
		TAILQ_INSERT_TAIL(&all->list, l, entry);
	}
	w->lookup = l;
	TAILQ_INSERT_TAIL(&l->waiters, w, entry);
	event_active(&all->turn, EV_TIMEOUT, 0);
	return true;
}
