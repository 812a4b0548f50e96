/* SPDX-License-Identifier: BSD-2-Clause */
/* What a shell evaluates to use the agent. */
#ifndef P11_AGENT_CTL_ENV_H
#define P11_AGENT_CTL_ENV_H

#include <stdbool.h>
#include <stdio.h>

/* For sh and its kin, or for csh; the path is quoted where it has to be. */
void env_print(FILE *out, const char *socket, bool csh);

#endif
