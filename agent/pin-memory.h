/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What we know of a token's PIN tries. Kept by who the token is, so that it
 * outlives its absence, another reader, a change of the config and the
 * daemon; PKCS#11 has no number of its own.
 */
#ifndef P11_AGENT_AGENT_PIN_MEMORY_H
#define P11_AGENT_AGENT_PIN_MEMORY_H

#include "agent/agent.h"
#include "agent/pin-store.h"
#include "common/secret.h"

struct pin_record {
	TAILQ_ENTRY(pin_record) entry;
	struct pin_entry file; /* the token, and what the file says of it */
	/* Another module's view of the same device counts for both; or NULL. */
	struct pin_record *same;
	struct secret *refused; /* the last wrong one, until a good one */
	uint32_t wrong;	    /* PINs since the last good one, seen by us */
	/* A PIN that no person typed was wrong, or may have been. */
	bool unattended_off;
};

/* The record of this token, made if need be; NULL when memory is out. */
struct pin_record *pin_record_get(struct agent *agent,
    const struct token_id *id);

/*
 * Both are of one device, now and later: *from counts in *into from now on,
 * which has the worse of the two, and pin_record_get gives that for both.
 */
void pin_record_join(struct pin_record *into, struct pin_record *from);

/* All of them, at the end of the daemon. */
void pin_records_free(struct agent *agent);

/*
 * Read what earlier daemons knew, and keep the file up to date from now on;
 * `done` is called once, from the loop, also when there is nothing to read.
 */
struct pin_file *pin_file_new(struct agent *agent);
void pin_file_read(struct pin_file *f, void (*done)(void *arg), void *arg);

/* Something has changed: the file gets it, by a process of its own. */
void pin_file_save(struct pin_file *f);

/* Waits until it has. NULL is fine. Returns NULL. */
struct pin_file *pin_file_free(struct pin_file *f);

#endif
