/* SPDX-License-Identifier: BSD-2-Clause */
/* Getting a token logged in, without ever wasting a PIN try. */
#include "agent/login.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/allowlist.h"
#include "agent/config-flat.h"
#include "agent/kept-pin.h"
#include "agent/notice.h"
#include "agent/pin-memory.h"
#include "agent/process.h"
#include "agent/prompter.h"
#include "agent/token.h"
#include "agent/words.h"
#include "common/cleanup.h"
#include "common/limits.h"
#include "common/log.h"

enum login_state {
	LOGIN_IDLE,
	LOGIN_ASKING, /* a prompt is open */
	LOGIN_TRYING, /* a C_Login is under way */
};

enum pin_origin {
	PIN_FROM_PERSON,
	PIN_UNATTENDED,	 /* a source, or a cache, without a person */
	PIN_FROM_CLIENT, /* ssh-add -s */
	PIN_FROM_TTY,	 /* p11-agentctl unlock */
	PIN_FROM_PAD,	 /* the reader's own */
	PIN_KEPT,	 /* proven before, by keep-pin */
};

struct login {
	struct token *token;
	enum login_state state;
	TAILQ_HEAD(, login_waiter) waiters;
	unsigned round;		    /* of waiters: see login_finish */
	struct login_waiter *offer; /* who brought the PIN being tried */
	struct prompter *prompter;
	enum pin_origin origin;
	struct secret *pin;	/* being tried */
	struct secret *refused; /* the last wrong one, until a good one */
	struct kept_pin *kept;	/* keep-pin; owned */
	struct event expiry;	/* the end of a login: login = "8h" */
	struct pin_record *record; /* of its tries; the agent's */
	bool told;		/* the person, that it may be the last try */
	unsigned rounds;	/* prompts in this request */
	unsigned count;		/* good logins */
	time_t pause_until;
	pid_t client_pid;
	char purpose[256];
	char warning[256];
};

static time_t
now_sec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* The time of `login` is over. */
static void
login_expired(evutil_socket_t fd, short what, void *arg)
{
	struct login *l = arg;
	struct token *t = l->token;

	(void)fd;
	(void)what;
	log_info("%s: its login has run out", t->name);
	/* What is under way goes on with a login of its own. */
	if (t->process != NULL)
		process_lost(t->process, "the login has run out");
}

struct login *
login_new(struct token *t)
{
	struct login *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->kept = kept_pin_new(t->agent);
	l->record = pin_record_get(t->agent, &t->id);
	if (l->kept == NULL || l->record == NULL) {
		kept_pin_free(l->kept);
		free(l);
		return NULL;
	}
	l->token = t;
	TAILQ_INIT(&l->waiters);
	evtimer_assign(&l->expiry, t->agent->base, login_expired, l);
	return l;
}

static void
login_join(struct login *l, struct login_waiter *w)
{
	w->login = l;
	w->round = l->round;
	TAILQ_INSERT_TAIL(&l->waiters, w, entry);
}

/* Take one off the list and tell it. */
static void
login_tell(struct login *l, struct login_waiter *w, const char *why)
{
	TAILQ_REMOVE(&l->waiters, w, entry);
	w->login = NULL;
	if (l->offer == w)
		l->offer = NULL;
	w->done(w->arg, why);
}

/*
 * Tell everybody who waits by now. Being told may make them wait again, or
 * others leave: those who join meanwhile are of the next round.
 */
static void
login_finish(struct login *l, const char *why)
{
	unsigned round = l->round++;
	struct login_waiter *w;

	l->state = LOGIN_IDLE;
	l->prompter = prompter_free(l->prompter);
	l->pin = secret_free(l->pin);
	l->rounds = 0;
	l->warning[0] = '\0';
	while ((w = TAILQ_FIRST(&l->waiters)) != NULL && w->round == round)
		login_tell(l, w, why);
}

struct login *
login_free(struct login *l)
{
	if (l == NULL)
		return NULL;
	login_finish(l, "the token is gone");
	secret_free(l->refused);
	kept_pin_free(l->kept);
	event_del(&l->expiry);
	free(l);
	return NULL;
}

/* Few tries are left, by the token's flags or by our own count. */
static bool
login_count_low(const struct login *l)
{
	return (l->token->flags & TOKEN_PIN_COUNT_LOW) != 0 || l->record->wrong >= 1;
}

bool
login_final_try(const struct login *l)
{
	return (l->token->flags & TOKEN_PIN_FINAL_TRY) != 0 || l->record->wrong >= 2;
}

const char *
login_pin_state(const struct login *l)
{
	if ((l->token->flags & TOKEN_PIN_LOCKED) != 0)
		return "locked";
	if ((l->token->flags & TOKEN_PIN_NOT_SET) != 0)
		return "not set";
	if (login_final_try(l))
		return "maybe the last try";
	return login_count_low(l) ? "few tries left" : "ok";
}

void
login_tries(const struct login *l, char *out, size_t size)
{
	if ((l->token->flags & TOKEN_PIN_FINAL_TRY) != 0)
		snprintf(out, size, "This is the LAST try: one more wrong PIN "
		    "locks the token.");
	else if (l->record->wrong > 0)
		snprintf(out, size, "%u wrong PIN%s since the last good one; "
		    "what other programs tried is not known.%s", l->record->wrong,
		    l->record->wrong == 1 ? "" : "s", l->record->wrong < 2 ? "" :
		    " This may be the LAST try.");
	else if ((l->token->flags & TOKEN_PIN_COUNT_LOW) != 0)
		snprintf(out, size, "Only few tries are left.");
	else
		out[0] = '\0';
}

unsigned
login_count(const struct login *l)
{
	return l->count;
}

static const char PIN_LOCKED[] = "the PIN is locked; it has to be unblocked "
    "with the token's own tool";
static const char PIN_LAST_TRY[] = "it may be the last try, which only a "
    "person who was told may spend: run `p11-agentctl unlock`";

/* Send a PIN (NULL: the reader's pad) to the token; takes it over. */
static void
login_try(struct login *l, struct secret *pin, enum pin_origin origin)
{
	struct token *t = l->token;

	/* Maybe since the prompt was opened. */
	if ((t->flags & TOKEN_PIN_LOCKED) != 0) {
		secret_free(pin);
		login_finish(l, PIN_LOCKED);
		return;
	}
	l->prompter = prompter_free(l->prompter);
	secret_free(l->pin);
	l->pin = pin;
	l->origin = origin;
	l->state = LOGIN_TRYING;
	if (!process_start(t) || !process_login(t->process, pin,
	    origin != PIN_UNATTENDED && origin != PIN_KEPT, l->told))
		login_finish(l, "its process takes no PIN");
}

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
	char text[1024], tries[256], warning[sizeof(l->warning) + 256];
	struct question q = {
		.kind = QUESTION_PIN,
		.title = bytes_str(t->name),
		.client_pid = (uint32_t)l->client_pid,
		.persons_only = l->record->unattended_off || login_count_low(l),
	};

	if (l->rounds++ >= PROMPT_ROUNDS_MAX) {
		login_finish(l, "too many wrong PINs in one request");
		return;
	}
	login_tries(l, tries, sizeof(tries));
	l->told = login_final_try(l);
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
}

/* Ask again in the same request, saying what was wrong with the answer. */
static void
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
	if (l->refused != NULL && secret_equal(pin, l->refused))
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

	if (unattended && (fault != NULL || l->record->unattended_off ||
	    login_count_low(l))) {
		secret_free(pin);
		l->record->unattended_off = true;
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

static void
login_answered(void *arg, const struct answer *answer)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct login *l = arg;
	struct secret *pin;

	l->prompter = NULL;
	switch (answer->status) {
	case ANSWER_OK:
		if ((pin = secret_new(answer->secret)) == NULL)
			login_prompt_again(l, "That is too long for a PIN.");
		else
			login_typed(l, pin, answer->unattended);
		return;
	case ANSWER_CANCEL:
		l->pause_until = now_sec() + PROMPT_CANCEL_PAUSE_SEC;
		login_finish(l, "the PIN prompt was cancelled; no prompt for "
		    "this token for a minute");
		return;
	case ANSWER_NO_WAY:
		text = words_copy(answer->text);
		token_set_error(l->token, text);
		login_finish(l, text == NULL ? "out of memory" : text);
		return;
	}
}

/* With few tries left only a person sends a PIN, also a proven one. */
static bool
login_try_kept(struct login *l)
{
	struct secret *pin = login_count_low(l) ? NULL :
	    kept_pin_copy(l->kept);

	if (pin == NULL)
		return false;
	l->told = false;
	login_try(l, pin, PIN_KEPT);
	return true;
}

void
login_ask(struct login *l, struct login_waiter *w, pid_t client_pid,
    const char *purpose)
{
	const struct token *t = l->token;

	login_join(l, w);
	/* For the prompt; also for the one that may follow a wrong offer. */
	if (l->state != LOGIN_ASKING) {
		l->client_pid = client_pid;
		snprintf(l->purpose, sizeof(l->purpose), "%s", purpose);
	}
	if (l->state != LOGIN_IDLE)
		return;
	if ((t->flags & TOKEN_PIN_LOCKED) != 0) {
		login_tell(l, w, PIN_LOCKED);
		return;
	}
	if ((t->flags & TOKEN_PIN_NOT_SET) != 0) {
		login_tell(l, w, "the token has no PIN yet");
		return;
	}
	if (login_try_kept(l))
		return;
	if (now_sec() < l->pause_until) {
		login_tell(l, w, "a PIN prompt was cancelled less than a "
		    "minute ago");
		return;
	}
	if ((t->flags & TOKEN_PROTECTED_PATH) == 0)
		login_prompt(l);
	else if (login_final_try(l))
		login_tell(l, w, PIN_LAST_TRY); /* a pad says nothing */
	else {
		l->told = false;
		login_try(l, NULL, PIN_FROM_PAD);
	}
}

/* Why a PIN that somebody brought cannot be tried now; or NULL. */
static const char *
login_bring_fault(const struct login *l, const struct secret *pin,
    enum pin_origin origin)
{
	const struct token *t = l->token;

	if (l->state == LOGIN_TRYING)
		return "another PIN is being tried";
	if ((t->flags & TOKEN_PIN_LOCKED) != 0)
		return "the PIN is locked; it was not sent";
	if ((t->flags & TOKEN_PIN_NOT_SET) != 0)
		return "the token has no PIN yet";
	if (origin == PIN_FROM_CLIENT && login_final_try(l))
		return PIN_LAST_TRY;
	if (origin == PIN_FROM_PAD)
		return NULL;
	return login_pin_fault(l, pin);
}

static void
login_bring(struct login *l, struct login_waiter *w, struct secret **pin,
    enum pin_origin origin)
{
	struct secret *taken = *pin;
	const char *fault;

	*pin = NULL;
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

void
login_forget(struct login *l, const char *why)
{
	l->refused = secret_free(l->refused);
	kept_pin_wipe(l->kept);
	l->pause_until = 0;
	login_finish(l, why);
}

void
login_token_left(struct login *l, const char *why)
{
	/* A C_Login under way ends with its process. */
	if (l->state != LOGIN_TRYING)
		login_finish(l, why);
}

bool
login_remembers(const struct login *l)
{
	return l->record->wrong > 0 || l->refused != NULL ||
	    kept_pin_is_there(l->kept);
}

void
login_leave(struct login_waiter *w)
{
	struct login *l = w->login;

	if (l == NULL)
		return;
	TAILQ_REMOVE(&l->waiters, w, entry);
	w->login = NULL;
	if (l->offer == w)
		l->offer = NULL;
	if (TAILQ_EMPTY(&l->waiters) && l->state == LOGIN_ASKING)
		login_finish(l, NULL);
}

/* C_Login said that the PIN is wrong. */
static void
login_refused(struct login *l, const char *words)
{
	l->record->wrong++;
	kept_pin_wipe(l->kept);
	secret_free(l->refused);
	l->refused = l->pin;
	l->pin = NULL;
	log_warn("%s: wrong PIN (%s); %u since the last good one",
	    l->token->name, words, l->record->wrong);
	l->state = LOGIN_IDLE;
	switch (l->origin) {
	case PIN_UNATTENDED:
		l->record->unattended_off = true;
		login_finish(l, words);
		return;
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
	if (TAILQ_EMPTY(&l->waiters))
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

/* What the token's section says of a login, and of its PIN. */
static void
login_began(struct login *l)
{
	const struct config_token *section =
	    allowlist_token_section(l->token->agent, l->token);
	struct timeval limit = {0};

	event_del(&l->expiry);
	if (section == NULL)
		return;
	if (section->login == LOGIN_SECONDS) {
		limit.tv_sec = (time_t)section->login_sec;
		evtimer_add(&l->expiry, &limit);
	}
	/* One that was kept before has its time from when it was given. */
	if (l->pin != NULL && l->origin != PIN_KEPT &&
	    section->keep_pin_sec > 0)
		kept_pin_put(l->kept, l->pin, section->keep_pin_sec);
}

void
login_signed(struct login *l)
{
	struct token *t = l->token;
	const struct config_token *section =
	    allowlist_token_section(t->agent, t);

	if (section == NULL || section->login != LOGIN_EACH ||
	    t->process == NULL || (t->flags & TOKEN_LOGGED_IN) == 0)
		return;
	process_end(t->process, "a login is for one signature");
	/* The next one finds it running. */
	process_start(t);
}

/*
 * It was not sent, for want of tries: a person may see that now and type it
 * again.
 */
static void
login_held(struct login *l, const char *words)
{
	l->pin = secret_free(l->pin);
	l->state = LOGIN_IDLE;
	if (l->offer != NULL)
		login_tell(l, l->offer, words);
	if (l->state != LOGIN_IDLE)
		return;
	if (TAILQ_EMPTY(&l->waiters))
		login_finish(l, NULL);
	else if (l->origin == PIN_FROM_PAD)
		login_finish(l, PIN_LAST_TRY);
	else
		login_prompt_again(l, "Few tries are left, so that PIN was "
		    "not sent.");
}

/* Whether a PIN is right was not told: no program sends it another time. */
static void
login_doubt(struct login *l)
{
	if (l->origin != PIN_UNATTENDED && l->origin != PIN_KEPT)
		return;
	l->record->unattended_off = true;
	kept_pin_wipe(l->kept);
}

void
login_reconfigured(struct login *l)
{
	const struct config_token *section =
	    allowlist_token_section(l->token->agent, l->token);

	/* A shorter time than it was kept for counts from the next login. */
	if (section == NULL || section->keep_pin_sec != UINT32_MAX)
		kept_pin_wipe(l->kept);
}

void
login_result(struct login *l, const struct wire_login_result *w)
{
	CLEANUP(cleanup_free) char *words = wire_error_words(&w->error);
	const char *why = words == NULL ? "out of memory" : words;
	enum wire_outcome outcome = w->outcome;
	struct token *t = l->token;

	/* Many modules call the very try that locked the PIN just wrong. */
	if (outcome == WIRE_PIN_REFUSED &&
	    (t->flags & TOKEN_PIN_LOCKED) != 0)
		outcome = WIRE_PIN_LOCKED;
	switch (outcome) {
	case WIRE_OK:
		l->record->wrong = 0;
		l->count++;
		l->record->unattended_off = false;
		l->refused = secret_free(l->refused);
		login_began(l);
		log_info("%s: logged in", t->name);
		login_finish(l, NULL);
		return;
	case WIRE_LOGGED_IN:
		l->count++;
		login_finish(l, NULL);
		return;
	case WIRE_PIN_REFUSED:
		token_set_error(t, why);
		login_refused(l, why);
		return;
	case WIRE_PIN_HELD:
		login_held(l, why);
		return;
	case WIRE_PIN_LOCKED:
		t->flags |= TOKEN_PIN_LOCKED;
		why = PIN_LOCKED;
		login_locked_notice(t);
		allowlist_update(t->agent);
		break;
	case WIRE_CANCELLED:
		l->pause_until = now_sec() + PROMPT_CANCEL_PAUSE_SEC;
		break;
	case WIRE_LOST:
	case WIRE_NEED_LOGIN:
	case WIRE_NEED_CONTEXT:
	case WIRE_KEY_UNUSABLE:
	case WIRE_ERROR:
		log_error("%s: the login failed: %s", t->name, why);
		break;
	}
	token_set_error(t, why);
	login_doubt(l);
	login_finish(l, why);
	/* A fresh process believes nothing, and sees when it was unblocked. */
	if (outcome == WIRE_LOST || outcome == WIRE_PIN_LOCKED)
		t->process = process_end(t->process, why);
}

void
login_process_gone(struct login *l, const char *why)
{
	if (l->state != LOGIN_TRYING)
		return;
	login_doubt(l);
	login_finish(l, why);
}
