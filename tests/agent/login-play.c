/* SPDX-License-Identifier: BSD-2-Clause */
/* The process and the prompt that a login talks to, played. */
#include "tests/agent/login-play.h"

#include <stdio.h>

#include "agent/process.h"

struct play play;

/* NOLINTBEGIN: the linker wants these names */
bool __wrap_process_start(struct token *t);
bool __wrap_process_login(struct process *p, const struct login_pin *pin);
enum pin_stored __wrap_pin_file_store(struct pin_file *f,
    struct pin_record *r, struct pin_waiter *w);
void __wrap_pin_waiter_leave(struct pin_waiter *w);
void __wrap_kept_pin_put(struct kept_pin *k, const struct secret *pin,
    uint32_t sec);
void __real_kept_pin_put(struct kept_pin *k, const struct secret *pin,
    uint32_t sec);
struct notice *__wrap_notice_begin(struct agent *agent, const char *title,
    const char *text, pid_t client_pid);
struct notice *__wrap_notice_end(struct notice *n);
void __wrap_process_end(struct process *p, const char *why);
void __wrap_process_lost(struct process *p, const char *why);
struct prompter *__wrap_prompter_start(struct agent *agent,
    const struct question *q, prompter_answered answered, void *arg);
struct prompter *__wrap_prompter_free(struct prompter *p);
/* NOLINTEND */

bool
__wrap_process_start(struct token *t)
{
	assert_ptr_equal(t, play.token);
	return !play.start_fails;
}

void
__wrap_kept_pin_put(struct kept_pin *k, const struct secret *pin,
    uint32_t sec)
{
	play.kept_sec = sec;
	__real_kept_pin_put(k, pin, play.hurry ? 1 : sec);
}

enum pin_stored
__wrap_pin_file_store(struct pin_file *f, struct pin_record *r,
    struct pin_waiter *w)
{
	assert_ptr_equal(f, play.agent->pin_file);
	assert_null(play.storing);
	/* The try is in the record by now. */
	assert_true(r->pending > 0);
	play.stores++;
	switch (play.file) {
	case FILE_TAKES:
		break;
	case FILE_IS_SLOW:
		play.storing = w;
		return PIN_STORING;
	case FILE_IS_BROKEN:
		r->unstored = true;
		return PIN_NOT_STORED;
	}
	return PIN_STORED;
}

void
__wrap_pin_waiter_leave(struct pin_waiter *w)
{
	if (play.storing == w)
		play.storing = NULL;
}

void
file_says(const char *fault)
{
	struct pin_waiter *w = play.storing;

	assert_non_null(w);
	play.storing = NULL;
	pin_record_get(play.agent, &play.token->id)->unstored = fault != NULL;
	w->done(w->arg, fault);
}

static void
play_sent(const struct login_pin *pin)
{
	struct bytes b = secret_bytes(pin->secret);

	assert_true(play.n_sent < SENT_MAX);
	assert_false(play.prompt_open);
	assert_int_equal(play.notice_open, b.len == 0);
	if (b.len > 0)
		memcpy(play.sent[play.n_sent], b.p, b.len);
	play.person = pin->person;
	play.n_sent++;
}

bool
__wrap_process_login(struct process *p, const struct login_pin *pin)
{
	(void)p;
	if (play.login_fails)
		return false;
	play_sent(pin);
	play.logins++;
	return true;
}

struct notice *
__wrap_notice_begin(struct agent *agent, const char *title, const char *text,
    pid_t client_pid)
{
	assert_ptr_equal(agent, play.agent);
	assert_non_null(title);
	assert_false(play.notice_open);
	play.notice_open = true;
	play.client_pid = (uint32_t)client_pid;
	snprintf(play.text, sizeof(play.text), "%s", text);
	return (struct notice *)&play;
}

struct notice *
__wrap_notice_end(struct notice *n)
{
	if (n != NULL)
		play.notice_open = false;
	return NULL;
}

void
__wrap_process_end(struct process *p, const char *why)
{
	(void)p;
	assert_non_null(why);
	play.ended++;
}

void
__wrap_process_lost(struct process *p, const char *why)
{
	(void)p;
	assert_non_null(why);
	play.lost++;
}

static void
text_of(char *out, size_t size, struct bytes from)
{
	snprintf(out, size, "%.*s", (int)from.len, (const char *)from.p);
}

struct prompter *
__wrap_prompter_start(struct agent *agent, const struct question *q,
    prompter_answered answered, void *arg)
{
	assert_ptr_equal(agent, play.agent);
	assert_false(play.prompt_open);
	assert_int_equal(q->kind, QUESTION_PIN);
	if (play.prompt_fails)
		return NULL;
	play.prompt_open = true;
	play.prompts++;
	text_of(play.text, sizeof(play.text), q->text);
	text_of(play.warning, sizeof(play.warning), q->warning);
	play.client_pid = q->client_pid;
	play.persons_only = q->persons_only;
	play.answered = answered;
	play.arg = arg;
	return (struct prompter *)&play;
}

struct prompter *
__wrap_prompter_free(struct prompter *p)
{
	if (p != NULL)
		play.prompt_open = false;
	return NULL;
}

void
answer(enum answer_status status, const char *secret, bool unattended)
{
	struct answer a = {
		.status = status,
		.secret = bytes_str(secret),
		.text = bytes_str(status == ANSWER_NO_WAY ? "no display" : ""),
		.unattended = unattended,
	};

	assert_true(play.prompt_open);
	play.prompt_open = false;
	play.answered(play.arg, &a);
}

void
nobody_answers(void)
{
	const struct answer a = {
		.status = ANSWER_CANCEL, .text = bytes_str("nobody was there"),
	};

	assert_true(play.prompt_open);
	play.prompt_open = false;
	play.answered(play.arg, &a);
}

void
person(const char *pin)
{
	answer(ANSWER_OK, pin, false);
}

void
token_says(enum wire_outcome outcome, uint32_t flags)
{
	struct wire_login_result w = {
		.outcome = outcome,
		.flags = flags | TOKEN_LOGIN_REQUIRED,
		.pin_in_doubt = outcome != WIRE_OK && outcome != WIRE_PIN_HELD,
		.error = {bytes_str("C_Login"), 160, bytes_str("CKR_WHAT"),
		    BYTES_NONE},
	};

	/* As process.c does. */
	play.token->flags = w.flags;
	login_result(play.token->login, &w);
}

void
token_lost(bool in_doubt)
{
	struct wire_login_result w = {
		.outcome = WIRE_LOST,
		.flags = TOKEN_LOGIN_REQUIRED,
		.pin_in_doubt = in_doubt,
		.error = {bytes_str("C_Login"), 50, bytes_str("CKR_GONE"),
		    BYTES_NONE},
	};

	login_result(play.token->login, &w);
}

bool
signature_says(struct waiter *w, enum wire_pin pin, enum wire_outcome outcome,
    uint32_t flags)
{
	struct wire_sign_result r = {
		.outcome = outcome,
		.pin = pin,
		.error = {bytes_str("C_Login"), 160, bytes_str("CKR_WHAT"),
		    BYTES_NONE},
	};

	assert_true(login_has_pin_at(play.token->login, &w->w));
	play.token->flags = flags | TOKEN_LOGIN_REQUIRED | TOKEN_LOGGED_IN;
	return login_signature(play.token->login, &r, !w->left);
}

/* As a signature: with its PIN it is sent, without it is over. */
static bool
waiter_signs(void *arg, const struct login_pin *pin)
{
	struct waiter *w = arg;

	if (play.login_fails)
		return false;
	play_sent(pin);
	w->signs++;
	return true;
}

static void
waiter_told(void *arg, const char *why)
{
	struct waiter *w = arg;

	assert_null(w->w.login);
	w->done++;
	snprintf(w->why, sizeof(w->why), "%s", why == NULL ? "" : why);
	if (w->again) {
		w->again = false;
		waiter_asks(w);
	}
}

static void
waiter_ready(struct waiter *w)
{
	w->w.done = waiter_told;
	w->w.sign = waiter_signs;
	w->w.arg = w;
}

void
waiter_asks(struct waiter *w)
{
	waiter_ready(w);
	login_ask(play.token->login, &w->w, 77, "to sign with key \"k\"");
}

void
waiter_wants_pin(struct waiter *w)
{
	waiter_ready(w);
	login_context(play.token->login, &w->w, 77,
	    "to sign with key \"9c\"");
}

void
waiter_offers(struct waiter *w, const char *pin)
{
	struct secret *secret = secret_new(bytes_str(pin));

	assert_non_null(secret);
	waiter_ready(w);
	login_offer(play.token->login, &w->w, &secret);
	assert_null(secret);
}

void
waiter_unlocks(struct waiter *w, const char *pin)
{
	struct secret *secret = pin == NULL ? NULL :
	    secret_new(bytes_str(pin));

	waiter_ready(w);
	login_unlock(play.token->login, &w->w, &secret);
	assert_null(secret);
}

void
assert_sent(const char *all)
{
	char sent[SENT_MAX * 10] = "";
	size_t n = 0;

	for (unsigned i = 0; i < play.n_sent; i++)
		n += (size_t)snprintf(sent + n, sizeof(sent) - n, "%s%s",
		    i == 0 ? "" : " ", play.sent[i]);
	assert_string_equal(sent, all);
}

int
play_setup(void **state)
{
	static const struct world_key keys[] = {{.number = 7}, {0}};

	(void)state;
	memset(&play, 0, sizeof(play));
	play.agent = world_agent();
	play.token = world_token(world_provider(play.agent, "soft", NULL),
	    "work", "0001", TOKEN_LOGIN_REQUIRED, keys);
	return 0;
}

int
play_teardown(void **state)
{
	(void)state;
	agent_free(play.agent);
	assert_false(play.prompt_open);
	return 0;
}

