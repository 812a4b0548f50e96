/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What we know of a token's PIN tries. Kept by who the token is, so that it
 * outlives its absence, another reader, a change of the config and the
 * daemon; PKCS#11 has no number of its own.
 */
#ifndef P11_AGENT_AGENT_PIN_MEMORY_H
#define P11_AGENT_AGENT_PIN_MEMORY_H

#include "agent/agent.h"
#include "agent/kept-pin.h"
#include "agent/pin-store.h"

struct pin_record {
	TAILQ_ENTRY(pin_record) entry;
	struct pin_entry file; /* the token, and what the file says of it */
	/* Another module's view of the same device counts for both; or NULL. */
	struct pin_record *same;
	struct kept_pin *refused; /* the last wrong one, for a while; owned */
	uint32_t wrong; /* PINs since the last good one, seen by us */
	/* Sent since then, and no answer said whether they were right. */
	uint32_t doubt;
	uint32_t pending; /* sent, or about to be; the answer is yet to come */
	/* A PIN that no person typed was wrong, or may have been. */
	bool unattended_off;
	bool unread;   /* what earlier daemons counted is not known */
	bool unstored; /* the file did not take the last change */
};

/* How a try ended. */
enum pin_end {
	PIN_END_UNSENT, /* or the token did not look at it: it costs nothing */
	PIN_END_WRONG,
	PIN_END_DOUBT, /* no answer said whether it was right */
	PIN_END_GOOD,
};

/* The record of this token, made if need be; NULL when memory is out. */
struct pin_record *pin_record_get(struct agent *agent,
    const struct token_id *id);

/*
 * Both are of one device, now and later: *from counts in *into from now on,
 * which has the worse of the two, and pin_record_get gives that for both.
 */
void pin_record_join(struct pin_record *into, struct pin_record *from);

/* A try is about to begin; it has an end. */
void pin_record_try(struct pin_record *r);
void pin_record_end(struct pin_record *r, enum pin_end end);

/* Tries since the last good PIN that were wrong, or may have been. */
uint32_t pin_record_spent(const struct pin_record *r);

/* The record's count is whole, and in the file. */
bool pin_record_is_sure(const struct pin_record *r);

/* All of them, at the end of the daemon. */
void pin_records_free(struct agent *agent);

/*
 * Read what earlier daemons knew, and keep the file up to date from now on;
 * `done` is called once, from the loop, also when there is nothing to read.
 * An agent that never reads has no file: nothing is stored.
 */
struct pin_file *pin_file_new(struct agent *agent);
void pin_file_read(struct pin_file *f, void (*done)(void *arg), void *arg);

/* Something has changed: the file gets it, by a process of its own. */
void pin_file_save(struct pin_file *f);

/* Somebody who waits until a record is in the file. */
struct pin_waiter {
	TAILQ_ENTRY(pin_waiter) entry;
	struct pin_file *file;	   /* NULL while it does not wait */
	struct pin_record *record; /* borrowed */
	bool due;		   /* is told in this round */
	/* fault is NULL when it is in the file. */
	void (*done)(void *arg, const char *fault);
	void *arg;
};

enum pin_stored {
	PIN_STORED,
	PIN_STORING, /* `done` is called, from the loop */
	PIN_NOT_STORED,
};

/*
 * Save the record, and wait for it; the process that writes has
 * CONFIG_CHILD_SEC seconds.
 */
enum pin_stored pin_file_store(struct pin_file *f, struct pin_record *r,
    struct pin_waiter *w);

/* Wait no longer, without a callback. */
void pin_waiter_leave(struct pin_waiter *w);

/* Waits until it has. NULL is fine. Returns NULL. */
struct pin_file *pin_file_free(struct pin_file *f);

#endif
