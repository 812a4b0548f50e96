/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agentctl unlock and lock. */
#include "agent/control-client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/allowlist.h"
#include "agent/device.h"
#include "agent/process.h"
#include "agent/provider.h"
#include "agent/token.h"
#include "common/secret.h"
#include "common/text.h"

/* Its whole name fits nothing else; a label may fit the same card twice. */
static bool
token_is_called(const struct token *t, struct bytes name)
{
	if (bytes_is(name, t->name))
		return true;
	return (bytes_equal(name, t->id.label) ||
	    bytes_equal(name, t->id.serial)) && device_server(t) == NULL;
}

/* Without a name: those that hold something allowed and wait for a PIN. */
static bool
token_is_meant(const struct agent *a, const struct token *t,
    const struct bytes *name)
{
	if (name != NULL)
		return t->present && token_is_called(t, *name);
	return token_needs_login(t) && allowlist_wants_token(a, t);
}

/* The names, for a person who has to choose. */
static void
control_refuse_several(struct control_client *c, const struct bytes *name)
{
	char text[2048];
	const struct token *t;
	size_t n;

	n = (size_t)snprintf(text, sizeof(text), "%s", name == NULL ?
	    "which token?" : "several tokens are called so; which one?");
	TAILQ_FOREACH(t, &c->agent->tokens, entry) {
		if (!token_is_meant(c->agent, t, name) ||
		    n + strlen(t->name) + 8 > sizeof(text))
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "\n    %s",
		    t->name);
	}
	control_answer(c, CONTROL_REFUSED, text);
}

/* How many are meant; *ret is the last of them. */
static unsigned
tokens_meant(const struct agent *a, const struct bytes *name,
    struct token **ret)
{
	struct token *t;
	unsigned n = 0;

	TAILQ_FOREACH(t, &a->tokens, entry) {
		if (!token_is_meant(a, t, name))
			continue;
		*ret = t;
		n++;
	}
	return n;
}

struct token *
control_token(struct control_client *c, const struct bytes *name)
{
	struct token *found = NULL;
	unsigned n = tokens_meant(c->agent, name, &found);

	if (n == 1)
		return found;
	if (n > 1)
		control_refuse_several(c, name);
	else
		control_answer(c, CONTROL_REFUSED, name != NULL ?
		    "there is no such token (`p11-agentctl status` shows "
		    "those there are)" : "no token waits for a PIN");
	return NULL;
}

/* What to ask the person for, and what to say before. */
static void
control_unlock_question(struct control_client *c, const struct token *t)
{
	char tries[1024], label[256], serial[128];

	login_tries(t->login, tries, sizeof(tries));
	text_printable(t->id.label, label, sizeof(label));
	text_printable(t->id.serial, serial, sizeof(serial));
	control_answer_json(c, json_pack("{ss ss ss sb sb ss? sb si si}",
	    "token", t->name,
	    "label", label,
	    "serial", serial,
	    "needs_pin", token_needs_login(t),
	    "pad", (t->flags & TOKEN_PROTECTED_PATH) != 0,
	    "tries", tries[0] == '\0' ? NULL : tries,
	    "final_try", login_final_try(t->login),
	    "pin_min", (int)t->pin_min,
	    "pin_max", (int)t->pin_max));
}

/* No PIN goes to the card by a second way. */
static bool
control_refuse_served(struct control_client *c, const struct token *t)
{
	const struct token *server = device_server(t);
	char text[1024];

	if (server == NULL)
		return false;
	snprintf(text, sizeof(text), "the same card is served by provider "
	    "%s: unlock %s", server->provider->name, server->name);
	control_answer(c, CONTROL_REFUSED, text);
	return true;
}

static void
control_unlocked(void *arg, const char *why)
{
	struct control_client *c = arg;

	if (why != NULL)
		control_answer(c, CONTROL_REFUSED, why);
	else
		control_answer_json(c, json_pack("{sb}", "logged_in", true));
}

static void
control_unlock_try(struct control_client *c, struct token *t,
    struct bytes typed)
{
	bool pad = (t->flags & TOKEN_PROTECTED_PATH) != 0;
	struct secret *pin = pad ? NULL : secret_new(typed);

	if (!token_needs_login(t)) {
		secret_free(pin);
		control_unlocked(c, NULL);
		return;
	}
	if (pin == NULL && !pad) {
		control_answer(c, CONTROL_REFUSED,
		    "that is too long for a PIN");
		return;
	}
	backoff_wake(&t->backoff);
	c->login.done = control_unlocked;
	c->login.arg = c;
	login_unlock(t->login, &c->login, &pin);
}

/* It was looked for where need be. */
static void
control_unlock_wanted(struct control_client *c)
{
	struct bytes name = bytes_str(c->wanted);
	struct token *t = control_token(c, c->wanted == NULL ? NULL : &name);

	if (t != NULL && !control_refuse_served(c, t))
		control_unlock_question(c, t);
}

/*
 * Of one that was plugged in a moment ago a scan may be under way; one with a
 * name that nobody saw may be new.
 */
static void
control_unlock_look(struct control_client *c, const struct bytes *name)
{
	struct token *t;

	free(c->wanted);
	c->wanted = name == NULL ? NULL : bytes_strdup(*name);
	if (name != NULL && c->wanted == NULL)
		control_answer(c, CONTROL_REFUSED, "not the name of a token");
	else if (tokens_meant(c->agent, name, &t) > 0)
		control_unlock_wanted(c);
	else
		control_after_scans(c, name == NULL ? SCANS_UNDER_WAY :
		    SCANS_ALL, control_unlock_wanted);
}

void
control_unlock(struct control_client *c, const struct control_request *q)
{
	const struct bytes *name = q->n_words > 1 ? &q->words[1] : NULL;
	struct token *t;

	if (q->n_words < 3)
		control_unlock_look(c, name);
	else if ((t = control_token(c, name)) != NULL &&
	    !control_refuse_served(c, t))
		control_unlock_try(c, t, q->words[2]);
}

/* A module keeps copies of a PIN on its heap, so its process has to go. */
void
control_lock(struct control_client *c, const struct control_request *q)
{
	struct token *t = TAILQ_FIRST(&c->agent->tokens), *next;
	int n = 0;

	(void)q;
	for (; t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		n += (t->flags & TOKEN_LOGGED_IN) != 0;
		token_close(t, "locked by p11-agentctl");
		token_tidy(t);
	}
	control_answer_json(c, json_pack("{si}", "locked", n));
}
