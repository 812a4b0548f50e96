/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What we know of a token's PIN tries. Kept by who the token is, so that it
 * outlives its absence, another reader and a change of the config; PKCS#11
 * has no number of its own.
 */
#ifndef P11_AGENT_AGENT_PIN_MEMORY_H
#define P11_AGENT_AGENT_PIN_MEMORY_H

#include "agent/agent.h"
#include "pkcs11/wire.h"

struct pin_record {
	TAILQ_ENTRY(pin_record) entry;
	struct token_id id; /* views of text; slot_description is empty */
	char *text;	    /* owned */
	unsigned wrong;	    /* PINs since the last good one, seen by us */
	/* A PIN that no person typed was wrong, or may have been. */
	bool unattended_off;
};

/* The record of this token, made if need be; NULL when memory is out. */
struct pin_record *pin_record_get(struct agent *agent,
    const struct token_id *id);

/* All of them, at the end of the daemon. */
void pin_records_free(struct agent *agent);

#endif
