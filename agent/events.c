/* SPDX-License-Identifier: BSD-2-Clause */
/* Events on their way to those who watch. */
#include "agent/events.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "agent/config-flat.h"
#include "agent/control-client.h"
#include "agent/peer.h"
#include "agent/report.h"
#include "agent/token.h"

/* Milliseconds in a number of seconds since 1970, until the year 2286. */
enum { TIME_DIGITS = 13 };

static const char *const event_names[] = {
	[EVENT_WATCHING] = "watching",
	[EVENT_LOST] = "events lost",
	[EVENT_TOKEN_HERE] = "token here",
	[EVENT_TOKEN_LEFT] = "token left",
	[EVENT_TOKEN_IN_USE] = "token in use",
	[EVENT_TOKEN_FREE] = "token free",
	[EVENT_TOKEN_RELEASED] = "token released",
	[EVENT_PROCESS_STARTED] = "process started",
	[EVENT_PROCESS_ENDED] = "process ended",
	[EVENT_LOGGED_IN] = "logged in",
	[EVENT_LOGIN_FAILED] = "login failed",
	[EVENT_LOGIN_ENDED] = "login ended",
	[EVENT_PROMPT_OPENED] = "prompt opened",
	[EVENT_PROMPT_ANSWERED] = "prompt answered",
	[EVENT_PROMPT_CLOSED] = "prompt closed",
	[EVENT_PIN_WRONG] = "PIN wrong",
	[EVENT_PIN_LOCKED] = "PIN locked",
	[EVENT_PIN_FORGOTTEN] = "PIN forgotten",
	[EVENT_SIGNED] = "signed",
	[EVENT_NOT_SIGNED] = "not signed",
	[EVENT_TOUCH] = "touch wanted",
	[EVENT_PROVIDER_FAILED] = "provider failed",
	[EVENT_CONFIG_LOADED] = "config loaded",
	[EVENT_CONFIG_REFUSED] = "config refused",
};

static double
event_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (double)ts.tv_sec + (double)(ts.tv_nsec / 1000000) / 1000;
}

static void
put_key(json_t *e, const struct key *k)
{
	if (k->section != NULL)
		json_object_set_new(e, "key", string_json(k->section->name));
	json_object_set_new(e, "fingerprint", string_json(k->fingerprint));
}

char *
event_json(enum event_kind kind, const struct event_about *about)
{
	json_t *e = json_pack("{sf ss}", "time", event_time(), "event",
	    event_names[kind]);
	char who[PEER_NAME_BYTES], *text;

	if (e == NULL)
		return NULL;
	if (about->provider != NULL)
		json_object_set_new(e, "provider", string_json(
		    about->provider));
	if (about->token != NULL)
		json_object_set_new(e, "token", string_json(
		    about->token->name));
	if (about->key != NULL)
		put_key(e, about->key);
	if (about->client != 0)
		json_object_set_new(e, "client", string_json(peer_name(
		    about->client, who)));
	if (about->process != 0)
		json_object_set_new(e, "pid", json_integer(about->process));
	if (kind == EVENT_LOST)
		json_object_set_new(e, "lost", json_integer(about->n));
	if (about->text != NULL)
		json_object_set_new(e, "text", string_json(about->text));
	text = json_dumps(e, JSON_COMPACT | JSON_REAL_PRECISION(TIME_DIGITS));
	json_decref(e);
	return text;
}

void
event_emit(const struct agent *a, enum event_kind kind,
    const struct event_about *about)
{
	struct control_client *c;
	char *text = NULL;

	TAILQ_FOREACH(c, &a->controls, entry) {
		if (!c->watches)
			continue;
		if (text == NULL && (text = event_json(kind, about)) == NULL)
			return;
		control_watch_put(c, text);
	}
	free(text);
}
