/* SPDX-License-Identifier: BSD-2-Clause */
/* What the service manager has of SSH_AUTH_SOCK and of our socket now. */
#ifndef P11_AGENT_CTL_SETUP_MANAGER_H
#define P11_AGENT_CTL_SETUP_MANAGER_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/buffer.h"
#include "ctl/path.h"

/*
 * *ret is the SSH_AUTH_SOCK that it gives to programs, in `printed`; NULL:
 * none. False: it does not answer.
 */
bool setup_manager_ask(struct buffer *printed, const char **ret);

/* Does it know no unit of ours? */
bool setup_units_missing(void);

/*
 * The agent that serves the socket but was not started by the manager, which
 * would take the socket from it; 0: there is none, or it is not known.
 */
pid_t setup_agent_by_hand(const struct agent_path *path);

#endif
