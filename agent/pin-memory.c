/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of PIN tries, in memory and in their file. */
#include "agent/pin-memory.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config-run.h"
#include "common/limits.h"
#include "common/log.h"

struct pin_file {
	struct agent *agent;
	bool known;		/* it was read, so that it may be written */
	bool unread;		/* that went wrong */
	bool closing;		/* a fault ends it */
	struct config_run *run; /* owned; reads, or writes */
	struct pin_record *writing; /* the entry is this one's */
	TAILQ_HEAD(, pin_waiter) waiters;
	void (*done)(void *arg);
	void *arg;
};

/* The one in which it counts. */
static struct pin_record *
record_top(struct pin_record *r)
{
	while (r->same != NULL)
		r = r->same;
	return r;
}

static struct pin_record *
record_new(struct agent *agent,
    const uint8_t token[static PIN_STORE_HASH_BYTES])
{
	struct pin_record *r = calloc(1, sizeof(*r));

	if (r == NULL || (r->refused = kept_pin_new(agent)) == NULL) {
		free(r);
		return NULL;
	}
	memcpy(r->file.token, token, PIN_STORE_HASH_BYTES);
	r->unread = agent->pin_file->unread;
	TAILQ_INSERT_TAIL(&agent->pin_records, r, entry);
	return r;
}

static struct pin_record *
record_of(struct agent *agent,
    const uint8_t token[static PIN_STORE_HASH_BYTES])
{
	struct pin_record *r;

	TAILQ_FOREACH(r, &agent->pin_records, entry)
		if (memcmp(r->file.token, token, PIN_STORE_HASH_BYTES) == 0)
			return r;
	return record_new(agent, token);
}

struct pin_record *
pin_record_get(struct agent *agent, const struct token_id *id)
{
	uint8_t token[PIN_STORE_HASH_BYTES];
	struct pin_record *r = NULL;

	if (pin_store_hash(id, token))
		r = record_of(agent, token);
	return r == NULL ? NULL : record_top(r);
}

static uint32_t
larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

void
pin_record_join(struct pin_record *into, struct pin_record *from)
{
	struct kept_pin *refused = into->refused;

	into->wrong = larger(into->wrong, from->wrong);
	into->doubt = larger(into->doubt, from->doubt);
	into->pending += from->pending;
	into->unattended_off |= from->unattended_off;
	into->unread |= from->unread;
	into->unstored |= from->unstored;
	if (!kept_pin_is_there(refused)) {
		into->refused = from->refused;
		from->refused = refused;
	}
	kept_pin_wipe(from->refused);
	from->same = into;
}

void
pin_record_try(struct pin_record *r)
{
	r->pending++;
}

static void
count_up(uint32_t *count)
{
	if (*count < PIN_COUNT_MAX)
		++*count;
}

void
pin_record_end(struct pin_record *r, enum pin_end end)
{
	r->pending--;
	switch (end) {
	case PIN_END_UNSENT:
		break;
	case PIN_END_WRONG:
		count_up(&r->wrong);
		break;
	case PIN_END_DOUBT:
		count_up(&r->doubt);
		break;
	case PIN_END_GOOD:
		r->wrong = r->doubt = 0;
		r->unattended_off = r->unread = false;
		kept_pin_wipe(r->refused);
		break;
	}
}

uint32_t
pin_record_spent(const struct pin_record *r)
{
	return r->wrong + r->doubt;
}

bool
pin_record_is_sure(const struct pin_record *r)
{
	return !r->unread && !r->unstored;
}

void
pin_records_free(struct agent *agent)
{
	struct pin_record *r;

	while ((r = TAILQ_FIRST(&agent->pin_records)) != NULL) {
		TAILQ_REMOVE(&agent->pin_records, r, entry);
		kept_pin_free(r->refused);
		free(r);
	}
}

struct pin_file *
pin_file_new(struct agent *agent)
{
	struct pin_file *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->agent = agent;
	TAILQ_INIT(&f->waiters);
	return f;
}

struct pin_file *
pin_file_free(struct pin_file *f)
{
	if (f == NULL)
		return NULL;
	/* The last count is to outlive us; the run has its deadline. */
	f->closing = true;
	while (f->known && f->run != NULL &&
	    event_base_loop(f->agent->base, EVLOOP_ONCE) == 0)
		continue;
	config_run_free(f->run);
	free(f);
	return NULL;
}

/* The entry that the file should have of this record. */
static struct pin_entry
record_entry(struct pin_record *r)
{
	const struct pin_record *top = record_top(r);
	struct pin_entry e = r->file;

	e.wrong = top->wrong;
	/* Until the answer comes, the worst of what it may be. */
	e.doubt = top->doubt + top->pending;
	e.unattended_off = top->unattended_off || top->pending > 0;
	return e;
}

static bool
record_is_old(struct pin_record *r)
{
	const struct pin_entry e = record_entry(r);

	return r->file.wrong != e.wrong || r->file.doubt != e.doubt ||
	    r->file.unattended_off != e.unattended_off;
}

/* The next one of the device, or of any (NULL), that the file is to get. */
static struct pin_record *
pin_file_next_of(const struct pin_file *f, const struct pin_record *top)
{
	struct pin_record *r;

	TAILQ_FOREACH(r, &f->agent->pin_records, entry)
		if ((top == NULL || record_top(r) == top) && record_is_old(r))
			return r;
	return NULL;
}

/* First what somebody waits for. */
static struct pin_record *
pin_file_next(struct pin_file *f)
{
	struct pin_record *r;
	struct pin_waiter *w;

	TAILQ_FOREACH(w, &f->waiters, entry)
		if ((r = pin_file_next_of(f, record_top(w->record))) != NULL)
			return r;
	return pin_file_next_of(f, NULL);
}

void
pin_waiter_leave(struct pin_waiter *w)
{
	if (w->file != NULL)
		TAILQ_REMOVE(&w->file->waiters, w, entry);
	w->file = NULL;
}

static struct pin_waiter *
pin_file_due(const struct pin_file *f)
{
	struct pin_waiter *w;

	TAILQ_FOREACH(w, &f->waiters, entry)
		if (w->due)
			return w;
	return NULL;
}

/* Waiters who come meanwhile wait for a change of their own. */
static void
pin_file_tell(struct pin_file *f, const struct pin_record *top,
    const char *fault)
{
	struct pin_waiter *w;

	TAILQ_FOREACH(w, &f->waiters, entry)
		w->due = record_top(w->record) == top;
	while ((w = pin_file_due(f)) != NULL) {
		pin_waiter_leave(w);
		w->done(w->arg, fault);
	}
}

static void pin_file_saved(void *arg, struct bytes answer, const char *error);

/* Records change rarely: one by one, a process each. */
static bool
pin_file_write(struct pin_file *f, struct pin_record *r)
{
	char words[PIN_ENTRY_WORDS][PIN_ENTRY_WORD_BYTES];
	const char *const args[] = {"pins-set", words[0], words[1], words[2],
	    words[3], NULL};

	r->file = record_entry(r);
	pin_entry_words(&r->file, words);
	f->run = config_run_start(f->agent, args, pin_file_saved, f);
	f->writing = f->run == NULL ? NULL : r;
	return f->run != NULL;
}

/* The record's last entry was written, or (fault) one of them was not. */
static void
pin_file_end(struct pin_file *f, struct pin_record *r, const char *fault)
{
	struct pin_record *top = record_top(r);

	top->unstored = fault != NULL;
	if (fault != NULL)
		log_warn("the count of wrong PINs does not outlive this "
		    "p11-agent: %s", fault);
	pin_file_tell(f, top, fault);
}

void
pin_file_save(struct pin_file *f)
{
	struct pin_record *r;

	while (f->known && f->run == NULL && (r = pin_file_next(f)) != NULL)
		if (!pin_file_write(f, r))
			pin_file_end(f, r,
			    "p11-agent-config cannot be started");
}

static void
pin_file_saved(void *arg, struct bytes answer, const char *error)
{
	struct pin_file *f = arg;
	struct pin_record *r = f->writing, *more;

	(void)answer;
	f->run = NULL;
	f->writing = NULL;
	/* A device that two modules show has two. */
	more = error != NULL ? NULL : pin_file_next_of(f, record_top(r));
	if (more == NULL)
		pin_file_end(f, r, error);
	else if (!pin_file_write(f, more))
		pin_file_end(f, more, "p11-agent-config cannot be started");
	if (error == NULL || !f->closing)
		pin_file_save(f);
}

enum pin_stored
pin_file_store(struct pin_file *f, struct pin_record *r, struct pin_waiter *w)
{
	struct pin_record *top = record_top(r), *next;
	bool writing = f->run != NULL;

	if (!f->known)
		return PIN_STORED;
	next = pin_file_next_of(f, top);
	/* The record may have been stored for a try that was not sent. */
	if (next == NULL && (!writing || record_top(f->writing) != top))
		return top->unstored ? PIN_NOT_STORED : PIN_STORED;
	if (!writing && !pin_file_write(f, next)) {
		pin_file_end(f, next, "p11-agent-config cannot be started");
		return PIN_NOT_STORED;
	}
	w->file = f;
	w->record = r;
	w->due = false;
	TAILQ_INSERT_TAIL(&f->waiters, w, entry);
	return PIN_STORING;
}

static uint32_t
count_limit(uint32_t count)
{
	return count > PIN_COUNT_MAX ? PIN_COUNT_MAX : count;
}

static void
pin_file_take(struct agent *agent, const struct pin_store *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct pin_entry *e = &s->entries[i];
		struct pin_record *r = record_of(agent, e->token), *top;

		if (r == NULL)
			continue;
		r->file = *e;
		top = record_top(r);
		top->wrong = larger(top->wrong, count_limit(e->wrong));
		top->doubt = larger(top->doubt, count_limit(e->doubt));
		top->unattended_off |= e->unattended_off;
	}
}

/* The counts of earlier daemons are not known, of no token. */
static void
pin_file_unread(struct pin_file *f, const char *error)
{
	struct pin_record *r;

	log_warn("wrong PINs of before are not known, so only persons may "
	    "try: %s", error);
	f->unread = true;
	TAILQ_FOREACH(r, &f->agent->pin_records, entry)
		r->unread = true;
}

static void
pin_file_was_read(void *arg, struct bytes answer, const char *error)
{
	struct pin_file *f = arg;
	struct pin_store store;

	f->run = NULL;
	if (error == NULL && pin_store_parse(answer, &store) != PARSE_OK)
		error = "their file makes no sense";
	if (error == NULL)
		pin_file_take(f->agent, &store);
	else
		pin_file_unread(f, error);
	f->known = true;
	f->done(f->arg);
	pin_file_save(f);
}

void
pin_file_read(struct pin_file *f, void (*done)(void *arg), void *arg)
{
	static const char *const args[] = {"pins", NULL};

	f->done = done;
	f->arg = arg;
	f->run = config_run_start(f->agent, args, pin_file_was_read, f);
	if (f->run == NULL)
		pin_file_was_read(f, BYTES_NONE,
		    "p11-agent-config cannot be started");
}
