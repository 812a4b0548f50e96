/* SPDX-License-Identifier: BSD-2-Clause */
/* Running p11-agent-config and taking its one answer. */
#include "agent/config-run.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/config-child.h"
#include "agent/link.h"
#include "agent/words.h"
#include "common/cleanup.h"
#include "common/limits.h"

struct config_run {
	struct link *link; /* owned */
	struct event timeout;
	config_run_done done;
	void *arg;
};

struct config_run *
config_run_free(struct config_run *r)
{
	if (r == NULL)
		return NULL;
	event_del(&r->timeout);
	link_forget(r->link);
	free(r);
	return NULL;
}

static void
config_run_finish(struct config_run *r, struct bytes answer,
    const char *error)
{
	r->done(r->arg, answer, error);
	config_run_free(r);
}

static void
config_run_frame(void *arg, struct bytes body)
{
	CLEANUP(cleanup_free) char *words = NULL;
	struct config_run *r = arg;
	struct config_reply reply;

	if (config_reply_parse(body, &reply) != PARSE_OK) {
		link_kill(r->link, "p11-agent-config sent nonsense");
	} else if (reply.status == CONFIG_REPLY_OK) {
		config_run_finish(r, reply.content, NULL);
	} else {
		words = words_copy(reply.content);
		config_run_finish(r, BYTES_NONE,
		    words == NULL ? "out of memory" : words);
	}
}

/* Without an answer. */
static void
config_run_ended(void *arg, const char *why)
{
	struct config_run *r = arg;
	char words[256];

	r->link = NULL; /* it frees itself */
	snprintf(words, sizeof(words), "p11-agent-config: %s", why);
	config_run_finish(r, BYTES_NONE, words);
}

static void
config_run_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct config_run *r = arg;

	(void)fd;
	(void)what;
	/* The end of the process may wait for the file, too. */
	config_run_finish(r, BYTES_NONE, "p11-agent-config: no answer in "
	    "time: a file system, or a FIFO, keeps it waiting");
}

static const struct link_events config_run_events = {
	config_run_frame,
	config_run_ended,
};

struct config_run *
config_run_start(struct agent *agent, const char *const *args,
    config_run_done done, void *arg)
{
	const struct link_spec spec = {
		.program = "p11-agent-config",
		.args = args,
		.in_max_bytes = CONFIG_REPLY_MAX_BYTES,
		.out_max_bytes = WIRE_TEXT_MAX_BYTES,
	};
	const struct timeval limit = {.tv_sec = CONFIG_CHILD_SEC};
	struct config_run *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->done = done;
	r->arg = arg;
	evtimer_assign(&r->timeout, agent->base, config_run_timeout, r);
	r->link = link_start(agent, &spec, &config_run_events, r);
	if (r->link == NULL) {
		free(r);
		return NULL;
	}
	evtimer_add(&r->timeout, &limit);
	return r;
}
