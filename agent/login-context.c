/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys that want their PIN for each signature, and who shares one. */
#include "agent/login-state.h"

#include <string.h>

#include "agent/words.h"
#include "common/cleanup.h"

/* Back to the front: its turn is not over. */
static void
login_rejoin(struct login *l, struct login_waiter *w)
{
	w->login = l;
	w->round = l->round;
	TAILQ_INSERT_HEAD(&l->contexts, w, entry);
}

static struct login_waiter *
login_first_context(const struct login *l)
{
	struct login_waiter *w;

	TAILQ_FOREACH(w, &l->contexts, entry)
		if (w->member)
			return w;
	return TAILQ_FIRST(&l->contexts);
}

/* A PIN that a person typed is for the key that the prompt named. */
static bool
login_may_share(const struct login *l, const struct login_waiter *w)
{
	return l->origin != PIN_FROM_PERSON || w->key == NULL ||
	    memcmp(w->key, l->named_key, sizeof(l->named_key)) == 0;
}

void
login_context(struct login *l, struct login_waiter *w, pid_t client_pid,
    const char *purpose)
{
	w->context = true;
	login_join(l, w);
	login_set_purpose(l, w, client_pid, purpose);
	/* The signature waited for the login that has just proven a PIN. */
	if (l->sharing && login_may_share(l, w))
		login_enlist(l, w);
	if (l->state == LOGIN_IDLE && !l->telling &&
	    (w->member || l->members == 0))
		login_begin(l, w);
}

/* Send the PIN at hand with the signature of who comes first. */
bool
login_context_send(struct login *l, const struct login_pin *pin)
{
	struct login_waiter *w = login_first_context(l);

	TAILQ_REMOVE(&l->contexts, w, entry);
	w->login = NULL;
	l->signing = w;
	if (w->sign(w->arg, pin))
		return true;
	l->signing = NULL;
	login_rejoin(l, w);
	return false;
}

/* One that waits goes on. False when none may now. */
static bool
login_context_step(struct login *l)
{
	struct login_waiter *w;

	if (l->state != LOGIN_IDLE || l->telling)
		return false;
	if (l->members == 0)
		l->proven = secret_free(l->proven);
	w = login_first_context(l);
	if (w == NULL || (!w->member && l->members > 0))
		return false;
	if (!l->token->present)
		login_tell(l, w, "the token is gone");
	else if (w->member)
		login_begin(l, w);
	else
		login_tell(l, w, NULL); /* it asks again, in its own words */
	return true;
}

void
login_context_next(struct login *l)
{
	if (l->stepping)
		return;
	l->stepping = true;
	while (login_context_step(l))
		continue;
	l->stepping = false;
}

bool
login_has_pin_at(const struct login *l, const struct login_waiter *w)
{
	return l->signing == w;
}

/*
 * Done with the PIN at hand. What waits for a signature's goes on when the
 * one that was answered is over.
 */
static void
login_rest(struct login *l)
{
	bool telling = l->telling;

	l->telling = true;
	login_finish(l, NULL);
	l->telling = telling;
}

bool
login_signature(struct login *l, const struct wire_sign_result *r,
    bool wanted)
{
	CLEANUP(cleanup_free) char *words = NULL;
	struct login_waiter *w = l->signing;

	l->signing = NULL;
	switch (r->pin) {
	case WIRE_PIN_GOOD:
		w->sent = false;
		login_proven(l);
		if (l->sharing && wanted)
			login_enlist(l, w);
		login_rest(l);
		return true;
	case WIRE_PIN_UNSEEN:
		w->sent = false;
		if (r->outcome == WIRE_NEED_LOGIN && wanted) {
			login_rejoin(l, w);
			if (!login_send(l)) {
				login_end_try(l, PIN_END_UNSENT);
				login_finish(l, "its process takes no PIN");
			}
			return false;
		}
		if (r->outcome == WIRE_PIN_HELD ||
		    r->outcome == WIRE_PIN_LOCKED)
			break;
		login_end_try(l, PIN_END_UNSENT);
		login_rest(l);
		return true;
	case WIRE_PIN_TRIED:
		if (r->outcome != WIRE_LOST && r->outcome != WIRE_NEED_LOGIN)
			break;
		login_doubt(l);
		login_rest(l);
		return true;
	}
	if (wanted)
		login_rejoin(l, w);
	words = wire_error_words(&r->error);
	login_failed(l, r->outcome, r->pin == WIRE_PIN_TRIED,
	    words == NULL ? "out of memory" : words);
	return !wanted;
}

void
login_signature_lost(struct login *l)
{
	l->signing = NULL;
	login_doubt(l);
	login_rest(l);
}

void
login_enlist(struct login *l, struct login_waiter *w)
{
	w->sent = false;
	if (!w->member)
		l->members++;
	w->member = true;
}

/*
 * The PIN at hand is for those who wait now, and for nobody who comes later,
 * nor (login = "each") for those whose turn it is not yet.
 */
void
login_share_pin(struct login *l)
{
	struct login_waiter *w;

	secret_free(l->proven);
	l->proven = l->pin;
	l->pin = NULL;
	l->sharing = true;
	TAILQ_FOREACH(w, &l->contexts, entry)
		if (login_may_share(l, w))
			login_enlist(l, w);
}

void
login_over(struct login *l, struct login_waiter *w)
{
	if (w->member)
		l->members--;
	w->member = false;
	login_context_next(l);
}
