/* SPDX-License-Identifier: BSD-2-Clause */
/* Handle memory that a PIN passes through, so that none of it stays behind. */
#ifndef P11_AGENT_COMMON_WIPE_H
#define P11_AGENT_COMMON_WIPE_H

#include <stddef.h>

/* Overwrite in a way that the compiler may not leave out. */
void wipe(void *p, size_t len);

/*
 * Copy, or move towards the front, a byte at a time. memcpy would leave the
 * bytes in registers for long, and from there each signal, and each first
 * call of a library's function, writes them to the stack.
 */
void copy_bytewise(void *to, const void *from, size_t len);

#endif
