/* SPDX-License-Identifier: BSD-2-Clause */
/* Signatures on their way between clients and tokens. */
#include "agent/sign-job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/allowlist.h"
#include "agent/client.h"
#include "agent/config-flat.h"
#include "agent/events.h"
#include "agent/hasher.h"
#include "agent/process.h"
#include "agent/refusal.h"
#include "agent/words.h"
#include "common/cleanup.h"
#include "common/limits.h"
#include "common/log.h"
#include "proto/message.h"

/* A module that asks for a login after each login would never end. */
enum { SIGN_LOGINS_MAX = 2, SIGN_PINS_MAX = 2 * PROMPT_ROUNDS_MAX };

/* Its token has nothing more to do for it. */
static void
sign_job_leave_token(struct sign_job *job)
{
	struct token *t = job->token;

	if (job->held)
		TAILQ_REMOVE(&t->held, job, entry);
	job->held = false;
	login_over(t->login, &job->waiter);
	if (t->owner == job) {
		t->owner = NULL;
		login_signed(t->login);
		if (!t->releasing)
			sign_held_next(t);
	}
}

static void
sign_job_free(struct sign_job *job)
{
	buffer_clear(&job->data);
	sign_job_leave_token(job);
	free(job);
}

static void
sign_job_event(const struct sign_job *job, enum event_kind kind,
    const char *why)
{
	struct token *t = job->token;
	const struct event_about about = {
		.token = t,
		.key = token_key(t, job->ref),
		.client = job->client_pid,
		.text = why,
	};

	event_emit(t->agent, kind, &about);
}

/* FAILURE for the client, and the one line that says why. */
static void
sign_job_fail(struct sign_job *job, const char *why)
{
	struct token *t = job->token;
	const struct key *k = token_key(t, job->ref);
	const char *key = k == NULL ? NULL : k->fingerprint;

	refusal_log(t->agent->refusals,
	    job->waiter.sent ? REFUSED_PIN : REFUSED_SIGNATURE,
	    job->client_pid, (struct log_fields){.token = t->name, .key = key},
	    "no signature by %s on %s: %s", key == NULL ? "its key" : key,
	    t->name, why);
	sign_job_event(job, EVENT_NOT_SIGNED, why);
	if (job->reply != NULL)
		reply_fail(job->reply);
	sign_job_free(job);
}

static void sign_job_begin(struct sign_job *job);

/* Where it has not been yet; NULL: nowhere. */
static struct token *
sign_job_other(struct sign_job *job)
{
	/* Another token gets no PIN while one that was sent is not proven. */
	if (job->reply == NULL || job->waiter.sent ||
	    job->n_tried == SIGN_MOVES_MAX)
		return NULL;
	job->tried[job->n_tried++] = (uintptr_t)job->token;
	return allowlist_other(job->token->agent, job->ref, job->tried,
	    job->n_tried);
}

/*
 * Its token is lost. One key on several tokens is one identity, so another one
 * may do it, each once.
 */
static void
sign_job_move(struct sign_job *job, const char *why)
{
	struct token *t = job->token, *other = sign_job_other(job);

	if (other == NULL) {
		sign_job_fail(job, why);
		return;
	}
	token_log(t, LOG_LEVEL_INFO, "%s; %s has the same key and signs "
	    "instead", why, other->name);
	sign_job_leave_token(job);
	job->token = other;
	job->renewed = job->again = false;
	job->logins = 0;
	job->taken.until_ms = 0;
	sign_job_begin(job);
}

/* What the prompt says of it. */
static void
sign_job_purpose(const struct sign_job *job, bool each, char *out,
    size_t size)
{
	const struct key *k = token_key(job->token, job->ref);

	snprintf(out, size, "to sign with key \"%s\"%s",
	    k == NULL || k->section == NULL ? "?" : k->section->name,
	    each ? ", which wants it for each signature" : "");
}

/* CKA_ALWAYS_AUTHENTICATE. */
static void
sign_job_need_pin(struct sign_job *job)
{
	char purpose[256];

	sign_job_purpose(job, true, purpose, sizeof(purpose));
	login_context(job->token->login, &job->waiter, job->client_pid,
	    purpose);
}

static bool
sign_job_with_pin(void *arg, const struct login_pin *pin)
{
	struct sign_job *job = arg;
	struct token *t = job->token;

	return ++job->pins <= SIGN_PINS_MAX && process_start(t) &&
	    process_sign(t->process, job, pin);
}

static void
sign_job_send(struct sign_job *job)
{
	struct token *t = job->token;
	const struct key *k = token_key(t, job->ref);

	if (taken_is(t->taken)) {
		taken_wait(t->taken, &job->taken);
		return;
	}
	job->login_count = login_count(t->login);
	if (k != NULL && (k->flags & KEY_ALWAYS_AUTHENTICATE) != 0 &&
	    !token_needs_login(t))
		sign_job_need_pin(job);
	else if (!process_start(t))
		sign_job_move(job, "no process can be started for it now");
	else if (!process_sign(t->process, job, NULL))
		sign_job_fail(job, "too many signatures wait for this token");
}

static void
sign_job_login_done(void *arg, const char *why)
{
	struct sign_job *job = arg;

	if (why == NULL)
		sign_job_send(job);
	else if (!job->token->present)
		sign_job_move(job, why);
	else
		sign_job_fail(job, why);
}

/* The client hung up: drop what nobody waits for any more. */
static void
sign_job_abandoned(void *arg)
{
	struct sign_job *job = arg;

	job->reply = NULL;
	if (job->waiter.login == NULL && job->taken.taken == NULL &&
	    !job->held)
		return; /* the process still owes its answer */
	login_leave(&job->waiter);
	taken_leave(&job->taken);
	sign_job_free(job);
}

static void
sign_job_need_login(struct sign_job *job)
{
	struct token *t = job->token;
	char purpose[256];

	if (++job->logins > SIGN_LOGINS_MAX) {
		sign_job_fail(job, "the module wants a login again and again");
		return;
	}
	if (job->login_count != login_count(t->login)) {
		sign_job_send(job);
		return;
	}
	sign_job_purpose(job, false, purpose, sizeof(purpose));
	login_ask(t->login, &job->waiter, job->client_pid, purpose);
}

static void
sign_job_done(struct sign_job *job, struct bytes signature)
{
	CLEANUP(buffer_cleanup) struct buffer blob =
	    BUFFER_INIT(2 * WIRE_SIGNATURE_MAX_BYTES);

	if (signature_blob_put(&blob, job->algorithm, signature,
	    job->modulus_bytes) != PARSE_OK || blob.failed) {
		sign_job_fail(job, "the token's signature has a wrong length");
		return;
	}
	sign_job_event(job, EVENT_SIGNED, NULL);
	reply_put_signature(&job->reply->frame, buffer_bytes(&blob));
	reply_send(job->reply);
	sign_job_free(job);
}

/* One that fails at once makes room for the one behind it. */
void
sign_held_next(struct token *t)
{
	struct sign_job *job;

	t->releasing = true;
	while (t->owner == NULL && (job = TAILQ_FIRST(&t->held)) != NULL) {
		TAILQ_REMOVE(&t->held, job, entry);
		job->held = false;
		if (!t->present) {
			sign_job_move(job, "the token is gone");
			continue;
		}
		t->owner = job;
		sign_job_send(job);
	}
	t->releasing = false;
}

void
sign_held_fail(struct token *t, const char *why)
{
	struct sign_job *job;

	while ((job = TAILQ_FIRST(&t->held)) != NULL)
		sign_job_fail(job, why);
}

/* At once, or in its turn. */
static void
sign_job_begin(struct sign_job *job)
{
	struct token *t = job->token;
	const struct config_token *section =
	    allowlist_token_section(t->agent, t);

	if (section == NULL || section->login != LOGIN_EACH) {
		sign_job_send(job);
		return;
	}
	job->held = true;
	TAILQ_INSERT_TAIL(&t->held, job, entry);
	sign_held_next(t);
}

/*
 * The climb (design section 8), inside the request, because a refused
 * signature makes ssh try every other key: its process has looked for the
 * token anew, now a fresh one does all over again; each once. Logins come on
 * the way, without a person where there is a proven PIN.
 */
static bool
sign_job_again(struct sign_job *job, const char *why)
{
	if (job->reply == NULL || job->again || !job->token->present)
		return false;
	token_log(job->token, LOG_LEVEL_INFO, "%s; trying again with a fresh "
	    "process", why);
	job->again = true;
	job->logins = 0;
	sign_job_send(job);
	return true;
}

/* Whether another program had it, and has it still. */
static void
sign_job_taken_done(void *arg, enum taken_answer answer)
{
	static const char gone[] = "the token is not there";
	struct sign_job *job = arg;

	switch (answer) {
	case TAKEN_NOT:
		if (!sign_job_again(job, gone))
			sign_job_move(job, gone);
		return;
	case TAKEN_FREE:
		sign_job_send(job);
		return;
	case TAKEN_STILL:
		sign_job_move(job, taken_words(job->token->taken));
		return;
	}
}

void
sign_job_lost(struct sign_job *job, const char *why, bool lost)
{
	token_set_error(job->token, why);
	/* Only when the process is gone; else it was answered. */
	if (login_has_pin_at(job->token->login, &job->waiter))
		login_signature_lost(job->token->login);
	if (lost && job->reply != NULL && taken_in_doubt(job->token->taken)) {
		taken_wait(job->token->taken, &job->taken);
		return;
	}
	if (lost && sign_job_again(job, why))
		return;
	if (job->reply == NULL)
		sign_job_free(job);
	else if (lost || !job->token->present)
		sign_job_move(job, why);
	else
		sign_job_fail(job, why);
}

/* The first rung, inside of the provider. */
static void
say_renewed(const struct token *t, const struct wire_sign_result *w)
{
	CLEANUP(cleanup_free) char *words = wire_error_words(&w->error);

	if (w->outcome == WIRE_OK && words != NULL)
		token_log(t, LOG_LEVEL_INFO, "lost, and looked for "
		    "anew: %s", words);
	else
		token_log(t, LOG_LEVEL_INFO, "lost, and looked for anew");
}

/* C_Login took the PIN, and C_SignInit, say, wants another one first. */
static void
sign_job_expired(struct sign_job *job, const struct wire_sign_result *w)
{
	CLEANUP(cleanup_free) char *words = wire_error_words(&w->error);
	CLEANUP(cleanup_free) char *text = login_pin_expired(job->token->login,
	    words == NULL ? "out of memory" : words);
	const char *why = text == NULL ? "out of memory" : text;
	struct token *t = job->token;

	sign_job_lost(job, why, false);
	/* A fresh process sees when it was changed. */
	process_end(t->process, why);
}

void
sign_job_result(struct sign_job *job, const struct wire_sign_result *w)
{
	CLEANUP(cleanup_free) char *words = NULL;
	struct token *t = job->token;
	struct key *k = token_key(t, job->ref);

	if (w->renewed) {
		job->renewed = true;
		say_renewed(t, w);
	}
	if (login_has_pin_at(t->login, &job->waiter) &&
	    !login_signature(t->login, w, job->reply != NULL))
		return;
	if (w->outcome == WIRE_OK || w->outcome == WIRE_NEED_LOGIN ||
	    w->outcome == WIRE_NEED_CONTEXT) {
		if (job->reply == NULL)
			sign_job_free(job);
		else if (w->outcome == WIRE_OK)
			sign_job_done(job, w->signature);
		else if (w->outcome == WIRE_NEED_LOGIN)
			sign_job_need_login(job);
		else
			sign_job_need_pin(job);
		return;
	}
	if (w->outcome == WIRE_PIN_EXPIRED) {
		sign_job_expired(job, w);
		return;
	}
	words = wire_outcome_words(w->outcome, &w->error);
	/* Nothing is believed after a loss: a fresh process goes on. */
	if (w->outcome == WIRE_LOST)
		process_lost(t->process, words == NULL ? "lost" : words);
	sign_job_lost(job, words == NULL ? "out of memory" : words,
	    w->outcome == WIRE_LOST);
	if (w->outcome == WIRE_KEY_UNUSABLE && k != NULL)
		token_key_unusable(t, k, words == NULL ? "?" : words);
}

void
sign_start(struct reply *r, struct token *t, const struct key *k,
    struct bytes data, uint32_t flags)
{
	uint8_t digest[DIGEST_MAX_BYTES];
	struct sign_job *job;
	enum ssh_signature algorithm;
	struct bytes to_sign;

	if (!ssh_signature_choose(k->type, flags, &algorithm)) {
		refusal_log(t->agent->refusals, REFUSED_SIGNATURE,
		    r->client->peer.pid, (struct log_fields){
		    .token = t->name, .key = k->fingerprint},
		    "no signature by %s: it asks for ssh-rsa, which is SHA-1 "
		    "and no longer safe; newer clients ask for rsa-sha2-256 "
		    "or -512", k->fingerprint);
		event_emit(t->agent, EVENT_NOT_SIGNED,
		    &(struct event_about){.token = t, .key = k,
		    .client = r->client->peer.pid,
		    .text = "it asks for ssh-rsa"});
		reply_fail(r);
		return;
	}
	if ((job = calloc(1, sizeof(*job))) == NULL ||
	    !hasher_digest(t->agent->hasher, algorithm, data, digest,
	    &to_sign)) {
		refusal_log(t->agent->refusals, REFUSED_SIGNATURE,
		    r->client->peer.pid, (struct log_fields){
		    .token = t->name}, "no signature: out of memory");
		free(job);
		reply_fail(r);
		return;
	}
	job->token = t;
	job->reply = r;
	job->client_pid = r->client->peer.pid;
	job->algorithm = algorithm;
	job->modulus_bytes = k->modulus_bytes;
	memcpy(job->ref, k->ref, sizeof(job->ref));
	job->waiter.done = sign_job_login_done;
	job->waiter.sign = sign_job_with_pin;
	job->waiter.arg = job;
	job->waiter.key = job->ref;
	job->taken.done = sign_job_taken_done;
	job->taken.arg = job;
	job->data = BUFFER_INIT(CLIENT_MSG_MAX_BYTES);
	buffer_put(&job->data, to_sign);
	reply_later(r, sign_job_abandoned, job);
	if (job->data.failed)
		sign_job_fail(job, "out of memory");
	else
		sign_job_begin(job);
}
