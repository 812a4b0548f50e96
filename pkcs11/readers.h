/* SPDX-License-Identifier: BSD-2-Clause */
/* What p11-agent-readers does: watch PC/SC, tell the daemon. */
#ifndef P11_AGENT_PKCS11_READERS_H
#define P11_AGENT_PKCS11_READERS_H

#include <stdbool.h>

struct readers_watch;

/* Watches nothing yet; NULL when memory is out. fd stays the caller's. */
struct readers_watch *readers_watch_new(int fd);
struct readers_watch *readers_watch_free(struct readers_watch *w);

/*
 * Write a READERS_STATE (pkcs11/readers-wire.h) to fd at once and at every
 * change; connects to no card. Returns true when nothing can change any more
 * (READERS_UNSUPPORTED was said), false when fd takes no more.
 */
bool readers_watch_run(struct readers_watch *w);

/*
 * Called by another thread: the daemon asks for a sign of life. The one that
 * watches writes READERS_ALIVE as soon as PC/SC lets it; never, if it hangs
 * there.
 */
void readers_watch_asked(struct readers_watch *w);

#endif
