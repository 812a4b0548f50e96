/* SPDX-License-Identifier: BSD-2-Clause */
/* Who waits for a login, how long it lasts, what is known of the tries. */
#include "agent/login-state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/allowlist.h"
#include "agent/clock.h"
#include "agent/config-flat.h"
#include "agent/device.h"
#include "agent/notice.h"
#include "agent/process.h"
#include "agent/release.h"
#include "common/log.h"

const char LOGIN_PIN_LOCKED[] = "the PIN is locked; it has to be unblocked "
    "with the token's own tool";
const char LOGIN_LAST_TRY[] = "it may be the last try, which only a person "
    "who was told may spend: run `p11-agentctl unlock`";

void
login_event(const struct login *l, enum event_kind kind, const char *text)
{
	const struct event_about about = {.token = l->token, .text = text};

	event_emit(l->token->agent, kind, &about);
}

time_t
login_now(void)
{
	return (time_t)(clock_life_ms() / 1000);
}

/* The time of `login` is over. */
static void
login_expired(void *arg)
{
	struct login *l = arg;
	struct token *t = l->token;

	/* It may have ended before, and a fresh process be at work. */
	if (t->process == NULL || (t->flags & TOKEN_LOGGED_IN) == 0)
		return;
	token_log(t, LOG_LEVEL_INFO, "its login has run out");
	/* What is under way goes on with a login of its own. */
	process_lost(t->process, "the login has run out");
}

void
login_join(struct login *l, struct login_waiter *w)
{
	w->login = l;
	w->round = l->round;
	w->sent = l->state == LOGIN_TRYING;
	if (w->context)
		TAILQ_INSERT_TAIL(&l->contexts, w, entry);
	else
		TAILQ_INSERT_TAIL(&l->waiters, w, entry);
}

static void
login_part(struct login *l, struct login_waiter *w)
{
	if (w->context)
		TAILQ_REMOVE(&l->contexts, w, entry);
	else
		TAILQ_REMOVE(&l->waiters, w, entry);
	w->login = NULL;
	if (l->offer == w)
		l->offer = NULL;
}

void
login_tell(struct login *l, struct login_waiter *w, const char *why)
{
	login_part(l, w);
	if (why == NULL)
		w->sent = false;
	w->done(w->arg, why);
}

bool
login_is_alone(const struct login *l)
{
	return TAILQ_EMPTY(&l->waiters) && TAILQ_EMPTY(&l->contexts);
}

void
login_set_purpose(struct login *l, const struct login_waiter *w,
    pid_t client_pid, const char *purpose)
{
	if (l->state == LOGIN_ASKING)
		return;
	l->client_pid = client_pid;
	snprintf(l->purpose, sizeof(l->purpose), "%s", purpose);
	memset(l->purpose_key, 0, sizeof(l->purpose_key));
	if (w->key != NULL)
		memcpy(l->purpose_key, w->key, sizeof(l->purpose_key));
}

/*
 * Tell everybody who waits by now. Being told may make them wait again, or
 * others leave: those who join meanwhile are of the next round.
 */
void
login_finish(struct login *l, const char *why)
{
	unsigned round = l->round++;
	bool nested = l->telling;
	struct login_waiter *w;

	/* A try not known to have ended otherwise may have been wrong. */
	login_end_try(l, l->state == LOGIN_STORING || l->taken.taken != NULL ?
	    PIN_END_UNSENT : PIN_END_DOUBT);
	pin_waiter_leave(&l->storing);
	l->state = LOGIN_IDLE;
	taken_leave(&l->taken);
	l->taken.until_ms = 0;
	if (l->prompter != NULL)
		login_event(l, EVENT_PROMPT_CLOSED, why);
	l->prompter = prompter_free(l->prompter);
	l->notice = notice_end(l->notice);
	l->pin = secret_free(l->pin);
	l->rounds = 0;
	l->warning[0] = '\0';
	l->telling = true;
	while ((w = TAILQ_FIRST(&l->waiters)) != NULL && w->round == round)
		login_tell(l, w, why);
	/* A login does for all who need one; a signature's own is due yet. */
	while (why != NULL && (w = TAILQ_FIRST(&l->contexts)) != NULL &&
	    (int)(round - w->round) >= 0)
		login_tell(l, w, why);
	l->telling = nested;
	l->sharing = false;
	login_context_next(l);
}

struct login *
login_free(struct login *l)
{
	if (l == NULL)
		return NULL;
	login_finish(l, "the token is gone");
	secret_free(l->proven);
	kept_pin_free(l->kept);
	life_timer_stop(&l->expiry);
	free(l);
	return NULL;
}

void
login_share(struct login *l, struct login *other)
{
	struct pin_record *from = other->record;
	struct token *t;

	if (login_is_shared(l, other))
		return;
	pin_record_join(l->record, from);
	pin_file_save(l->token->agent->pin_file);
	TAILQ_FOREACH(t, &l->token->agent->tokens, entry)
		if (t->login->record == from)
			t->login->record = l->record;
}

bool
login_is_shared(const struct login *l, const struct login *other)
{
	return l->record == other->record;
}

uint32_t
login_flags(const struct login *l)
{
	return device_pin_flags(l->token);
}

void
login_persons_only(struct login *l)
{
	l->record->unattended_off = true;
	pin_file_save(l->token->agent->pin_file);
}

uint32_t
login_pins_in_doubt(const struct login *l)
{
	return l->record->doubt;
}

void
login_end_try(struct login *l, enum pin_end end)
{
	if (!l->pending)
		return;
	l->pending = false;
	pin_record_end(l->record, end);
	pin_file_save(l->token->agent->pin_file);
}

/* Few tries are left, by the token's flags or by our own count. */
bool
login_count_low(const struct login *l)
{
	return (login_flags(l) & TOKEN_PIN_COUNT_LOW) != 0 ||
	    pin_record_spent(l->record) >= 1;
}

bool
login_final_try(const struct login *l)
{
	return (login_flags(l) & TOKEN_PIN_FINAL_TRY) != 0 ||
	    pin_record_spent(l->record) >= 2;
}

/*
 * No PIN that nobody typed: also where the token says that it has none, which
 * may be wrong.
 */
bool
login_wants_person(const struct login *l)
{
	return l->record->unattended_off || login_count_low(l) ||
	    !pin_record_is_sure(l->record) ||
	    (login_flags(l) & TOKEN_PIN_NOT_SET) != 0;
}

const char *
login_offer_fault(const struct login *l)
{
	if (login_final_try(l))
		return LOGIN_LAST_TRY;
	/* Whoever counts nothing has one. */
	if (!pin_record_is_sure(l->record) && pin_record_spent(l->record) > 0)
		return "it had its one try: wrong PINs cannot be stored, or "
		    "those of before are not known, so that only a person may "
		    "try: run `p11-agentctl unlock`";
	return NULL;
}

const char *
login_pin_state(const struct login *l)
{
	if ((login_flags(l) & TOKEN_PIN_LOCKED) != 0)
		return "locked";
	if (login_final_try(l))
		return "maybe the last try";
	if (login_count_low(l))
		return "few tries left";
	if ((login_flags(l) & TOKEN_PIN_NOT_SET) != 0)
		return "not set, says the token";
	return (login_flags(l) & TOKEN_PIN_TO_CHANGE) != 0 ? "to be changed" :
	    "ok";
}

/* Append a sentence. */
static void __attribute__((format(printf, 3, 4)))
say(char *out, size_t size, const char *fmt, ...)
{
	size_t n = strlen(out);
	va_list args;

	if (n > 0 && n + 1 < size) {
		out[n++] = ' ';
		out[n] = '\0';
	}
	va_start(args, fmt);
	vsnprintf(out + n, size - n, fmt, args);
	va_end(args);
}

void
login_tries(const struct login *l, char *out, size_t size)
{
	const struct pin_record *r = l->record;
	uint32_t flags = login_flags(l);
	char command[TOKEN_COMMAND_BYTES];

	out[0] = '\0';
	if ((flags & TOKEN_PIN_TO_CHANGE) != 0)
		say(out, size, "The token says that its PIN has to be changed: "
		    "%s.", token_change_command(l->token, command));
	if (r->doubt > 0)
		say(out, size, "%u PIN%s sent and no answer said whether %s "
		    "right; that counts as wrong.", r->doubt,
		    r->doubt == 1 ? " was" : "s were",
		    r->doubt == 1 ? "it was" : "they were");
	if ((flags & TOKEN_PIN_FINAL_TRY) != 0) {
		say(out, size, "This is the LAST try: one more wrong PIN "
		    "locks the token.");
		return;
	}
	if (r->wrong > 0)
		say(out, size, "%u wrong PIN%s since the last good one; "
		    "what other programs tried is not known.", r->wrong,
		    r->wrong == 1 ? "" : "s");
	if (login_final_try(l))
		say(out, size, "This may be the LAST try.");
	else if ((flags & TOKEN_PIN_COUNT_LOW) != 0 &&
	    pin_record_spent(r) == 0)
		say(out, size, "Only few tries are left.");
	if (r->unread)
		say(out, size, "Wrong PINs of before are not known.");
	if (r->unstored)
		say(out, size, "Wrong PINs cannot be stored (the log says "
		    "why).");
}

unsigned
login_count(const struct login *l)
{
	return l->count;
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
	login_try_init(l);
	TAILQ_INIT(&l->waiters);
	TAILQ_INIT(&l->contexts);
	life_timer_init(&l->expiry, t->agent->base, login_expired, l);
	return l;
}

void
login_forget(struct login *l, const char *why)
{
	/* A C_Login that is cut off proves nothing; a PIN that waits is unsent. */
	if (l->state == LOGIN_TRYING && l->taken.taken == NULL)
		login_doubt(l);
	kept_pin_wipe(l->record->refused);
	l->proven = secret_free(l->proven);
	kept_pin_wipe(l->kept);
	l->pause_until = 0;
	login_finish(l, why);
}

void
login_token_left(struct login *l, const char *why, bool forget)
{
	if (forget) {
		l->proven = secret_free(l->proven);
		kept_pin_wipe(l->kept);
	}
	/* A C_Login under way ends with its process. */
	if (l->state != LOGIN_TRYING)
		login_finish(l, why);
}

bool
login_remembers(const struct login *l)
{
	return pin_record_spent(l->record) > 0 ||
	    kept_pin_is_there(l->record->refused) ||
	    kept_pin_is_there(l->kept);
}

bool
login_is_waited_for(const struct login *l)
{
	return !login_is_alone(l);
}

void
login_leave(struct login_waiter *w)
{
	struct login *l = w->login;

	if (l == NULL)
		return;
	login_part(l, w);
	if (login_is_alone(l) && (l->state == LOGIN_ASKING ||
	    l->state == LOGIN_STORING || l->taken.taken != NULL))
		login_finish(l, NULL);
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
	if (!release_wanted(t))
		process_start(t);
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
