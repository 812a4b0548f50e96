/* SPDX-License-Identifier: BSD-2-Clause */
/* Having the config read, and put in force. */
#include "agent/reload.h"

#include <stdlib.h>
#include <string.h>

#include "agent/announce.h"
#include "agent/config-flat.h"
#include "agent/config-run.h"
#include "agent/events.h"
#include "common/helpers.h"
#include "common/log.h"

struct reload {
	struct agent *agent;
	char *file;		/* absolute; or NULL */
	struct config_run *run; /* owned; while one is under way */
	bool again;		/* asked for meanwhile */
	unsigned round;		/* of the reading under way, or the next */
	char *error;		/* of the last one; owned */
	TAILQ_HEAD(, reload_waiter) waiters; /* in the order of rounds */
};

struct reload *
reload_new(struct agent *agent, const char *file)
{
	struct reload *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->agent = agent;
	TAILQ_INIT(&r->waiters);
	if (file != NULL && (r->file = path_absolute(file)) == NULL)
		return reload_free(r);
	return r;
}

void
reload_leave(struct reload_waiter *w)
{
	if (w->reload == NULL)
		return;
	TAILQ_REMOVE(&w->reload->waiters, w, entry);
	w->reload = NULL;
}

/* Tell those who wait for this reading; the others, for the next. */
static void
reload_tell(struct reload *r, const char *error)
{
	unsigned round = r->round++;
	struct reload_waiter *w;

	while ((w = TAILQ_FIRST(&r->waiters)) != NULL && w->round == round) {
		reload_leave(w);
		w->done(w->arg, error);
	}
}

struct reload *
reload_free(struct reload *r)
{
	if (r == NULL)
		return NULL;
	config_run_free(r->run);
	while (!TAILQ_EMPTY(&r->waiters))
		reload_tell(r, "p11-agent ends");
	free(r->file);
	free(r->error);
	free(r);
	return NULL;
}

static void
reload_warn(const struct config *c)
{
	for (size_t i = 0; c->warnings != NULL && c->warnings[i] != NULL; i++)
		log_warn("%s", c->warnings[i]);
}

static void
reload_finish(struct reload *r, struct config *config, const char *error)
{
	free(r->error);
	r->error = error == NULL ? NULL : strdup(error);
	event_emit(r->agent, config == NULL ? EVENT_CONFIG_REFUSED :
	    EVENT_CONFIG_LOADED, &(struct event_about){.text = error});
	if (config != NULL) {
		reload_warn(config);
		agent_configure(r->agent, config);
	} else {
		log_error("%s", error);
	}
	announce_change(r->agent);
	reload_tell(r, error);
	if (r->again && r->run == NULL)
		reload_start(r, NULL);
}

static void
reload_read(void *arg, struct bytes answer, const char *error)
{
	struct reload *r = arg;
	struct config *config = NULL;

	r->run = NULL;
	if (error == NULL && config_parse(answer, &config) != PARSE_OK)
		error = "p11-agent-config sent nonsense";
	reload_finish(r, config, error);
}

void
reload_start(struct reload *r, struct reload_waiter *w)
{
	const char *args[] = {"load", r->file, NULL};

	/* Whoever asks now may have changed the file behind its reader. */
	r->again = r->run != NULL;
	if (w != NULL) {
		w->reload = r;
		w->round = r->round + r->again;
		TAILQ_INSERT_TAIL(&r->waiters, w, entry);
	}
	if (r->again)
		return;
	r->run = config_run_start(r->agent, args, reload_read, r);
	announce_change(r->agent);
	if (r->run == NULL)
		reload_finish(r, NULL, "p11-agent-config cannot be started");
}

bool
reload_under_way(const struct reload *r)
{
	return r->run != NULL;
}

const char *
reload_error(const struct reload *r)
{
	return r->error;
}
