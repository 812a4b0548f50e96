/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What we know of a token's PIN tries. Kept by who the token is, so that it
 * outlives its absence, another reader and a change of the config; PKCS#11
 * has no number of its own.
 */
#ifndef P11_AGENT_AGENT_PIN_MEMORY_H
#define P11_AGENT_AGENT_PIN_MEMORY_H

#include "agent/agent.h"
#include "common/secret.h"
#include "pkcs11/wire.h"

struct pin_record {
	TAILQ_ENTRY(pin_record) entry;
	struct token_id id; /* views of text; slot_description is empty */
	char *text;	    /* owned */
	/* Another module's view of the same device counts for both; or NULL. */
	struct pin_record *same;
	struct secret *refused; /* the last wrong one, until a good one */
	unsigned wrong;	    /* PINs since the last good one, seen by us */
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

#endif
