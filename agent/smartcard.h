/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ssh-add -s, -e, -d and -D. Providers and keys come from the config alone:
 * -s brings a PIN or a fresh scan to a provider that the config names, the
 * others hide identities until the next -s. A connection that may come from
 * another machine may do none of this (client_may_change; CVE-2023-38408
 * came from a forwarded agent).
 */
#ifndef P11_AGENT_AGENT_SMARTCARD_H
#define P11_AGENT_AGENT_SMARTCARD_H

#include "agent/client.h"

/* Each answers the request, now or later; body: behind the type byte. */
void smartcard_add(struct reply *r, struct bytes body, bool constrained);
void smartcard_remove(struct reply *r, struct bytes body);

/*
 * Hide one exposed identity, or all, and end the processes that serve
 * nothing else. False: refused, or no such identity; the log says so.
 */
bool smartcard_hide_key(struct client *c, struct bytes body);
bool smartcard_hide_all(struct client *c);

/* Hide all keys, for whoever may send us a signal. */
void smartcard_hide_every_key(struct agent *a);

#endif
