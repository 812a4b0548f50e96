/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A word to the person without a question: on the desktop, by
 * p11-agent-prompt; in the log where there is no desktop.
 */
#ifndef P11_AGENT_AGENT_NOTICE_H
#define P11_AGENT_AGENT_NOTICE_H

#include <sys/types.h>

#include "agent/agent.h"

struct notice;

/*
 * Show it, until notice_end. client_pid: for whom; 0: nobody. NULL when it
 * could only be logged.
 */
struct notice *notice_begin(struct agent *agent, const char *title,
    const char *text, pid_t client_pid);

/* Take it away. NULL is fine. Returns NULL. */
struct notice *notice_end(struct notice *n);

/* Show it for a while; it looks after itself. Also a line in the log. */
void notice_show(struct agent *agent, const char *title, const char *text);

/* Those that look after themselves, at the end of the daemon. */
void notices_end(struct agent *agent);

#endif
