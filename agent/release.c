/* SPDX-License-Identifier: BSD-2-Clause */
/* Ending the processes of tokens that are idle, for other programs. */
#include "agent/release.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "agent/allowlist.h"
#include "agent/clock.h"
#include "agent/config-flat.h"
#include "agent/control.h"
#include "agent/events.h"
#include "agent/link.h"
#include "agent/login.h"
#include "agent/process.h"
#include "agent/token.h"
#include "common/log.h"

struct release {
	struct token *token;
	struct event idle;   /* looks whether it was idle for so long */
	struct link *ending; /* owned; the process that was let go of */
	bool ordered;	     /* when it has answered what it owes */
};

/* Milliseconds of `release`; 0: never. */
static int64_t
release_after_ms(const struct token *t)
{
	const struct config_token *section =
	    allowlist_token_section(t->agent, t);

	return section == NULL ? 0 : (int64_t)section->release_sec * 1000;
}

bool
release_wanted(const struct token *t)
{
	return release_after_ms(t) > 0;
}

/* Nothing more is heard of it: other programs may have the token. */
static void
release_gone(void *arg, const char *why)
{
	struct release *r = arg;

	(void)why;
	r->ending = NULL; /* it frees itself */
	control_released(r->token->agent);
}

static const struct link_events release_events = {
	NULL,
	release_gone,
};

static void
release_now(struct release *r, const char *why)
{
	struct token *t = r->token;

	token_log(t, LOG_LEVEL_INFO, "%s, let go of it", why);
	event_emit(t->agent, EVENT_TOKEN_RELEASED,
	    &(struct event_about){.token = t, .text = why});
	link_forget(r->ending);
	r->ending = process_let_go(t->process, &release_events, r);
}

static void
release_wait(struct release *r, int64_t ms)
{
	const struct timeval tv = clock_timeval(ms);

	evtimer_add(&r->idle, &tv);
}

static bool
release_in_use(const struct token *t)
{
	return process_is_busy(t->process) || !process_is_ready(t->process) ||
	    login_is_waited_for(t->login);
}

/* It looks at the clock when it fires: no request sets a timer. */
static void
release_look(evutil_socket_t fd, short what, void *arg)
{
	struct release *r = arg;
	struct token *t = r->token;
	int64_t after = release_after_ms(t), left;

	(void)fd;
	(void)what;
	if (t->process == NULL || after == 0)
		return;
	left = release_in_use(t) ? after :
	    after - process_silent_ms(t->process);
	if (left > 0)
		release_wait(r, left);
	else
		release_now(r, "idle");
}

struct release *
release_new(struct token *t)
{
	struct release *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->token = t;
	evtimer_assign(&r->idle, t->agent->base, release_look, r);
	return r;
}

struct release *
release_free(struct release *r)
{
	if (r == NULL)
		return NULL;
	event_del(&r->idle);
	if (r->ending != NULL) {
		link_forget(r->ending);
		r->ending = NULL;
		control_released(r->token->agent);
	}
	free(r);
	return NULL;
}

void
release_watch(struct release *r)
{
	int64_t after = release_after_ms(r->token);

	event_del(&r->idle);
	if (r->token->process != NULL && after > 0)
		release_wait(r, after);
}

void
release_answered(struct release *r)
{
	if (r->ordered && !process_is_busy(r->token->process))
		release_now(r, "done");
}

void
release_over(struct release *r)
{
	event_del(&r->idle);
	r->ordered = false;
}

enum release_answer
release_order(struct release *r)
{
	const struct token *t = r->token;

	if (t->process == NULL)
		return r->ending == NULL ? RELEASE_NOT_HELD : RELEASE_DONE;
	if (process_is_busy(t->process)) {
		r->ordered = true;
		return RELEASE_LATER;
	}
	release_now(r, "by p11-agentctl");
	return RELEASE_DONE;
}

bool
release_is_ending(const struct release *r)
{
	return r->ending != NULL;
}
