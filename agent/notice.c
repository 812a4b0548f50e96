/* SPDX-License-Identifier: BSD-2-Clause */
/* Notices, each by a p11-agent-prompt of its own. */
#include "agent/notice.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

#include "agent/link.h"
#include "common/limits.h"
#include "common/log.h"
#include "prompt/question.h"

enum { NOTICE_SHOW_SEC = 15 };

struct notice {
	TAILQ_ENTRY(notice) entry; /* of agent->notices */
	struct agent *agent;
	struct link *link; /* NULL once the program has ended */
	struct event timer;
	bool by_itself;	   /* nobody else will end it */
	char *text;	   /* what the log gets where there is no desktop */
};

struct notice *
notice_end(struct notice *n)
{
	if (n == NULL)
		return NULL;
	TAILQ_REMOVE(&n->agent->notices, n, entry);
	event_del(&n->timer);
	/* It takes the notice off the desktop, which a kill would not. */
	link_release(n->link);
	free(n->text);
	free(n);
	return NULL;
}

static void
notice_frame(void *arg, struct bytes body)
{
	struct notice *n = arg;
	struct answer answer;

	if (answer_parse(body, &answer) != PARSE_OK ||
	    answer.status == ANSWER_OK || n->by_itself)
		return;
	log_info("%s", n->text);
}

static void
notice_ended(void *arg, const char *why)
{
	struct notice *n = arg;

	(void)why;
	n->link = NULL; /* it frees itself */
	if (n->by_itself)
		notice_end(n);
}

static void
notice_timeout(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	notice_end(arg);
}

static const struct link_events notice_events = {
	notice_frame,
	notice_ended,
};

struct notice *
notice_begin(struct agent *agent, const char *title, const char *text,
    pid_t client_pid)
{
	static const struct link_spec spec = {
		.program = "p11-agent-prompt",
		.in_max_bytes = 2 * WIRE_TEXT_MAX_BYTES,
		.out_max_bytes = 8 * WIRE_TEXT_MAX_BYTES,
	};
	const struct question q = {
		.kind = QUESTION_NOTICE,
		.title = bytes_str(title),
		.text = bytes_str(text),
		.client_pid = (uint32_t)client_pid,
	};
	struct notice *n = calloc(1, sizeof(*n));

	if (n == NULL || (n->text = strdup(text)) == NULL ||
	    (n->link = link_start(agent, &spec, &notice_events, n)) == NULL) {
		log_info("%s", text);
		if (n != NULL)
			free(n->text);
		free(n);
		return NULL;
	}
	n->agent = agent;
	evtimer_assign(&n->timer, agent->base, notice_timeout, n);
	TAILQ_INSERT_TAIL(&agent->notices, n, entry);
	question_put(link_out(n->link), &q);
	link_flush(n->link);
	return n;
}

void
notice_show(struct agent *agent, const char *title, const char *text)
{
	const struct timeval limit = {.tv_sec = NOTICE_SHOW_SEC};
	struct notice *n;

	log_warn("%s", text);
	if ((n = notice_begin(agent, title, text, 0)) == NULL)
		return;
	n->by_itself = true;
	evtimer_add(&n->timer, &limit);
}

void
notices_end(struct agent *agent)
{
	struct notice *n = TAILQ_FIRST(&agent->notices), *next;

	for (; n != NULL; n = next) {
		next = TAILQ_NEXT(n, entry);
		if (n->by_itself)
			notice_end(n);
	}
}
