/* SPDX-License-Identifier: BSD-2-Clause */
/* Digests of what is to be signed, with algorithms fetched once. */
#ifndef P11_AGENT_AGENT_HASHER_H
#define P11_AGENT_AGENT_HASHER_H

#include "common/bytes.h"
#include "proto/keyblob.h"

enum { DIGEST_MAX_BYTES = 64 };

struct hasher;

/* NULL when OpenSSL cannot give SHA-256, SHA-384 and SHA-512. */
struct hasher *hasher_new(void);
struct hasher *hasher_free(struct hasher *h);

/*
 * What the token gets to sign: the digest that the algorithm wants, in
 * `out`; for Ed25519 the data itself. False when OpenSSL fails.
 */
bool hasher_digest(struct hasher *h, enum ssh_signature algorithm,
    struct bytes data, uint8_t out[static DIGEST_MAX_BYTES],
    struct bytes *ret);

#endif
