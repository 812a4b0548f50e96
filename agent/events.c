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

static const char *
event_name(enum event_kind kind)
{
	switch (kind) {
	case EVENT_WATCHING:
		return "watching";
	case EVENT_LOST:
		return "events lost";
	case EVENT_TOKEN_HERE:
		return "token here";
	case EVENT_TOKEN_LEFT:
		return "token left";
	case EVENT_TOKEN_IN_USE:
		return "token in use";
	case EVENT_TOKEN_FREE:
		return "token free";
	case EVENT_TOKEN_RELEASED:
		return "token released";
	case EVENT_PROCESS_STARTED:
		return "process started";
	case EVENT_PROCESS_ENDED:
		return "process ended";
	case EVENT_LOGGED_IN:
		return "logged in";
	case EVENT_LOGIN_FAILED:
		return "login failed";
	case EVENT_LOGIN_ENDED:
		return "login ended";
	case EVENT_PROMPT_OPENED:
		return "prompt opened";
	case EVENT_PROMPT_ANSWERED:
		return "prompt answered";
	case EVENT_PROMPT_CLOSED:
		return "prompt closed";
	case EVENT_PIN_WRONG:
		return "PIN wrong";
	case EVENT_PIN_LOCKED:
		return "PIN locked";
	case EVENT_PIN_FORGOTTEN:
		return "PIN forgotten";
	case EVENT_SIGNED:
		return "signed";
	case EVENT_NOT_SIGNED:
		return "not signed";
	case EVENT_TOUCH:
		return "touch wanted";
	case EVENT_PROVIDER_FAILED:
		return "provider failed";
	case EVENT_CONFIG_LOADED:
		return "config loaded";
	case EVENT_CONFIG_REFUSED:
		return "config refused";
	}
	return "unknown";
}

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
	    event_name(kind));
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
