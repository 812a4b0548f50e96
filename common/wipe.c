/* SPDX-License-Identifier: BSD-2-Clause */
/* Overwrite memory in a way that the compiler may not leave out. */
#include "common/wipe.h"

#include <string.h>

void
wipe(void *p, size_t len)
{
	if (len == 0)
		return;
	memset(p, 0, len);
	/* The compiler must assume that this reads the memory. */
	__asm__ volatile("" : : "r"(p) : "memory");
}
