/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the PIN for a login comes from, and which are not even tried. */
#include "agent/login-state.h"

#include <stdio.h>
#include <string.h>

#include "agent/allowlist.h"
#include "agent/config-flat.h"
#include "agent/words.h"
#include "common/cleanup.h"
#include "common/limits.h"

/* Where a PIN may come from, in order, a line each. */
static void
login_put_sources(const struct login *l, struct buffer *b)
{
	static const char *const usual[] = {"pinentry", "askpass", NULL};
	const struct config_token *section =
	    allowlist_token_section(l->token->agent, l->token);
	const char *const *source = usual;

	if (section != NULL && section->pin_sources != NULL)
		source = (const char *const *)section->pin_sources;
	for (; *source != NULL; source++) {
		if (b->len > 0)
			buffer_put(b, bytes_str("\n"));
		buffer_put(b, bytes_str(*source));
	}
}

static void login_answered(void *arg, const struct answer *answer);

/* Ask a person, who sees l->warning and what is known of the tries. */
static void
login_prompt(struct login *l)
{
	CLEANUP(buffer_cleanup) struct buffer sources =
	    BUFFER_INIT(WIRE_TEXT_MAX_BYTES);
	struct token *t = l->token;
	char text[1024], tries[1024], warning[sizeof(l->warning) + 1024];
	struct question q = {
		.kind = QUESTION_PIN,
		.title = bytes_str(t->name),
		.client_pid = (uint32_t)l->client_pid,
		.persons_only = login_wants_person(l),
	};

	if (l->rounds++ >= PROMPT_ROUNDS_MAX) {
		login_finish(l, "too many wrong PINs in one request");
		return;
	}
	login_tries(l, tries, sizeof(tries));
	l->told = login_final_try(l);
	memcpy(l->named_key, l->purpose_key, sizeof(l->named_key));
	snprintf(text, sizeof(text), "PIN of %s, %s", t->name, l->purpose);
	snprintf(warning, sizeof(warning), "%s%s%s", l->warning,
	    l->warning[0] != '\0' && tries[0] != '\0' ? "\n" : "", tries);
	q.text = bytes_str(text);
	q.warning = bytes_str(warning);
	login_put_sources(l, &sources);
	q.sources = buffer_bytes(&sources);
	l->state = LOGIN_ASKING;
	l->prompter = prompter_start(t->agent, &q, login_answered, l);
	if (l->prompter == NULL)
		login_finish(l, "the prompt cannot be started");
	else
		event_emit(t->agent, EVENT_PROMPT_OPENED,
		    &(struct event_about){.token = t,
		    .client = l->client_pid, .text = l->purpose});
}

/* Ask again in the same request, saying what was wrong with the answer. */
void
login_prompt_again(struct login *l, const char *warning)
{
	snprintf(l->warning, sizeof(l->warning), "%s", warning);
	login_prompt(l);
}

/* A PIN that cannot be right costs no try: why, or NULL. */
static const char *
login_pin_fault(const struct login *l, const struct secret *pin)
{
	const struct token *t = l->token;
	size_t len = secret_bytes(pin).len;

	if (len == 0)
		return "The PIN was empty.";
	if (kept_pin_is(l->record->refused, pin))
		return "That PIN was refused before; it was not sent again.";
	if (t->pin_min > 0 && len < t->pin_min)
		return "That is shorter than this token's PINs; it was not "
		    "sent.";
	if (t->pin_max > 0 && len > t->pin_max)
		return "That is longer than this token's PINs; it was not "
		    "sent.";
	return NULL;
}

/* The answer was a PIN. */
static void
login_typed(struct login *l, struct secret *pin, bool unattended)
{
	const char *fault = login_pin_fault(l, pin);

	if (unattended && (fault != NULL || login_wants_person(l))) {
		secret_free(pin);
		login_persons_only(l);
		login_finish(l, "the PIN came from no person, and only a "
		    "person may try now");
	} else if (fault != NULL) {
		secret_free(pin);
		login_prompt_again(l, fault);
	} else {
		login_try(l, pin, unattended ?
		    PIN_UNATTENDED : PIN_FROM_PERSON);
	}
}

/* By a person, or because nobody was there: then `why` has the words. */
static void
login_cancelled(struct login *l, struct bytes why)
{
	CLEANUP(cleanup_free) char *text = words_copy(why.len > 0 ? why :
	    bytes_str("the PIN prompt was cancelled"));
	char words[512];

	snprintf(words, sizeof(words), "%s; no prompt for this token for a "
	    "minute", text == NULL ? "out of memory" : text);
	/* Of the lines about those who waited some may be left out. */
	token_log(l->token, LOG_LEVEL_INFO, "%s", words);
	login_event(l, EVENT_PROMPT_CLOSED, text);
	l->pause_until = login_now() + PROMPT_CANCEL_PAUSE_SEC;
	login_finish(l, words);
}

static void
login_answered(void *arg, const struct answer *answer)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct login *l = arg;
	struct secret *pin;

	l->prompter = NULL;
	switch (answer->status) {
	case ANSWER_OK:
		login_event(l, EVENT_PROMPT_ANSWERED, NULL);
		if ((pin = secret_new(answer->secret)) == NULL)
			login_prompt_again(l, "That is too long for a PIN.");
		else
			login_typed(l, pin, answer->unattended);
		return;
	case ANSWER_CANCEL:
		login_cancelled(l, answer->text);
		return;
	case ANSWER_NO_WAY:
		text = words_copy(answer->text);
		login_event(l, EVENT_PROMPT_CLOSED, text);
		token_set_error(l->token, text);
		login_finish(l, text == NULL ? "out of memory" : text);
		return;
	}
}

/*
 * One that was right before: for this request, or kept. With few tries left
 * only a person sends a PIN.
 */
static bool
login_try_proven(struct login *l, const struct login_waiter *w)
{
	struct secret *pin = NULL;

	if (!login_count_low(l))
		pin = w->member && l->proven != NULL ?
		    secret_new(secret_bytes(l->proven)) :
		    kept_pin_copy(l->kept);
	if (pin == NULL)
		return false;
	l->told = false;
	login_try(l, pin, PIN_KEPT);
	return true;
}

void
login_begin(struct login *l, struct login_waiter *w)
{
	const struct token *t = l->token;

	if ((login_flags(l) & TOKEN_PIN_LOCKED) != 0) {
		login_tell(l, w, LOGIN_PIN_LOCKED);
		return;
	}
	if (login_try_proven(l, w))
		return;
	if (login_now() < l->pause_until) {
		login_tell(l, w, "a PIN prompt was cancelled, or not "
		    "answered, less than a minute ago");
		return;
	}
	if ((t->flags & TOKEN_PROTECTED_PATH) == 0)
		login_prompt(l);
	else if (login_final_try(l))
		login_tell(l, w, LOGIN_LAST_TRY); /* a pad says nothing */
	else {
		l->told = false;
		login_try(l, NULL, PIN_FROM_PAD);
	}
}

void
login_ask(struct login *l, struct login_waiter *w, pid_t client_pid,
    const char *purpose)
{
	w->context = false;
	login_join(l, w);
	/* For the prompt; also for the one that may follow a wrong offer. */
	login_set_purpose(l, w, client_pid, purpose);
	if (l->state == LOGIN_IDLE)
		login_begin(l, w);
}

/* Why a PIN that somebody brought cannot be tried now; or NULL. */
static const char *
login_bring_fault(const struct login *l, const struct secret *pin,
    enum pin_origin origin)
{
	if (l->state == LOGIN_STORING || l->state == LOGIN_TRYING)
		return "another PIN is being tried";
	if ((login_flags(l) & TOKEN_PIN_LOCKED) != 0)
		return "the PIN is locked; it was not sent";
	if (origin == PIN_FROM_PAD)
		return NULL;
	if (origin == PIN_FROM_CLIENT && login_offer_fault(l) != NULL)
		return login_offer_fault(l);
	return login_pin_fault(l, pin);
}

static void
login_bring(struct login *l, struct login_waiter *w, struct secret **pin,
    enum pin_origin origin)
{
	struct secret *taken = *pin;
	const char *fault;

	*pin = NULL;
	w->context = false;
	login_join(l, w);
	fault = login_bring_fault(l, taken, origin);
	if (fault != NULL) {
		secret_free(taken);
		login_tell(l, w, fault);
		return;
	}
	l->offer = w;
	l->pause_until = 0;
	l->told = origin != PIN_FROM_CLIENT && login_final_try(l);
	login_try(l, taken, origin);
}

void
login_offer(struct login *l, struct login_waiter *w, struct secret **pin)
{
	login_bring(l, w, pin, PIN_FROM_CLIENT);
}

void
login_unlock(struct login *l, struct login_waiter *w, struct secret **pin)
{
	login_bring(l, w, pin, *pin == NULL ? PIN_FROM_PAD : PIN_FROM_TTY);
}
