/* SPDX-License-Identifier: BSD-2-Clause */
/* What p11-agent-readers does: watch PC/SC, tell the daemon. */
#ifndef P11_AGENT_PKCS11_READERS_H
#define P11_AGENT_PKCS11_READERS_H

#include <stdbool.h>

/*
 * Write a READERS_STATE (pkcs11/readers-wire.h) to fd at once and at every
 * change; connects to no card. Returns true when nothing can change any more
 * (READERS_UNSUPPORTED was said), false when fd takes no more.
 */
bool readers_watch(int fd);

#endif
