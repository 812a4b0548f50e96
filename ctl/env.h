/* SPDX-License-Identifier: BSD-2-Clause */
/* What a shell evaluates to use the agent. */
#ifndef P11_AGENT_CTL_ENV_H
#define P11_AGENT_CTL_ENV_H

#include <stdio.h>

enum shell {
	SHELL_GUESS, /* as SHELL is called */
	SHELL_SH,    /* and its kin */
	SHELL_CSH,
	SHELL_FISH,
};

/* The shell that a path such as SHELL's means; NULL: sh. */
enum shell env_shell_of(const char *path);

/* For one of them, not SHELL_GUESS; the path is quoted where it has to be. */
void env_print(FILE *out, const char *socket, enum shell shell);

#endif
