/* SPDX-License-Identifier: BSD-2-Clause */
/* Providers and their scans. */
#include "agent/provider.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/allowlist.h"
#include "agent/announce.h"
#include "agent/clock.h"
#include "agent/config-flat.h"
#include "agent/device.h"
#include "agent/events.h"
#include "agent/link.h"
#include "agent/process.h"
#include "agent/readers.h"
#include "agent/registry.h"
#include "agent/release.h"
#include "agent/startup.h"
#include "agent/taken.h"
#include "agent/token.h"
#include "agent/watcher.h"
#include "agent/words.h"
#include "common/cleanup.h"
#include "common/log.h"

enum {
	/* Scans that die in a row; the next one waits for a change. */
	SCAN_DEATHS_MAX = 8,
	/* Two steps and a token for each slot, and signs of life. */
	SCAN_MESSAGES_MAX = 3 * SLOTS_PER_PROVIDER_MAX + 2,
	SCAN_MESSAGES_A_SEC = 2,
};

struct scan {
	struct provider *provider;
	struct link *link; /* owned */
	struct event deadline;
	bool done;
	bool hurried;	  /* its deadline is another one */
	bool last;	  /* only slots that were left out are missing */
	bool in_slot;	  /* it is about to touch this one */
	struct wire_slot slot; /* views of the frame */
	struct buffer slot_frame;
	int64_t began_ms; /* of clock_life_ms, as what is left out */
	unsigned messages;
	char *failed; /* what WIRE_FAILED said; owned */
};

static void
provider_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	provider_scan(arg, NULL);
}

struct provider *
provider_new(struct agent *agent, const struct config_provider *s)
{
	struct provider *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->agent = agent;
	p->env = s->env;
	p->source = registry_may_know(s->module) ? PROVIDER_NAME : PROVIDER_FILE;
	TAILQ_INIT(&p->waiters);
	evtimer_assign(&p->retry, agent->base, provider_retry, p);
	TAILQ_INSERT_TAIL(&agent->providers, p, entry);
	if (s->init_args != NULL &&
	    (p->init_args = strdup(s->init_args)) == NULL)
		return provider_free(p);
	if (s->remote != NULL && (p->remote = strdup(s->remote)) == NULL)
		return provider_free(p);
	if ((p->name = strdup(s->name)) == NULL ||
	    (p->module = strdup(s->module)) == NULL)
		return provider_free(p);
	return p;
}

static struct scan *
scan_free(struct scan *s)
{
	if (s == NULL)
		return NULL;
	event_del(&s->deadline);
	link_forget(s->link);
	buffer_clear(&s->slot_frame);
	free(s->failed);
	free(s);
	return NULL;
}

/* Tell those who wait by now. */
static void
provider_tell_waiters(struct provider *p)
{
	struct scan_waiter *w, *last = TAILQ_LAST(&p->waiters, scan_waiters);

	p->settled = true;
	allowlist_settle(p->agent);
	while ((w = TAILQ_FIRST(&p->waiters)) != NULL) {
		TAILQ_REMOVE(&p->waiters, w, entry);
		w->provider = NULL;
		w->done(w->arg);
		if (w == last)
			break;
	}
}

/* A scan is over. */
static void
provider_tell(struct provider *p)
{
	provider_tell_waiters(p);
	startup_check(p->agent);
	readers_scanned(p->agent->readers);
	watchers_check(p->agent);
}

/* Not seen though its card is there; unless that shows another token now. */
static bool
provider_may_be_taken(const struct token *t)
{
	const struct token *other;

	TAILQ_FOREACH(other, &t->agent->tokens, entry)
		if (other->provider == t->provider && other->seen &&
		    bytes_equal(other->id.slot_description,
		    t->id.slot_description))
			return false;
	return taken_suspect(t->taken, true);
}

static void
provider_drop_tokens(struct provider *p, bool all)
{
	struct token *t = TAILQ_FIRST(&p->agent->tokens), *next;
	bool left = false;

	for (; t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (t->provider != p)
			continue;
		if (all)
			token_free(t);
		else if (!t->seen && !t->unseen && t->present &&
		    !provider_may_be_taken(t)) {
			token_leave(t, "not there any more");
			left = true;
		}
	}
	/* It may have seen more, or less, than the scan. */
	if (left)
		watcher_again(p);
}

struct provider *
provider_free(struct provider *p)
{
	if (p == NULL)
		return NULL;
	/* First: nobody who is told may find it again. */
	TAILQ_REMOVE(&p->agent->providers, p, entry);
	event_del(&p->retry);
	p->scan = scan_free(p->scan);
	p->watcher = watcher_free(p->watcher);
	left_out_clear(&p->left_out);
	p->state = PROVIDER_FAILED;
	provider_tell_waiters(p);
	provider_drop_tokens(p, true);
	free(p->name);
	free(p->module);
	free(p->init_args);
	free(p->file);
	free(p->file_args);
	free(p->remote);
	free(p->unknown);
	free(p->real_path);
	free(p->description);
	free(p->error);
	free(p);
	return NULL;
}

const char *
provider_module(const struct provider *p)
{
	if (p->real_path != NULL)
		return p->real_path;
	if (p->remote != NULL)
		return p->remote;
	return p->file != NULL ? p->file : p->module;
}

const char *
provider_init_args(const struct provider *p)
{
	return p->init_args != NULL ? p->init_args : p->file_args;
}

struct wire_start
provider_start_of(const struct provider *p, enum wire_role role)
{
	return (struct wire_start){
		.role = role,
		.module = bytes_str(p->remote != NULL ? p->module :
		    provider_module(p)),
		.remote = p->remote != NULL,
		.init_args = bytes_str(provider_init_args(p)),
		.provider = bytes_str(p->name),
	};
}

void
provider_ignore(struct wire_start *start, const struct token_id *other,
    const struct token_id *own)
{
	struct bytes reader = other->slot_description;

	if (reader.len == 0 || start->n_ignored >= WIRE_READERS_MAX)
		return;
	/* OpenSC ignores a reader whose name holds one of the ignored names. */
	if (own != NULL && own->slot_description.len > 0 &&
	    memmem(own->slot_description.p, own->slot_description.len,
	    reader.p, reader.len) != NULL)
		return;
	start->ignored_readers[start->n_ignored++] = reader;
}

static void
provider_set_text(char **text, struct bytes value)
{
	free(*text);
	*text = words_copy(value);
}

static enum parse_err
scan_got_module(struct scan *s, struct bytes body)
{
	struct wire_module w;
	enum parse_err err = wire_module_parse(body, &w);

	if (err != PARSE_OK)
		return err;
	free(s->provider->real_path);
	/* NULL, without memory or for a NUL inside: the config's name stays. */
	s->provider->real_path = w.real_path.len == 0 ? NULL :
	    bytes_strdup(w.real_path);
	provider_set_text(&s->provider->description, w.description);
	s->provider->pcsc = w.pcsc;
	return PARSE_OK;
}

static enum parse_err
scan_got_token(struct scan *s, struct bytes body)
{
	struct wire_token w;
	enum parse_err err = wire_token_parse(body, &w);
	size_t dropped = s->provider->n_dropped;

	if (err != PARSE_OK)
		return err;
	return token_report(s->provider, &w, TOKEN_VIEW_SCAN) == NULL &&
	    s->provider->n_dropped == dropped ? PARSE_MEMORY : PARSE_OK;
}

/*
 * A key that may be asked for soon finds its process running; of one card,
 * that of the provider which serves it.
 */
static void
provider_start_processes(struct provider *p)
{
	struct agent *a = p->agent;

	allowlist_settle(a);
	device_settle(a);
	for (size_t i = 0; i < a->n_exposed; i++) {
		struct token *t = a->exposed[i].token;

		if ((t->provider == p || device_was_open(t, p)) &&
		    !device_is_open(t) && !release_wanted(t) &&
		    !taken_in_doubt(t->taken))
			process_start(t);
	}
}

static void
scan_succeeded(struct provider *p)
{
	struct timeval tv;
	int64_t ms;

	p->state = PROVIDER_READY;
	free(p->error);
	p->error = NULL;
	backoff_over(&p->backoff);
	provider_drop_tokens(p, false);
	provider_start_processes(p);
	/* The slots that are left out get another look by themselves. */
	ms = left_out_rest_ms(&p->left_out);
	tv = clock_timeval(ms);
	if (ms >= 0)
		evtimer_add(&p->retry, &tv);
}

/* The scan survived the slot, whatever it found there. */
static void
scan_passed(struct scan *s)
{
	struct provider *p = s->provider;

	if (s->in_slot && left_out_passed(&p->left_out, &s->slot))
		watcher_again(p);
	s->in_slot = false;
}

static enum parse_err
scan_got_slot(struct scan *s, struct bytes body)
{
	struct buffer frame = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	struct wire_slot w;
	enum parse_err err;

	buffer_put(&frame, body);
	err = frame.failed ? PARSE_MEMORY :
	    wire_slot_parse(buffer_bytes(&frame), &w);
	if (err != PARSE_OK) {
		buffer_clear(&frame);
		return err;
	}
	if (w.place.at != s->slot.place.at || w.place.of != s->slot.place.of)
		scan_passed(s);
	buffer_clear(&s->slot_frame);
	s->slot_frame = frame;
	s->slot = w;
	s->in_slot = true;
	if (!w.last || s->last)
		return PARSE_OK;
	/* The rest may take its time: nobody waits for it. */
	s->last = true;
	scan_succeeded(s->provider);
	event_del(&s->provider->retry);
	provider_tell(s->provider);
	return PARSE_OK;
}

static enum parse_err
scan_message(struct scan *s, uint8_t type, struct bytes body)
{
	struct wire_error w;
	enum parse_err err;

	if (++s->messages > SCAN_MESSAGES_MAX + SCAN_MESSAGES_A_SEC *
	    (clock_life_ms() - s->began_ms) / 1000)
		return PARSE_LIMIT;
	switch (type) {
	case WIRE_MODULE:
		return scan_got_module(s, body);
	case WIRE_PROGRESS:
		return body.len == 0 ? PARSE_OK : PARSE_TRAILING;
	case WIRE_SLOT:
		return scan_got_slot(s, body);
	case WIRE_TOKEN:
		scan_passed(s);
		return scan_got_token(s, body);
	case WIRE_DONE:
		scan_passed(s);
		s->done = true;
		return body.len == 0 ? PARSE_OK : PARSE_TRAILING;
	case WIRE_FAILED:
		if ((err = wire_failed_parse(body, &w)) != PARSE_OK)
			return err;
		free(s->failed);
		s->failed = wire_error_words(&w);
		return PARSE_OK;
	default:
		return PARSE_VALUE;
	}
}

/* Silence has a limit: a shorter one while other slots wait. */
static void
scan_expect_more(struct scan *s)
{
	const struct timeval limit = {
		.tv_sec = s->in_slot && s->slot.waiting > 0 ?
		    SCAN_SLOT_MAX_SEC : SCAN_MAX_SEC,
	};

	if (!s->hurried)
		evtimer_add(&s->deadline, &limit);
}

static void
scan_frame(void *arg, struct bytes body)
{
	struct scan *s = arg;
	struct provider *p = s->provider;
	enum parse_err err = scan_message(s, body.p[0],
	    bytes_of(body.p + 1, body.len - 1));

	/* Somebody who was told may have begun another one. */
	if (p->scan != s)
		return;
	if (err == PARSE_OK) {
		scan_expect_more(s);
		return;
	}
	s->in_slot = false;
	log_error("provider %s: its scan sent message %u that makes no sense "
	    "(%s)", s->provider->name, body.p[0], parse_err_text(err));
	s->done = false;
	link_kill(s->link, "it sent nonsense");
}

static void
provider_failed(struct provider *p, const char *why)
{
	p->state = PROVIDER_FAILED;
	provider_set_text(&p->error, bytes_str(why));
	announce_error(p->agent, p->name, why);
	event_emit(p->agent, EVENT_PROVIDER_FAILED,
	    &(struct event_about){.provider = p->name, .text = why});
	log_error("provider %s (%s): %s", p->name, provider_module(p), why);
}

/* Neither registered nor a file: say both. */
static void
scan_failed(struct scan *s, const char *why)
{
	struct provider *p = s->provider;
	char words[2048];

	if (p->unknown == NULL || p->real_path != NULL) {
		provider_failed(p, why);
		return;
	}
	snprintf(words, sizeof(words), "%s; taken for the name of a file: %s",
	    p->unknown, why);
	provider_failed(p, words);
}

void
provider_give_up(struct provider *p, const char *why)
{
	p->awaits_name = false;
	provider_failed(p, why);
	provider_tell(p);
}

void
provider_ready(struct provider *p)
{
	p->state = PROVIDER_READY;
	free(p->error);
	p->error = NULL;
	provider_tell(p);
}

/* It crashed, hung, or sent nonsense: by chance, or again and again. */
static void
scan_died(struct provider *p)
{
	struct timeval tv;

	backoff_died(&p->backoff);
	tv = clock_timeval(backoff_rest_ms(&p->backoff));
	if (p->backoff.deaths < SCAN_DEATHS_MAX)
		evtimer_add(&p->retry, &tv);
}

/* The scan died at a slot. False: that is not why, or cannot be noted. */
static bool
scan_died_at_slot(struct scan *s, const char *why)
{
	struct provider *p = s->provider;

	if (s->failed != NULL || !s->in_slot ||
	    !left_out_add(&p->left_out, &s->slot, why))
		return false;
	log_warn("provider %s: its scan died at slot %u of %u (%s): that slot "
	    "is left out for now", p->name, s->slot.place.at + 1,
	    s->slot.place.of, why);
	watcher_again(p);
	return true;
}

static void
scan_ended(void *arg, const char *why)
{
	struct scan *s = arg;
	struct provider *p = s->provider;
	bool cut = !s->done && p->again;

	s->link = NULL; /* it frees itself */
	p->scan = NULL;
	if (cut) {
		log_info("provider %s: its scan is begun anew: %s", p->name,
		    why);
	} else if (s->done) {
		/* Slots looked for in vain are left out no more: once more. */
		if (left_out_survived(&p->left_out, s->began_ms)) {
			watcher_again(p);
			p->again = true;
		}
		scan_succeeded(p);
	} else if (scan_died_at_slot(s, why)) {
		/* Behind it may be others. */
		cut = p->again = !s->last && s->slot.waiting > 0;
		if (!cut)
			scan_succeeded(p);
	} else {
		scan_failed(s, s->failed != NULL ? s->failed : why);
		if (s->failed == NULL)
			scan_died(p);
		/* By its module's own words; what is watched may come back. */
		else if (!p->pcsc)
			provider_drop_tokens(p, false);
	}
	scan_free(s);
	if (!cut)
		provider_tell(p);
	if (p->again)
		provider_scan_again(p);
}

static void
scan_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct scan *s = arg;

	(void)fd;
	(void)what;
	link_kill(s->link, "the module did not answer in time");
}

static const struct link_events scan_events = {
	scan_frame,
	scan_ended,
};

/* Cards with a process of ours are its own; the scan would wait for them. */
static void
scan_send_start(struct scan *s)
{
	struct provider *p = s->provider;
	struct wire_start start = provider_start_of(p, WIRE_ROLE_SCAN);
	struct token *t;

	TAILQ_FOREACH(t, &p->agent->tokens, entry) {
		if (t->provider == p) {
			t->seen = t->scanned = false;
			t->unseen = device_is_busy(t) ||
			    left_out_hides(&p->left_out, t);
		}
		if (t->process != NULL && t->present)
			provider_ignore(&start, &t->id, NULL);
	}
	p->n_dropped = 0;
	left_out_put(&p->left_out, &start);
	wire_start_put(link_out(s->link), &start);
	link_flush(s->link);
}

static bool
scan_start(struct provider *p)
{
	static const char *const args[] = {"scan", NULL};
	const struct link_spec spec = {
		.program = "p11-agent-provider",
		.foreign = true,
		.args = args,
		.env = (const char *const *)p->env,
		.in_max_bytes = WIRE_REPLY_MAX_BYTES,
		.out_max_bytes = WIRE_QUEUE_MAX_BYTES,
	};
	struct scan *s = calloc(1, sizeof(*s));

	event_del(&p->retry);
	if (s == NULL)
		return false;
	s->provider = p;
	s->began_ms = clock_life_ms();
	evtimer_assign(&s->deadline, p->agent->base, scan_deadline, s);
	s->link = link_start(p->agent, &spec, &scan_events, s);
	if (s->link == NULL) {
		free(s);
		return false;
	}
	p->scan = s;
	p->state = PROVIDER_SCANNING;
	scan_send_start(s);
	scan_expect_more(s);
	return true;
}

void
provider_scan(struct provider *p, struct scan_waiter *w)
{
	if (w != NULL) {
		w->provider = p;
		TAILQ_INSERT_TAIL(&p->waiters, w, entry);
	}
	/* The rest of a last look may take a minute: it is for another time. */
	if (p->scan != NULL && p->scan->last)
		p->scan = scan_free(p->scan);
	if (p->source == PROVIDER_PLACEHOLDER &&
	    p->state == PROVIDER_SCANNING)
		return;
	if (p->source == PROVIDER_PLACEHOLDER ||
	    (p->source == PROVIDER_NAME && !p->named)) {
		p->awaits_name = true;
		p->state = PROVIDER_SCANNING;
		registry_ask(p->agent->registry);
	} else if (p->scan == NULL && !scan_start(p)) {
		provider_give_up(p, "its process cannot be started");
	}
}

void
provider_scan_again(struct provider *p)
{
	p->again = p->scan != NULL && !p->scan->last;
	if (!p->again)
		provider_scan(p, NULL);
}

void
provider_hurry(struct provider *p)
{
	const struct timeval limit = {.tv_sec = LEAVE_SEC};

	if (p->scan == NULL)
		return;
	p->again = true;
	p->scan->hurried = true;
	evtimer_add(&p->scan->deadline, &limit);
}

void
provider_leave_none_out(struct provider *p)
{
	if (p->left_out.n == 0)
		return;
	left_out_clear(&p->left_out);
	watcher_again(p);
	/* A scan that is under way leaves them out. */
	if (p->scan != NULL) {
		p->scan = scan_free(p->scan);
		provider_scan(p, NULL);
	}
}

bool
provider_is_scanning(const struct provider *p)
{
	return p->state == PROVIDER_SCANNING || p->again;
}

int64_t
provider_retry_sec(const struct provider *p)
{
	return p->backoff.deaths > 0 && evtimer_pending(&p->retry, NULL) ?
	    backoff_rest_sec(&p->backoff) : -1;
}

void
provider_forget_module(struct provider *p)
{
	event_del(&p->retry);
	/* Somebody may wait for it. */
	if (p->scan != NULL)
		p->awaits_name = true;
	p->scan = scan_free(p->scan);
	p->again = false;
	p->watcher = watcher_free(p->watcher);
	left_out_clear(&p->left_out);
	provider_drop_tokens(p, true);
	p->pcsc = false;
	free(p->real_path);
	p->real_path = NULL;
}

void
scan_leave(struct scan_waiter *w)
{
	if (w->provider == NULL)
		return;
	TAILQ_REMOVE(&w->provider->waiters, w, entry);
	w->provider = NULL;
}
