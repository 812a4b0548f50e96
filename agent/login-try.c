/* SPDX-License-Identifier: BSD-2-Clause */
/* A PIN on its way: stored as a try, then sent. */
#include "agent/login-state.h"

#include <stdio.h>

#include "agent/notice.h"
#include "agent/process.h"
#include "common/log.h"

static struct login_pin
login_pin_at_hand(const struct login *l)
{
	return (struct login_pin){
		.secret = l->pin,
		.person = l->origin != PIN_UNATTENDED &&
		    l->origin != PIN_KEPT,
		.told = l->told,
	};
}

bool
login_send(struct login *l)
{
	const struct login_pin pin = login_pin_at_hand(l);
	struct token *t = l->token;

	/*
	 * OpenSC (0.23, PIV) shows no low counter to a process that was logged
	 * in. The last try may be spent by a person only, so a PIN that nobody
	 * stands behind goes where the counter is seen.
	 */
	if (!pin.person && t->process != NULL && process_had_login(t->process))
		process_lost(t->process, "its login is gone");
	return process_start(t) && process_login(t->process, &pin);
}

/* A person has to know what the reader waits for. */
static void
login_pad_notice(struct login *l)
{
	char text[2048], tries[1024];
	const struct token *t = l->token;

	login_tries(l, tries, sizeof(tries));
	snprintf(text, sizeof(text), "Type the PIN of %s on the reader%s%s.%s%s",
	    t->name, l->offer == NULL ? ", " : "",
	    l->offer == NULL ? l->purpose : "",
	    tries[0] == '\0' ? "" : " ", tries);
	l->notice = notice_begin(t->agent, t->name, text, l->client_pid);
}

/* The try is stored, or need not be. */
static void
login_go(struct login *l)
{
	struct login_waiter *w;

	/* Maybe since the prompt was opened. */
	if ((login_flags(l) & TOKEN_PIN_LOCKED) != 0) {
		login_end_try(l, PIN_END_UNSENT);
		login_finish(l, LOGIN_PIN_LOCKED);
		return;
	}
	l->state = LOGIN_TRYING;
	l->again = false;
	TAILQ_FOREACH(w, &l->waiters, entry)
		w->sent = true;
	TAILQ_FOREACH(w, &l->contexts, entry)
		w->sent = true;
	if (l->origin == PIN_FROM_PAD)
		login_pad_notice(l);
	if (!TAILQ_EMPTY(&l->waiters) || TAILQ_EMPTY(&l->contexts)) {
		if (login_send(l))
			return;
	} else {
		const struct login_pin sent = login_pin_at_hand(l);

		if (login_context_send(l, &sent))
			return;
	}
	login_end_try(l, PIN_END_UNSENT);
	login_finish(l, "its process takes no PIN");
}

/* The try cannot be stored: a person may spend it all the same. */
static void
login_unstored(struct login *l, const char *fault)
{
	const char *refusal;

	switch (l->origin) {
	case PIN_UNATTENDED:
		login_finish(l, "the PIN came from no person, and wrong PINs "
		    "cannot be stored, so that only a person may try now");
		return;
	case PIN_FROM_CLIENT:
		if ((refusal = login_offer_fault(l)) == NULL)
			break;
		login_held(l, refusal, "");
		return;
	case PIN_FROM_PERSON:
	case PIN_FROM_TTY:
	case PIN_FROM_PAD:
	case PIN_KEPT:
		break;
	}
	token_log(l->token, LOG_LEVEL_WARN, "a PIN is sent, and if it is wrong "
	    "the next p11-agent will not know: %s", fault);
	login_go(l);
}

static void
login_stored(void *arg, const char *fault)
{
	struct login *l = arg;

	if (fault == NULL)
		login_go(l);
	else
		login_unstored(l, fault);
}

void
login_try(struct login *l, struct secret *pin, enum pin_origin origin)
{
	if (l->prompter != NULL)
		login_event(l, EVENT_PROMPT_CLOSED, "a PIN came otherwise");
	l->prompter = prompter_free(l->prompter);
	secret_free(l->pin);
	l->pin = pin;
	l->origin = origin;
	l->state = LOGIN_STORING;
	l->pending = true;
	pin_record_try(l->record);
	if (origin == PIN_KEPT) {
		login_go(l);
		return;
	}
	switch (pin_file_store(l->token->agent->pin_file, l->record,
	    &l->storing)) {
	case PIN_STORED:
		login_go(l);
		return;
	case PIN_STORING:
		return;
	case PIN_NOT_STORED:
		login_unstored(l, "p11-agent-config cannot be started");
		return;
	}
}

/* The PIN has not been sent: another program has, or had, the token. */
static void
login_taken_done(void *arg, enum taken_answer answer)
{
	struct login *l = arg;

	switch (answer) {
	case TAKEN_NOT:
		login_climb(l, "the token is not there", false);
		return;
	case TAKEN_FREE:
		login_go(l);
		return;
	case TAKEN_STILL:
		login_end_try(l, PIN_END_UNSENT);
		login_finish(l, taken_words(l->token->taken));
		return;
	}
}

void
login_try_init(struct login *l)
{
	l->storing.done = login_stored;
	l->storing.arg = l;
	l->taken.done = login_taken_done;
	l->taken.arg = l;
}
