/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of the mechanisms that SSH needs a token signs with. */
#ifndef P11_AGENT_PKCS11_MECHANISM_H
#define P11_AGENT_PKCS11_MECHANISM_H

#include <p11-kit/pkcs11.h>

#include "pkcs11/wire.h"

/* Each is what is missing, in words; "" where it is there, or not known. */
struct mechanisms {
	const char *rsa;
	const char *ecdsa;
	const char *eddsa;
};

/*
 * Ask the token. A module that has no list of mechanisms, or fails to give
 * one, is believed to have what its keys need.
 */
void mechanisms_read(CK_FUNCTION_LIST *module, CK_SLOT_ID slot,
    struct mechanisms *ret);

/* Why a key of this kind cannot sign on that token, or "". */
const char *mechanisms_lack(const struct mechanisms *m, enum key_kind kind);

/* The mechanism of a signature. */
CK_MECHANISM_TYPE mechanism_of(enum sign_algorithm algorithm);

#endif
