/* SPDX-License-Identifier: BSD-2-Clause */
/* The help of each command. */
#ifndef P11_AGENT_CTL_HELP_H
#define P11_AGENT_CTL_HELP_H

/* What `p11-agentctl help COMMAND` says; NULL for no command. */
const char *help_text(const char *command);

#endif
