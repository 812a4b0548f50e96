/* SPDX-License-Identifier: BSD-2-Clause */
/* Having the config read, and put in force. */
#include "agent/reload.h"

#include <stdlib.h>
#include <string.h>

#include "agent/announce.h"
#include "agent/config-flat.h"
#include "agent/config-run.h"
#include "agent/events.h"
#include "agent/helpers.h"
#include "common/log.h"

struct reload {
	struct agent *agent;
	char *file;		/* absolute; or NULL */
	struct config_run *run; /* owned; while one is under way */
	bool again;		/* asked for meanwhile */
	char *error;		/* of the last one; owned */
	TAILQ_HEAD(reload_waiters, reload_waiter) waiters;
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

/* Tell those who wait by now. */
static void
reload_tell(struct reload *r, const char *error)
{
	struct reload_waiter *w, *last = TAILQ_LAST(&r->waiters,
	    reload_waiters);

	while ((w = TAILQ_FIRST(&r->waiters)) != NULL) {
		TAILQ_REMOVE(&r->waiters, w, entry);
		w->reload = NULL;
		w->done(w->arg, error);
		if (w == last)
			break;
	}
}

struct reload *
reload_free(struct reload *r)
{
	if (r == NULL)
		return NULL;
	config_run_free(r->run);
	reload_tell(r, "p11-agent ends");
	free(r->file);
	free(r->error);
	free(r);
	return NULL;
}

static void
reload_finish(struct reload *r, struct config *config, const char *error)
{
	free(r->error);
	r->error = error == NULL ? NULL : strdup(error);
	event_emit(r->agent, config == NULL ? EVENT_CONFIG_REFUSED :
	    EVENT_CONFIG_LOADED, &(struct event_about){.text = error});
	if (config != NULL)
		agent_configure(r->agent, config);
	else
		log_error("%s", error);
	announce_change(r->agent);
	reload_tell(r, r->error);
	if (r->again) {
		r->again = false;
		reload_start(r, NULL);
	}
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

	if (w != NULL) {
		w->reload = r;
		TAILQ_INSERT_TAIL(&r->waiters, w, entry);
	}
	/* Whoever asks now may have changed the file behind its reader. */
	if (r->run != NULL) {
		r->again = true;
		return;
	}
	r->run = config_run_start(r->agent, args, reload_read, r);
	announce_change(r->agent);
	if (r->run == NULL)
		reload_finish(r, NULL, "p11-agent-config cannot be started");
}

void
reload_leave(struct reload_waiter *w)
{
	if (w->reload == NULL)
		return;
	TAILQ_REMOVE(&w->reload->waiters, w, entry);
	w->reload = NULL;
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
