/* SPDX-License-Identifier: BSD-2-Clause */
/* Big-endian numbers in byte arrays. */
#ifndef P11_AGENT_COMMON_ENDIAN_H
#define P11_AGENT_COMMON_ENDIAN_H

#include <stdint.h>

static inline uint32_t
get_be32(const uint8_t p[static 4])
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static inline void
put_be32(uint8_t p[static 4], uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

#endif
