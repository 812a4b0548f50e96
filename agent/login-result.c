/* SPDX-License-Identifier: BSD-2-Clause */
/* What the token said to a PIN, and what follows from that. */
#include "agent/login-state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/allowlist.h"
#include "agent/config-flat.h"
#include "agent/device.h"
#include "agent/notice.h"
#include "agent/process.h"
#include "agent/sign-job.h"
#include "agent/words.h"
#include "common/cleanup.h"
#include "common/log.h"

/* C_Login said that the PIN is wrong. */
static void
login_refused(struct login *l, const char *words)
{
	if (l->origin == PIN_UNATTENDED)
		login_persons_only(l);
	login_end_try(l, PIN_END_WRONG);
	kept_pin_wipe(l->kept);
	l->proven = secret_free(l->proven);
	if (l->pin != NULL)
		kept_pin_put(l->record->refused, l->pin, PIN_REFUSED_SEC);
	l->pin = secret_free(l->pin);
	token_log(l->token, LOG_LEVEL_WARN, "wrong PIN (%s); %u since the "
	    "last good one", words, l->record->wrong);
	login_event(l, EVENT_PIN_WRONG, words);
	l->state = LOGIN_IDLE;
	switch (l->origin) {
	case PIN_UNATTENDED:
	case PIN_FROM_PAD:
		login_finish(l, words);
		return;
	case PIN_FROM_CLIENT:
	case PIN_FROM_TTY:
		/* Others may wait, whom a person can still help. */
		if (l->offer != NULL)
			login_tell(l, l->offer, words);
		break;
	case PIN_FROM_PERSON:
	case PIN_KEPT:
		break;
	}
	if (l->state != LOGIN_IDLE)
		return;
	if (login_is_alone(l))
		login_finish(l, NULL);
	else
		login_prompt_again(l, "The PIN was wrong.");
}

/* Once: while it is locked no PIN is sent any more. */
static void
login_locked_notice(const struct token *t)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s: its PIN is locked, so its keys left "
	    "the list. Unblock it with its PUK or SO PIN: %s", t->name,
	    token_unblock_command(t));
	notice_show(t->agent, t->name, text);
}

/* How long it may be used. */
static void
login_began(struct login *l)
{
	const struct config_token *section =
	    allowlist_token_section(l->token->agent, l->token);

	l->count++;
	life_timer_stop(&l->expiry);
	if (section != NULL && section->login == LOGIN_SECONDS)
		life_timer_start(&l->expiry, section->login_sec);
}

/* It left while C_Login was at work. */
static bool
login_left_to_forget(const struct login *l,
    const struct config_token *section)
{
	return !l->token->present &&
	    (section->forget_on & FORGET_ON_REMOVAL) != 0;
}

void
login_proven(struct login *l)
{
	const struct config_token *section =
	    allowlist_token_section(l->token->agent, l->token);

	login_end_try(l, PIN_END_GOOD);
	device_pin_good(l->token);
	/* One that was kept before has its time from when it was given. */
	if (l->pin == NULL || l->origin == PIN_KEPT)
		return;
	if (section != NULL && section->keep_pin_sec > 0 &&
	    !login_left_to_forget(l, section))
		kept_pin_put(l->kept, l->pin, section->keep_pin_sec);
	login_share_pin(l);
}

void
login_held(struct login *l, const char *words, const char *warning)
{
	login_end_try(l, PIN_END_UNSENT);
	pin_waiter_leave(&l->storing);
	l->pin = secret_free(l->pin);
	l->state = LOGIN_IDLE;
	if (l->offer != NULL)
		login_tell(l, l->offer, words);
	if (l->state != LOGIN_IDLE)
		return;
	if (login_is_alone(l))
		login_finish(l, NULL);
	else if (l->origin == PIN_FROM_PAD)
		login_finish(l, LOGIN_LAST_TRY);
	else
		login_prompt_again(l, warning);
}

void
login_doubt(struct login *l)
{
	l->proven = secret_free(l->proven);
	if (l->origin != PIN_UNATTENDED && l->origin != PIN_KEPT)
		return;
	login_persons_only(l);
	kept_pin_wipe(l->kept);
}

static void
login_expired_notice(const struct token *t, const char *words)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s: %s", t->name, words);
	notice_show(t->agent, t->name, text);
}

char *
login_pin_expired(struct login *l, const char *why)
{
	char command[TOKEN_COMMAND_BYTES], *text;
	struct token *t = l->token;

	kept_pin_wipe(l->kept);
	l->proven = secret_free(l->proven);
	if (asprintf(&text, "%s: its PIN has to be changed before it may be "
	    "used: `%s`, or the token's own tool", why,
	    token_change_command(t, command)) < 0)
		return NULL;
	token_set_error(t, text);
	login_expired_notice(t, text);
	return text;
}

/* Right or not: nothing was told of that, and nothing can be done with it. */
static void
login_failed_expired(struct login *l, const char *words)
{
	CLEANUP(cleanup_free) char *text = login_pin_expired(l, words);
	const char *why = text == NULL ? "out of memory" : text;

	login_end_try(l, PIN_END_UNSENT);
	token_log(l->token, LOG_LEVEL_ERROR, "the login failed: %s", why);
	login_event(l, EVENT_LOGIN_FAILED, why);
	login_doubt(l);
	login_finish(l, why);
	/* A fresh process believes nothing, and sees when it was changed. */
	process_end(l->token->process, why);
}

void
login_failed(struct login *l, enum wire_outcome outcome, bool in_doubt,
    const char *why)
{
	struct token *t = l->token;

	/* Many modules call the very try that locked the PIN just wrong. */
	if (outcome == WIRE_PIN_REFUSED &&
	    (t->flags & TOKEN_PIN_LOCKED) != 0)
		outcome = WIRE_PIN_LOCKED;
	switch (outcome) {
	case WIRE_PIN_REFUSED:
		token_set_error(t, why);
		login_refused(l, why);
		return;
	case WIRE_PIN_HELD:
		login_held(l, why, "Few tries are left, so that PIN was not "
		    "sent.");
		return;
	case WIRE_PIN_LOCKED:
		/* A new count begins when it is unblocked. */
		login_end_try(l, PIN_END_UNSENT);
		t->flags |= TOKEN_PIN_LOCKED;
		why = LOGIN_PIN_LOCKED;
		login_event(l, EVENT_PIN_LOCKED, NULL);
		login_locked_notice(t);
		allowlist_update(t->agent);
		sign_held_fail(t, why);
		break;
	case WIRE_PIN_EXPIRED:
		login_failed_expired(l, why);
		return;
	case WIRE_CANCELLED:
		login_end_try(l, PIN_END_UNSENT);
		l->pause_until = login_now() + PROMPT_CANCEL_PAUSE_SEC;
		login_event(l, EVENT_LOGIN_FAILED, why);
		break;
	default:
		if (!in_doubt)
			login_end_try(l, PIN_END_UNSENT);
		token_log(t, LOG_LEVEL_ERROR, "the login failed: %s", why);
		login_event(l, EVENT_LOGIN_FAILED, why);
		break;
	}
	token_set_error(t, why);
	login_doubt(l);
	login_finish(l, why);
	/* A fresh process believes nothing, and sees when it was unblocked. */
	if (outcome == WIRE_PIN_LOCKED)
		process_end(t->process, why);
}

void
login_climb(struct login *l, const char *why, bool in_doubt)
{
	struct token *t = l->token;

	if (!in_doubt && !l->again && t->present) {
		l->again = true;
		token_log(t, LOG_LEVEL_INFO, "%s; logging in with a fresh "
		    "process", why);
		if (login_send(l))
			return;
	}
	if (in_doubt)
		login_doubt(l);
	else
		login_end_try(l, PIN_END_UNSENT);
	login_event(l, EVENT_LOGIN_FAILED, why);
	login_finish(l, in_doubt && l->origin == PIN_KEPT && t->present ?
	    NULL : why);
}

/* Nothing is believed after a loss: a fresh process goes on. */
static void
login_lost(struct login *l, const char *why, bool in_doubt)
{
	token_log(l->token, LOG_LEVEL_ERROR, "the login failed: %s", why);
	token_set_error(l->token, why);
	process_lost(l->token->process, why);
	login_climb(l, why, in_doubt);
}

void
login_result(struct login *l, const struct wire_login_result *w)
{
	CLEANUP(cleanup_free) char *words = NULL;
	const char *why;

	switch (w->outcome) {
	case WIRE_OK:
		login_began(l);
		login_proven(l);
		token_log(l->token, LOG_LEVEL_INFO, "logged in");
		login_event(l, EVENT_LOGGED_IN, NULL);
		login_finish(l, NULL);
		return;
	case WIRE_LOGGED_IN:
		login_end_try(l, PIN_END_UNSENT);
		l->count++;
		login_finish(l, NULL);
		return;
	default:
		break;
	}
	words = wire_error_words(&w->error);
	why = words == NULL ? "out of memory" : words;
	if (w->outcome == WIRE_LOST)
		login_lost(l, why, w->pin_in_doubt);
	else
		login_failed(l, w->outcome, w->pin_in_doubt, why);
}

void
login_process_gone(struct login *l, const char *why, enum login_loss loss)
{
	struct taken *taken = l->token->taken;

	if (l->state != LOGIN_TRYING)
		return;
	if (loss == LOGIN_UNSENT && taken_in_doubt(taken)) {
		taken_wait(taken, &l->taken);
		return;
	}
	switch (loss) {
	case LOGIN_LOST:
	case LOGIN_UNSENT:
		login_climb(l, why, loss == LOGIN_LOST);
		return;
	case LOGIN_ENDED:
		login_doubt(l);
		break;
	case LOGIN_STOPPED:
		login_end_try(l, PIN_END_UNSENT);
		break;
	}
	login_finish(l, why);
}
