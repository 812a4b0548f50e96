/* SPDX-License-Identifier: BSD-2-Clause */
/* From what p11-agent-logind sees to PINs that are wiped. */
#include "agent/forget.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

#include "agent/allowlist.h"
#include "agent/backoff.h"
#include "agent/events.h"
#include "agent/link.h"
#include "agent/provider-list.h"
#include "agent/spawn.h"
#include "agent/token.h"
#include "agent/words.h"
#include "common/log.h"
#include "config.h"
#include "logind/wire.h"

struct forget {
	struct agent *agent;
	struct link *link; /* owned; NULL while none runs */
	struct event restart;
	struct backoff backoff;
	uint8_t watched;   /* what it is to watch: enum config_forget_on */
	unsigned owed;	   /* answers to LOGIND_SLEEP */
	bool watching;	   /* it said so */
	char *fault;	   /* owned */
};

bool
forget_is_wanted(const struct token *t, enum config_forget_on when)
{
	const struct config_token *section =
	    allowlist_token_section(t->agent, t);

	return section != NULL && (section->forget_on & when) != 0;
}

/* A module has copies of the PIN on its heap: its process ends with it. */
static void
forget_now(struct agent *a, enum config_forget_on when, const char *why)
{
	struct token *t = TAILQ_FIRST(&a->tokens), *next;

	for (; t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (!forget_is_wanted(t, when))
			continue;
		token_log(t, LOG_LEVEL_INFO, "its PIN is forgotten: %s", why);
		event_emit(a, EVENT_PIN_FORGOTTEN,
		    &(struct event_about){.token = t, .text = why});
		token_close(t, why);
		token_tidy(t);
	}
}

/* The processes are dead, and their memory with them. */
static void
forget_done(void *arg)
{
	struct forget *f = arg;

	for (; f->owed > 0; f->owed--)
		buffer_put_u8(link_out(f->link), LOGIND_FORGOTTEN);
	link_flush(f->link);
}

/* Logged when it is another one than before. Takes text over. */
static void
forget_set_fault(struct forget *f, char *text)
{
	if (!texts_equal(f->fault, text)) {
		if (text != NULL)
			log_warn("forget-on: sleep and screen lock are not "
			    "watched: %s", text);
		else
			log_info("forget-on: sleep and screen lock are "
			    "watched again");
	}
	free(f->fault);
	f->fault = text;
}

static void
forget_frame(void *arg, struct bytes body)
{
	struct logind_message m;
	struct forget *f = arg;

	if (logind_message_parse(body, &m) != PARSE_OK) {
		link_kill(f->link, "it sent nonsense");
		return;
	}
	switch (m.type) {
	case LOGIND_WATCHING:
		f->watching = true;
		backoff_over(&f->backoff);
		forget_set_fault(f, NULL);
		break;
	case LOGIND_FAULT:
		forget_set_fault(f, words_copy(m.text));
		break;
	case LOGIND_SLEEP:
		f->owed++;
		forget_now(f->agent, FORGET_ON_SLEEP,
		    "the machine goes to sleep");
		spawner_when_killed(f->agent->spawner, forget_done, f);
		break;
	case LOGIND_WAKE:
		/* To many readers it was a removal and an insertion. */
		providers_scan_again(f->agent);
		break;
	case LOGIND_LOCK:
		forget_now(f->agent, FORGET_ON_SCREEN_LOCK,
		    "the screen was locked");
		break;
	}
}

/* What was of the program that ran. */
static void
forget_clear(struct forget *f)
{
	spawner_when_killed(f->agent->spawner, NULL, NULL);
	f->owed = 0;
	f->watching = false;
}

static void
forget_ended(void *arg, const char *why)
{
	struct forget *f = arg;
	const struct timeval tv = {
		.tv_sec = (time_t)backoff_restart_sec(&f->backoff),
	};

	f->link = NULL; /* it frees itself */
	forget_clear(f);
	if (f->fault == NULL)
		forget_set_fault(f, words_copy(bytes_str(why)));
	evtimer_add(&f->restart, &tv);
}

static const struct link_events forget_events = {
	forget_frame,
	forget_ended,
};

static void
forget_start(evutil_socket_t fd, short what, void *arg)
{
	struct forget *f = arg;
	const char *args[3] = {NULL};
	const struct link_spec spec = {
		.program = "p11-agent-logind",
		.args = args,
		.in_max_bytes = WIRE_TEXT_MAX_BYTES + 16,
		.out_max_bytes = WIRE_TEXT_MAX_BYTES,
	};
	size_t n = 0;

	(void)fd;
	(void)what;
	if ((f->watched & FORGET_ON_SLEEP) != 0)
		args[n++] = "sleep";
	if ((f->watched & FORGET_ON_SCREEN_LOCK) != 0)
		args[n++] = "screen-lock";
	f->link = link_start(f->agent, &spec, &forget_events, f);
	if (f->link == NULL)
		forget_ended(f, "p11-agent-logind cannot be started");
}

static void
forget_stop(struct forget *f)
{
	event_del(&f->restart);
	f->link = link_forget(f->link);
	forget_clear(f);
	backoff_over(&f->backoff);
	free(f->fault);
	f->fault = NULL;
}

struct forget *
forget_new(struct agent *agent)
{
	struct forget *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->agent = agent;
	evtimer_assign(&f->restart, agent->base, forget_start, f);
	return f;
}

struct forget *
forget_free(struct forget *f)
{
	if (f == NULL)
		return NULL;
	forget_stop(f);
	free(f);
	return NULL;
}

void
forget_configure(struct forget *f)
{
	const struct config *c = f->agent->config;
	uint8_t wanted = 0;

	for (size_t i = 0; i < c->n_tokens; i++)
		wanted |= c->tokens[i].forget_on;
	wanted &= FORGET_ON_SLEEP | FORGET_ON_SCREEN_LOCK;
	if (wanted == f->watched)
		return;
	forget_stop(f);
	f->watched = wanted;
	if (wanted == 0)
		return;
	if (P11_AGENT_LOGIND)
		forget_start(-1, 0, f);
	else
		forget_set_fault(f, strdup("this p11-agent was built without "
		    "D-Bus"));
}

const char *
forget_fault(const struct forget *f)
{
	if (f->fault == NULL && f->watched != 0 && !f->watching)
		return "p11-agent-logind is starting";
	return f->fault;
}
