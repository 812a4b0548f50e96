/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading to the end, for programs that may wait for it. */
#ifndef P11_AGENT_COMMON_READ_ALL_H
#define P11_AGENT_COMMON_READ_ALL_H

#include "common/buffer.h"

/*
 * Append all that comes from fd until its end. False with errno; EFBIG: it is
 * more than the buffer may hold, and what fits is there.
 */
bool read_all(int fd, struct buffer *out);

#endif
