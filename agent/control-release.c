/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agentctl release: answered when the processes are gone. */
#include "agent/control-client.h"

#include "agent/control.h"
#include "agent/release.h"
#include "agent/token.h"

static const char *
release_name(enum release_answer answer)
{
	switch (answer) {
	case RELEASE_NOT_HELD:
		return "not held";
	case RELEASE_DONE:
		return "released";
	case RELEASE_LATER:
		return "in use";
	}
	return "unknown";
}

static bool
releases_end(const struct agent *a)
{
	const struct token *t;

	TAILQ_FOREACH(t, &a->tokens, entry)
		if (release_is_ending(t->release))
			return true;
	return false;
}

/* Only then may another program have what they held. */
static void
control_release_answer(struct control_client *c)
{
	json_t *tokens = c->released;

	if (tokens == NULL || releases_end(c->agent))
		return;
	c->released = NULL;
	control_answer_json(c, json_pack("{so}", "tokens", tokens));
}

void
control_released(struct agent *a)
{
	struct control_client *c, *next = TAILQ_FIRST(&a->controls);

	while ((c = next) != NULL) {
		next = TAILQ_NEXT(c, entry);
		control_release_answer(c);
	}
}

static void
control_release_token(struct control_client *c, struct token *t)
{
	json_array_append_new(c->released, json_pack("{ss ss}",
	    "name", t->name,
	    "result", release_name(release_order(t->release))));
}

void
control_release(struct control_client *c, const struct control_request *q)
{
	struct token *t = NULL;

	if (q->n_words > 1 && (t = control_token(c, &q->words[1])) == NULL)
		return;
	if ((c->released = json_array()) == NULL) {
		control_answer(c, CONTROL_REFUSED, "out of memory");
		return;
	}
	if (t != NULL)
		control_release_token(c, t);
	else
		TAILQ_FOREACH(t, &c->agent->tokens, entry)
			control_release_token(c, t);
	control_release_answer(c);
}
