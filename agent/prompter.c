/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's end of a question to a person. */
#include "agent/prompter.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "agent/link.h"
#include "common/limits.h"
#include "common/log.h"

struct prompter {
	struct link *link; /* owned */
	struct event timeout;
	prompter_answered answered;
	void *arg;
	const char *expired; /* set when its time is over */
};

struct prompter *
prompter_free(struct prompter *p)
{
	if (p == NULL)
		return NULL;
	event_del(&p->timeout);
	link_forget(p->link);
	free(p);
	return NULL;
}

/* Free it first: the callback may start the next one. */
static void
prompter_finish(struct prompter *p, const struct answer *answer)
{
	prompter_answered answered = p->answered;
	void *arg = p->arg;

	p->answered = NULL;
	answered(arg, answer);
	prompter_free(p);
}

static void
prompter_frame(void *arg, struct bytes body)
{
	struct prompter *p = arg;
	struct answer answer = {.status = ANSWER_NO_WAY};
	enum parse_err err = answer_parse(body, &answer);

	if (err != PARSE_OK)
		answer = (struct answer){.status = ANSWER_NO_WAY,
		    .text = bytes_str("p11-agent-prompt sent nonsense")};
	prompter_finish(p, &answer);
}

static void
prompter_ended(void *arg, const char *why)
{
	struct prompter *p = arg;
	struct answer answer = {.status = ANSWER_NO_WAY,
	    .text = bytes_str(why)};

	if (p->expired != NULL)
		answer = (struct answer){.status = ANSWER_CANCEL,
		    .text = bytes_str(p->expired)};
	/* The link frees itself. */
	p->link = NULL;
	prompter_finish(p, &answer);
}

static void
prompter_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct prompter *p = arg;

	(void)fd;
	(void)what;
	p->expired = "nobody answered the prompt in time";
	link_kill(p->link, p->expired);
}

static const struct link_events prompter_events = {
	prompter_frame,
	prompter_ended,
};

struct prompter *
prompter_start(struct agent *agent, const struct question *q,
    prompter_answered answered, void *arg)
{
	static const struct link_spec spec = {
		.program = "p11-agent-prompt",
		.gentle = true,
		.in_max_bytes = 2 * WIRE_TEXT_MAX_BYTES,
		.out_max_bytes = 8 * WIRE_TEXT_MAX_BYTES,
	};
	const struct timeval limit = {.tv_sec = PROMPT_MAX_SEC};
	struct prompter *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->answered = answered;
	p->arg = arg;
	evtimer_assign(&p->timeout, agent->base, prompter_timeout, p);
	if ((p->link = link_start(agent, &spec, &prompter_events, p)) ==
	    NULL) {
		free(p);
		return NULL;
	}
	question_put(link_out(p->link), q);
	link_flush(p->link);
	evtimer_add(&p->timeout, &limit);
	return p;
}
