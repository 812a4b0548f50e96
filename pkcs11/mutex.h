/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes that a module may use in place of its own (PKCS #11 3.0, 5.1.3).
 * A thread may lock one again that it has, and knows how many it holds: OpenSC
 * up to 0.23 leaves its card's locked when a call finds that the card has left
 * before pcscd knows. With a mutex of its own the next call would wait for
 * itself; with ours it fails, and the thread sees that the module is lost.
 */
#ifndef P11_AGENT_PKCS11_MUTEX_H
#define P11_AGENT_PKCS11_MUTEX_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

/* Put their calls into what C_Initialize gets. */
void mutex_offer(CK_C_INITIALIZE_ARGS *args);

/*
 * Does the calling thread hold any? Between two calls into the module it must
 * not: another thread's next call would never come back.
 */
bool mutex_is_held(void);

/* How many: more than before a call, and that call kept some. */
unsigned mutexes_held(void);

#endif
