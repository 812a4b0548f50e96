/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Public keys as tokens give them (attributes, SubjectPublicKeyInfo, X.509)
 * made into one checked form, and raw signatures verified with them.
 */
#ifndef P11_AGENT_PKCS11_PUBLIC_KEY_H
#define P11_AGENT_PKCS11_PUBLIC_KEY_H

#include "pkcs11/wire.h"

enum { KEY_REASON_BYTES = 160 };

/*
 * A public key with its memory. One that cannot be used with SSH has a reason
 * in words; without an SSH algorithm, or malformed, it is KEY_OTHER, with
 * whatever tells it from other keys in `key.a`.
 */
struct key_value {
	struct public_key key; /* views of mem */
	uint8_t *mem;	       /* owned */
	char reason[KEY_REASON_BYTES];
};

void key_value_clear(struct key_value *v);

/* A copy with memory of its own; false when memory is out. */
bool key_value_dup(const struct key_value *from, struct key_value *ret);

/*
 * Each fills *ret, to be cleared by the caller; false when memory is out
 * (*ret is then empty).
 *
 * RSA: CKA_MODULUS and CKA_PUBLIC_EXPONENT. EC, also on Edwards curves:
 * CKA_EC_PARAMS (curve OID, PrintableString name, or a named curve's explicit
 * parameters) and CKA_EC_POINT (in a DER OCTET STRING or bare).
 */
bool key_value_rsa(struct bytes modulus, struct bytes exponent,
    struct key_value *ret);
bool key_value_ec(struct bytes params, struct bytes point,
    struct key_value *ret);
bool key_value_other(struct bytes name, const char *reason,
    struct key_value *ret);

/* From DER: a SubjectPublicKeyInfo, an X.509 certificate. */
bool key_value_spki(struct bytes der, struct key_value *ret);
bool key_value_certificate(struct bytes der, struct key_value *ret);

/* The curve of EC parameters; KEY_OTHER for all that SSH does not have. */
enum key_kind curve_kind(struct bytes params);

/* How long a signature by this key is, in bytes; 0 for KEY_OTHER. */
size_t public_key_signature_bytes(const struct public_key *key);

/*
 * Is this a signature (as in wire_sign_result) over data (as in wire_sign)?
 * False also when OpenSSL cannot tell.
 */
bool public_key_verify(const struct public_key *key, enum sign_algorithm alg,
    struct bytes data, struct bytes signature);

#endif
