/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots of a module at which a scan crashed or hung. The next scan leaves
 * them out, so that the tokens beside them are listed; when its rest is over a
 * slot is looked at once more, behind all others.
 */
#ifndef P11_AGENT_AGENT_LEFT_OUT_H
#define P11_AGENT_AGENT_LEFT_OUT_H

#include <jansson.h>

#include "agent/backoff.h"
#include "pkcs11/wire.h"

struct left_out_slot;
struct token;

/* All zero: none. */
struct left_out {
	struct left_out_slot *slots; /* owned */
	size_t n;
};

void left_out_clear(struct left_out *l);

/*
 * A scan died at this slot. False when there are too many, or memory is out:
 * then it is as if the scan had died elsewhere.
 */
bool left_out_add(struct left_out *l, const struct wire_slot *slot,
    const char *why);

/* A scan came past all that it said of this slot. True if it was left out. */
bool left_out_passed(struct left_out *l, const struct wire_slot *slot);

/*
 * A scan that began then (clock_life_ms) is done, and has looked for each that
 * was due. True if one was: its slot, or what was in it, has gone.
 */
bool left_out_survived(struct left_out *l, int64_t began_ms);

/* All that must be left out, for a process; borrows from l. */
void left_out_put(const struct left_out *l, struct wire_start *start);

/* May the token be in such a slot, so that a scan does not see it? */
bool left_out_hides(const struct left_out *l, const struct token *t);

/* When the next one is looked at again, in ms; -1: none by itself. */
int64_t left_out_rest_ms(const struct left_out *l);

/* In words, one a slot: which, why, and when it is looked at again. */
json_t *left_out_json(const struct left_out *l);

#endif
