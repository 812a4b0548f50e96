/* SPDX-License-Identifier: BSD-2-Clause */
/* What every public key made of a token's bytes must be. */
#ifndef P11_AGENT_TESTS_FUZZ_PUBLIC_KEY_H
#define P11_AGENT_TESTS_FUZZ_PUBLIC_KEY_H

#include "pkcs11/public-key.h"
#include "tests/fuzz/fuzz.h"

/* Checks and clears it. */
static inline void
check_key_value(struct key_value *v)
{
	static const uint8_t zeros[WIRE_SIGNATURE_MAX_BYTES];
	size_t len = public_key_signature_bytes(&v->key);
	uint8_t ref[KEY_REF_BYTES];

	FUZZ_CHECK(key_ref(&v->key, ref));
	if (v->key.kind == KEY_OTHER) {
		/* It says why, and never verifies anything. */
		FUZZ_CHECK(v->reason[0] != '\0' && len == 0);
		FUZZ_CHECK(!public_key_verify(&v->key, SIGN_ECDSA,
		    bytes_of(zeros, 32), bytes_of(zeros, 64)));
	} else {
		/* Only RSA may be too weak; the wire takes the others. */
		FUZZ_CHECK(v->reason[0] == '\0' || v->key.kind == KEY_RSA);
		FUZZ_CHECK(len > 0 && len <= sizeof(zeros));
		FUZZ_CHECK(!public_key_verify(&v->key, v->key.kind == KEY_RSA ?
		    SIGN_RSA_SHA256 : SIGN_ECDSA, bytes_of(zeros, 32),
		    bytes_of(zeros, len)));
	}
	key_value_clear(v);
}

#endif
