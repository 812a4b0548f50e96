/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PIN or passphrase, on a page of its own: locked into memory where the
 * limit permits, left out of core dumps, between two guard pages, wiped when
 * it is freed. Copies are made on purpose only.
 */
#ifndef P11_AGENT_COMMON_SECRET_H
#define P11_AGENT_COMMON_SECRET_H

#include "common/bytes.h"

struct secret;

/*
 * Copy bytes into a new secret; the caller frees it with secret_free and
 * wipes the bytes that it copied from. NULL when memory is out or when it
 * is longer than SECRET_MAX_BYTES.
 */
struct secret *secret_new(struct bytes b);

/* Wipe and release; NULL is fine. Returns NULL, for `s = secret_free(s)`. */
struct secret *secret_free(struct secret *s);

/* For CLEANUP(): free the secret that the variable points to. */
void secret_freep(struct secret **s);

/* The content, borrowed; NULL gives an empty view. */
struct bytes secret_bytes(const struct secret *s);

/* Equal content, compared in constant time for equal lengths. */
bool secret_equal(const struct secret *a, const struct secret *b);

#endif
