/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys by their references, so that many of them are looked up in as many
 * steps. A module that makes up its keys cannot make it slow: each set hashes
 * in a way of its own.
 */
#ifndef P11_AGENT_AGENT_REF_SET_H
#define P11_AGENT_AGENT_REF_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ref_entry {
	const uint8_t *ref; /* KEY_REF_BYTES; borrowed; NULL: free */
	void *value;	    /* borrowed */
};

/* All zero: empty, with room for nothing. */
struct ref_set {
	struct ref_entry *entries; /* owned */
	size_t size;		   /* 0, or a power of 2 */
	unsigned shift;
	uint64_t factor; /* random, odd */
	size_t steps;	 /* looks of ref_set_put so far, for tests */
};

/* Room for n, in an empty set. False when memory is out. */
bool ref_set_init(struct ref_set *s, size_t n);
void ref_set_clear(struct ref_set *s);

/* Add it, unless it is there: then the value that it was added with. */
void *ref_set_put(struct ref_set *s, const uint8_t *ref, void *value);

/* The value that it was added with, or NULL. */
void *ref_set_get(const struct ref_set *s, const uint8_t *ref);

#endif
