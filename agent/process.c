/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's end of the wire to the process that serves one token. */
#include "agent/process.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/allowlist.h"
#include "agent/clock.h"
#include "agent/events.h"
#include "agent/link.h"
#include "agent/login.h"
#include "agent/notice.h"
#include "agent/provider.h"
#include "agent/release.h"
#include "agent/sign-job.h"
#include "agent/taken.h"
#include "agent/words.h"
#include "common/cleanup.h"
#include "common/log.h"

enum {
	/* Longer than a token thinks: it may wait for a person's touch. */
	SLOW_MS = 1500,
	/* Between two looks at one that is still starting. */
	SLOW_LOOK_MS = 200,
	SIGN_MAX_MS = SIGN_MAX_SEC * 1000,
	/* Messages between two answers, and so many a second: else a flood. */
	UNASKED_MAX = 16,
	UNASKED_A_SEC_MAX = 2,
};

static const uint32_t TOKEN_PIN_FLAGS = TOKEN_PIN_COUNT_LOW |
    TOKEN_PIN_FINAL_TRY | TOKEN_PIN_LOCKED | TOKEN_PIN_NOT_SET |
    TOKEN_PIN_TO_CHANGE;

struct process {
	struct token *token;
	struct link *link; /* owned */
	TAILQ_HEAD(, sign_job) jobs;
	unsigned n_jobs;
	uint32_t next_id;
	uint32_t login_id; /* 0: no login is under way */
	bool had_login;
	bool ready;
	struct event deadline;
	bool deadline_added;
	int64_t heard_ms; /* last message from it, or first request */
	struct event slow; /* looks for signatures that take long */
	bool slow_added;
	struct event leaving; /* the token has left: the end of its time */
	bool left;
	unsigned unasked; /* messages since the last answer */
	int64_t answered_ms; /* when that was; or the start */
	struct notice *notice; /* on the desktop: it may want a touch */
	pid_t pid;    /* also when it has ended */
	char *failed; /* what WIRE_FAILED said; owned */
};

static void
process_event(const struct process *p, enum event_kind kind, const char *text)
{
	const struct event_about about = {
		.token = p->token, .process = p->pid, .text = text,
	};

	event_emit(p->token->agent, kind, &about);
}

static bool
process_owes(const struct process *p)
{
	return p->n_jobs > 0 || p->login_id != 0 || !p->ready;
}

/*
 * Silence with work to do has a limit. The timer runs only while something
 * is owed, and looks at the clock when it fires: no request sets a timer.
 */
static void
process_watch(struct process *p, int64_t ms)
{
	const struct timeval tv = clock_timeval(ms);

	if (!p->deadline_added)
		p->deadline_added = evtimer_add(&p->deadline, &tv) == 0;
}

static void
process_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct process *p = arg;
	int64_t silent_ms = process_silent_ms(p);

	(void)fd;
	(void)what;
	p->deadline_added = false;
	if (!process_owes(p))
		return;
	if (silent_ms < SIGN_MAX_MS) {
		process_watch(p, SIGN_MAX_MS - silent_ms);
		return;
	}
	token_log(p->token, LOG_LEVEL_WARN, "no answer for %ld s, its process "
	    "is ended", (long)(silent_ms / 1000));
	link_kill(p->link, "it did not answer in time");
}

/* Something was sent: the silence counts from now if nothing was owed. */
static void
process_sent(struct process *p)
{
	if (!process_owes(p))
		p->heard_ms = clock_ms();
	process_watch(p, SIGN_MAX_MS);
}

/* Milliseconds until the oldest signature takes long; <= 0: it does. */
static int64_t
process_slow_in(const struct process *p)
{
	return TAILQ_FIRST(&p->jobs)->sent_ms + SLOW_MS - clock_ms();
}

/*
 * A timer that runs on while there is work, and looks at the clock when it
 * fires, as above: quick signatures cost it nothing.
 */
static void
process_watch_slow(struct process *p)
{
	int64_t ms;

	if (p->slow_added || p->notice != NULL || TAILQ_EMPTY(&p->jobs))
		return;
	ms = process_slow_in(p);
	if (ms < SLOW_LOOK_MS)
		ms = SLOW_LOOK_MS;
	const struct timeval tv = clock_timeval(ms);
	p->slow_added = evtimer_add(&p->slow, &tv) == 0;
}

static void
process_slow(evutil_socket_t fd, short what, void *arg)
{
	struct process *p = arg;
	struct token *t = p->token;
	char text[512];

	(void)fd;
	(void)what;
	p->slow_added = false;
	if (TAILQ_EMPTY(&p->jobs))
		return;
	/* A pad has a notice of its own. */
	if (process_slow_in(p) > 0 || !p->ready ||
	    TAILQ_FIRST(&p->jobs)->on_pad) {
		process_watch_slow(p);
		return;
	}
	process_event(p, EVENT_TOUCH, NULL);
	snprintf(text, sizeof(text), "%s may want a touch", t->name);
	p->notice = notice_begin(t->agent, t->name, text,
	    TAILQ_FIRST(&p->jobs)->client_pid);
}

/* An answer came: the touch, if it was one, was given. */
static void
process_quick_again(struct process *p)
{
	p->notice = notice_end(p->notice);
	process_watch_slow(p);
}

static struct sign_job *
process_take(struct process *p, uint32_t wire_id)
{
	struct sign_job *job;

	TAILQ_FOREACH(job, &p->jobs, entry)
		if (job->wire_id == wire_id)
			break;
	if (job == NULL)
		return NULL;
	TAILQ_REMOVE(&p->jobs, job, entry);
	p->n_jobs--;
	job->in_process = false;
	return job;
}

static enum parse_err
process_got_token(struct process *p, struct bytes body)
{
	struct wire_token w;
	enum parse_err err = wire_token_parse(body, &w);
	struct token *t = p->token;

	if (err != PARSE_OK)
		return err;
	/* Another token than the one it was started for is a lie. */
	if (!token_id_same(&w.id, &t->id))
		return PARSE_VALUE;
	/* Whether it is there, others say. */
	if (p->left)
		return PARSE_OK;
	return token_update(t, &w, TOKEN_VIEW_OWN) ? PARSE_OK : PARSE_MEMORY;
}

static enum parse_err
process_got_signature(struct process *p, struct bytes body)
{
	struct wire_sign_result w;
	enum parse_err err = wire_sign_result_parse(body, &w);
	struct sign_job *job;

	if (err != PARSE_OK)
		return err;
	if ((job = process_take(p, w.id)) == NULL)
		return PARSE_VALUE;
	process_quick_again(p);
	if (w.outcome == WIRE_OK)
		backoff_over(&p->token->backoff);
	/* Whether it is logged in is told by the answer to a login alone. */
	if (w.outcome != WIRE_OK || w.pin != WIRE_PIN_UNSEEN)
		p->token->flags = (p->token->flags & ~TOKEN_PIN_FLAGS) |
		    (w.flags & TOKEN_PIN_FLAGS);
	sign_job_result(job, &w);
	return PARSE_OK;
}

static enum parse_err
process_got_login(struct process *p, struct bytes body)
{
	struct wire_login_result w;
	enum parse_err err = wire_login_result_parse(body, &w);

	if (err != PARSE_OK)
		return err;
	if (p->login_id == 0 || w.id != p->login_id)
		return PARSE_VALUE;
	p->login_id = 0;
	p->token->flags = w.flags;
	p->had_login |= w.outcome == WIRE_OK || w.outcome == WIRE_LOGGED_IN;
	allowlist_settle(p->token->agent);
	login_result(p->token->login, &w);
	return PARSE_OK;
}

static enum parse_err
process_got_failed(struct process *p, struct bytes body)
{
	struct wire_error w;
	enum parse_err err = wire_failed_parse(body, &w);

	if (err != PARSE_OK)
		return err;
	free(p->failed);
	p->failed = wire_error_words(&w);
	return PARSE_OK;
}

/* Signs of life may go on for as long as a token has many keys to read. */
static bool
process_floods(struct process *p, uint8_t type)
{
	int64_t sec = (clock_ms() - p->answered_ms) / 1000;

	if (type != WIRE_LOGIN_RESULT && type != WIRE_SIGN_RESULT)
		return ++p->unasked > UNASKED_MAX + UNASKED_A_SEC_MAX * sec;
	p->unasked = 0;
	p->answered_ms = clock_ms();
	return false;
}

static enum parse_err
process_message(struct process *p, uint8_t type, struct bytes body)
{
	struct wire_module module;

	if (process_floods(p, type))
		return PARSE_LIMIT;
	switch (type) {
	case WIRE_PROGRESS:
		/* The silence is over: see process_frame. */
		return body.len == 0 ? PARSE_OK : PARSE_TRAILING;
	case WIRE_MODULE:
		return wire_module_parse(body, &module);
	case WIRE_TOKEN:
		return process_got_token(p, body);
	case WIRE_DONE:
		p->ready = true;
		token_log(p->token, LOG_LEVEL_DEBUG, "process %ld serves it",
		    (long)link_pid(p->link));
		return body.len == 0 ? PARSE_OK : PARSE_TRAILING;
	case WIRE_FAILED:
		return process_got_failed(p, body);
	case WIRE_LOGIN_RESULT:
		return process_got_login(p, body);
	case WIRE_SIGN_RESULT:
		return process_got_signature(p, body);
	default:
		return PARSE_VALUE;
	}
}

static void
process_frame(void *arg, struct bytes body)
{
	struct process *p = arg;
	struct link *link = p->link;
	struct token *t = p->token;
	enum parse_err err;

	p->heard_ms = clock_ms();
	err = process_message(p, body.p[0],
	    bytes_of(body.p + 1, body.len - 1));
	if (t->process != p)
		return;
	if (err == PARSE_OK) {
		release_answered(t->release);
		return;
	}
	token_log(t, LOG_LEVEL_ERROR, "its process sent message %u that makes "
	    "no sense (%s); it is ended", body.p[0], parse_err_text(err));
	link_kill(link, "it sent nonsense");
}

bool
process_had_login(const struct process *p)
{
	return p->had_login;
}

/* Give back what it owes and free it; the link is the caller's. */
static void
process_close(struct process *p, const char *why, bool lost)
{
	struct token *t = p->token;
	struct sign_job *job;

	t->process = NULL;
	process_event(p, EVENT_PROCESS_ENDED, why);
	if ((t->flags & TOKEN_LOGGED_IN) != 0)
		event_emit(t->agent, EVENT_LOGIN_ENDED,
		    &(struct event_about){.token = t, .text = why});
	t->flags &= ~(uint32_t)TOKEN_LOGGED_IN;
	release_over(t->release);
	event_del(&p->deadline);
	event_del(&p->slow);
	event_del(&p->leaving);
	notice_end(p->notice);
	/* It reads no request, and sends no PIN, before it is ready. */
	if (p->login_id != 0)
		login_process_gone(t->login, why, p->ready ?
		    (lost ? LOGIN_LOST : LOGIN_ENDED) :
		    (lost ? LOGIN_UNSENT : LOGIN_STOPPED));
	while ((job = TAILQ_FIRST(&p->jobs)) != NULL) {
		TAILQ_REMOVE(&p->jobs, job, entry);
		job->in_process = false;
		sign_job_lost(job, why, lost);
	}
	free(p->failed);
	free(p);
}

static void
process_ended(void *arg, const char *why)
{
	struct process *p = arg;
	struct token *t = p->token;
	struct provider *provider = t->provider;
	CLEANUP(cleanup_free) char *words = p->failed;
	bool lost;

	p->failed = NULL;
	if (words != NULL)
		why = words;
	token_log(t, LOG_LEVEL_WARN, "its process ended: %s", why);
	token_set_error(t, why);
	if (!p->left)
		backoff_died(&t->backoff);
	/* It may not have found its token: is that still there? */
	lost = !p->ready && !taken_suspect(t->taken, false);
	process_close(p, why, true);
	token_tidy(t);
	if (lost)
		provider_scan_again(provider);
}

static const struct link_events process_events = {
	process_frame,
	process_ended,
};

void
process_end(struct process *p, const char *why)
{
	if (p == NULL)
		return;
	link_forget(p->link);
	process_close(p, why, false);
}

void
process_lost(struct process *p, const char *why)
{
	link_forget(p->link);
	process_close(p, why, true);
}

struct link *
process_let_go(struct process *p, const struct link_events *events, void *arg)
{
	struct link *link = p->link;

	link_end(link, events, arg);
	process_close(p, "let go", false);
	return link;
}

/* The call that was in flight did not come back in time. */
static void
process_left(evutil_socket_t fd, short what, void *arg)
{
	struct process *p = arg;
	struct token *t = p->token;

	(void)fd;
	(void)what;
	/* If it is back by now, a fresh process may do what this one owes. */
	if (t->present)
		process_lost(p, "the token was away");
	else
		process_end(p, "the token was removed");
	token_tidy(t);
}

void
process_leave(struct process *p)
{
	const struct timeval limit = {.tv_sec = LEAVE_SEC};

	p->left = true;
	/* Without its timer it has no time. */
	if (evtimer_add(&p->leaving, &limit) != 0)
		process_end(p, "the token was removed");
}

static void
process_send_start(struct process *p)
{
	struct token *t = p->token;
	struct wire_start start = provider_start_of(t->provider,
	    WIRE_ROLE_TOKEN);
	struct token *other;

	start.token = t->id;
	start.place = t->place;
	/* Before a login it shows no others. */
	for (size_t i = 0; i < t->n_keys && start.n_refs < START_REFS_MAX; i++)
		if (t->keys[i].seen_before_login)
			memcpy(start.refs[start.n_refs++], t->keys[i].ref,
			    KEY_REF_BYTES);
	left_out_put(&t->provider->left_out, &start);
	TAILQ_FOREACH(other, &t->agent->tokens, entry) {
		if (other != t)
			provider_ignore(&start, &other->id, &t->id);
	}
	wire_start_put(link_out(p->link), &start);
	link_flush(p->link);
}

bool
process_start(struct token *t)
{
	static const char *const args[] = {"token", NULL};
	const struct link_spec spec = {
		.program = "p11-agent-provider",
		.foreign = true,
		.args = args,
		.env = (const char *const *)t->provider->env,
		.in_max_bytes = WIRE_REPLY_MAX_BYTES,
		.out_max_bytes = WIRE_QUEUE_MAX_BYTES,
	};
	struct process *p;

	if (t->process != NULL)
		return true;
	if (backoff_rest_ms(&t->backoff) > 0) {
		token_log(t, LOG_LEVEL_WARN, "its module ended %u times in a "
		    "row; it rests for %lld s", t->backoff.deaths,
		    (long long)backoff_rest_sec(&t->backoff));
		return false;
	}
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return false;
	p->token = t;
	p->heard_ms = p->answered_ms = clock_ms();
	TAILQ_INIT(&p->jobs);
	evtimer_assign(&p->deadline, t->agent->base, process_deadline, p);
	evtimer_assign(&p->slow, t->agent->base, process_slow, p);
	evtimer_assign(&p->leaving, t->agent->base, process_left, p);
	if ((p->link = link_start(t->agent, &spec, &process_events, p)) ==
	    NULL) {
		free(p);
		return false;
	}
	t->process = p;
	p->pid = link_pid(p->link);
	process_event(p, EVENT_PROCESS_STARTED, NULL);
	process_send_start(p);
	process_watch(p, SIGN_MAX_MS);
	release_watch(t->release);
	return true;
}

/* Never 0, which means that none is under way. */
static uint32_t
process_next_id(struct process *p)
{
	if (p->next_id == 0)
		p->next_id = 1;
	return p->next_id++;
}

bool
process_sign(struct process *p, struct sign_job *job,
    const struct login_pin *pin)
{
	struct wire_sign w = {
		.data = buffer_bytes(&job->data),
		.renew = !job->renewed && !job->again,
	};

	if (p->n_jobs >= WIRE_REQUESTS_MAX ||
	    link_out(p->link)->len + w.data.len > WIRE_QUEUE_MAX_BYTES / 2)
		return false;
	memcpy(w.ref, job->ref, sizeof(w.ref));
	if (pin != NULL) {
		w.login = true;
		w.pin = secret_bytes(pin->secret);
		w.person = pin->person;
		w.told = pin->told;
	}
	job->on_pad = w.login && w.pin.len == 0;
	w.id = process_next_id(p);
	switch (job->algorithm) {
	case SSH_SIG_RSA_SHA256:
		w.algorithm = SIGN_RSA_SHA256;
		break;
	case SSH_SIG_RSA_SHA512:
		w.algorithm = SIGN_RSA_SHA512;
		break;
	case SSH_SIG_ECDSA_P256:
	case SSH_SIG_ECDSA_P384:
	case SSH_SIG_ECDSA_P521:
		w.algorithm = SIGN_ECDSA;
		break;
	case SSH_SIG_ED25519:
		w.algorithm = SIGN_ED25519;
		break;
	}
	process_sent(p);
	job->wire_id = w.id;
	job->in_process = true;
	job->sent_ms = clock_ms();
	TAILQ_INSERT_TAIL(&p->jobs, job, entry);
	p->n_jobs++;
	process_watch_slow(p);
	wire_sign_put(link_out(p->link), &w);
	link_flush(p->link);
	return true;
}

bool
process_login(struct process *p, const struct login_pin *pin)
{
	struct wire_login w = {
		.pin = secret_bytes(pin->secret),
		.person = pin->person,
		.told = pin->told,
	};

	if (p->login_id != 0 ||
	    link_out(p->link)->len > WIRE_QUEUE_MAX_BYTES / 2)
		return false;
	w.id = process_next_id(p);
	process_sent(p);
	p->login_id = w.id;
	wire_login_put(link_out(p->link), &w);
	link_flush(p->link);
	return true;
}

bool
process_is_busy(const struct process *p)
{
	return p->n_jobs > 0 || p->login_id != 0;
}

int64_t
process_silent_ms(const struct process *p)
{
	return clock_ms() - p->heard_ms;
}

bool
process_is_ready(const struct process *p)
{
	return p->ready;
}

pid_t
process_pid(const struct process *p)
{
	return link_pid(p->link);
}
