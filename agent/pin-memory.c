/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of PIN tries, in memory and in their file. */
#include "agent/pin-memory.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config-run.h"
#include "common/log.h"

struct pin_file {
	struct agent *agent;
	bool known;		/* it was read, so that it may be written */
	struct config_run *run; /* owned; reads, or writes */
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
record_of(struct agent *agent,
    const uint8_t token[static PIN_STORE_HASH_BYTES])
{
	struct pin_record *r;

	TAILQ_FOREACH(r, &agent->pin_records, entry)
		if (memcmp(r->file.token, token, PIN_STORE_HASH_BYTES) == 0)
			return r;
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	memcpy(r->file.token, token, PIN_STORE_HASH_BYTES);
	TAILQ_INSERT_TAIL(&agent->pin_records, r, entry);
	return r;
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

void
pin_record_join(struct pin_record *into, struct pin_record *from)
{
	if (from->wrong > into->wrong)
		into->wrong = from->wrong;
	into->unattended_off |= from->unattended_off;
	if (into->refused == NULL)
		into->refused = from->refused;
	else
		secret_free(from->refused);
	from->refused = NULL;
	from->same = into;
}

void
pin_records_free(struct agent *agent)
{
	struct pin_record *r;

	while ((r = TAILQ_FIRST(&agent->pin_records)) != NULL) {
		TAILQ_REMOVE(&agent->pin_records, r, entry);
		secret_free(r->refused);
		free(r);
	}
}

struct pin_file *
pin_file_new(struct agent *agent)
{
	struct pin_file *f = calloc(1, sizeof(*f));

	if (f != NULL)
		f->agent = agent;
	return f;
}

struct pin_file *
pin_file_free(struct pin_file *f)
{
	if (f == NULL)
		return NULL;
	/* What was counted last is to outlive us; the run has its deadline. */
	while (f->known && f->run != NULL &&
	    event_base_loop(f->agent->base, EVLOOP_ONCE) == 0)
		continue;
	config_run_free(f->run);
	free(f);
	return NULL;
}

/* The next one of which the file says something else; it will not any more. */
static const struct pin_entry *
pin_file_next(struct pin_file *f)
{
	struct pin_record *r, *top;

	TAILQ_FOREACH(r, &f->agent->pin_records, entry) {
		top = record_top(r);
		if (r->file.wrong == top->wrong &&
		    r->file.unattended_off == top->unattended_off)
			continue;
		r->file.wrong = top->wrong;
		r->file.unattended_off = top->unattended_off;
		return &r->file;
	}
	return NULL;
}

static void
pin_file_saved(void *arg, struct bytes answer, const char *error)
{
	struct pin_file *f = arg;

	(void)answer;
	f->run = NULL;
	if (error != NULL)
		log_warn("the count of wrong PINs does not outlive this "
		    "p11-agent: %s", error);
	pin_file_save(f);
}

void
pin_file_save(struct pin_file *f)
{
	char words[PIN_ENTRY_WORDS][PIN_ENTRY_WORD_BYTES];
	const char *const args[] = {"pins-set", words[0], words[1], words[2],
	    NULL};
	const struct pin_entry *e;

	/* They change rarely: one by one, a process each. */
	if (!f->known || f->run != NULL || (e = pin_file_next(f)) == NULL)
		return;
	pin_entry_words(e, words);
	f->run = config_run_start(f->agent, args, pin_file_saved, f);
	if (f->run == NULL)
		log_warn("the count of wrong PINs does not outlive this "
		    "p11-agent: p11-agent-config cannot be started");
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
		if (top->wrong < e->wrong)
			top->wrong = e->wrong;
		top->unattended_off |= e->unattended_off;
	}
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
		log_warn("wrong PINs of before are not known: %s", error);
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
