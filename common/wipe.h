/* SPDX-License-Identifier: BSD-2-Clause */
/* Overwrite memory in a way that the compiler may not leave out. */
#ifndef P11_AGENT_COMMON_WIPE_H
#define P11_AGENT_COMMON_WIPE_H

#include <stddef.h>

void wipe(void *p, size_t len);

#endif
