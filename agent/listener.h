/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections that come in, handed over one by one if their user may. */
#ifndef P11_AGENT_AGENT_LISTENER_H
#define P11_AGENT_AGENT_LISTENER_H

#include "agent/agent.h"
#include "agent/peer.h"

struct listener;

/* Takes the connection over. */
typedef void (*listener_accepted)(struct agent *agent, int fd,
    const struct peer *peer);

enum listener_peers {
	LISTENER_OWN_AND_ROOT, /* root as far as allow-root permits */
	LISTENER_OWN_ONLY,
};

/*
 * fd is a listening, non-blocking socket and stays the caller's. NULL when
 * memory is out.
 */
struct listener *listener_new(struct agent *agent, int fd,
    enum listener_peers peers, listener_accepted accepted);

struct listener *listener_free(struct listener *l);

#endif
