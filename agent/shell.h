/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines that ssh-agent prints for `eval` in a shell. */
#ifndef P11_AGENT_AGENT_SHELL_H
#define P11_AGENT_AGENT_SHELL_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

enum shell { SHELL_GUESS, SHELL_SH, SHELL_CSH };

/* Set SSH_AUTH_SOCK, SSH_AGENT_PID (not for pid 0). SHELL_GUESS: by $SHELL. */
void shell_print_set(FILE *out, enum shell shell, const char *socket,
    pid_t pid);

/* Take both away again (-k). */
void shell_print_unset(FILE *out, enum shell shell, pid_t pid);

#endif
