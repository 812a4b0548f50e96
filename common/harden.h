/* SPDX-License-Identifier: BSD-2-Clause */
/* What every program of ours does first, before it holds a secret. */
#ifndef P11_AGENT_COMMON_HARDEN_H
#define P11_AGENT_COMMON_HARDEN_H

#include <stdbool.h>

/*
 * No core dump, and no other process of the same user may read our memory
 * (ptrace, /proc/PID/mem). Sanitizer builds skip the second, which would keep
 * the leak check out. Returns NULL, or what could not be done, in words.
 */
const char *harden_process(void);

/* Did the daemon start us? Then this fd is a socket to it. */
bool harden_is_child(int fd);

/* As many fds as the hard limit gives, for many connections. */
void harden_raise_fds(void);

#endif
