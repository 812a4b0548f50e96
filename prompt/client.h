/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the system tells of the program that asked for a signature: from
 * proc(5) on Linux (client-proc.c), from sysctl(3) and libproc on macOS
 * (client-macos.c). Of another user's process nothing is told.
 */
#ifndef P11_AGENT_PROMPT_CLIENT_H
#define P11_AGENT_PROMPT_CLIENT_H

#include "prompt/environment.h"

/* Append NAME=VALUE NUL …, or what of it fits; nothing when unknown. */
void client_environ(pid_t pid, struct buffer *out);

/* Its name, fit to be shown; or leave out as it is. */
void client_program(pid_t pid, char out[static ENVIRONMENT_PROGRAM_BYTES]);

/* Its terminal, "/dev/…"; or leave out as it is. */
void client_tty(pid_t pid, char out[static ENVIRONMENT_TTY_BYTES]);

#endif
