/* SPDX-License-Identifier: BSD-2-Clause */
/* Overwrite and copy memory that a PIN passes through. */
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

void
copy_bytewise(void *to, const void *from, size_t len)
{
	/* Or the compiler would make a memcpy of it. */
	volatile unsigned char *out = to;
	const volatile unsigned char *in = from;

	for (size_t i = 0; i < len; i++)
		out[i] = in[i];
}
