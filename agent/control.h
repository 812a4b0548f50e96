/* SPDX-License-Identifier: BSD-2-Clause */
/* The control socket: what p11-agentctl asks (proto/control.h). */
#ifndef P11_AGENT_AGENT_CONTROL_H
#define P11_AGENT_AGENT_CONTROL_H

#include "agent/agent.h"
#include "agent/peer.h"

/* Takes fd over. A listener_accepted. */
void control_new(struct agent *agent, int fd, const struct peer *peer);

/* A process that a release ended is gone: who waits for that? */
void control_released(struct agent *agent);

/* Hang up. NULL is fine. Returns NULL. */
struct control_client *control_free(struct control_client *c);

#endif
