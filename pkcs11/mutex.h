/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes that a module may use in place of its own (PKCS #11 3.0, 5.1.3).
 * A thread may lock one again that it has: OpenSC up to 0.23 leaves its card's
 * locked when a call finds that the card has left before pcscd knows, and the
 * next call would wait for itself; so it fails, and is known to be lost.
 */
#ifndef P11_AGENT_PKCS11_MUTEX_H
#define P11_AGENT_PKCS11_MUTEX_H

#include <p11-kit/pkcs11.h>

/* Offer them to C_Initialize, beside the operating system's. */
void mutex_offer(CK_C_INITIALIZE_ARGS *args);

#endif
