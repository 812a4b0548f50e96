/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames: uint32 length, then that many bytes. The agent protocol, the
 * control socket and the wire to our own child processes all use them.
 */
#ifndef P11_AGENT_COMMON_FRAME_H
#define P11_AGENT_COMMON_FRAME_H

#include "common/buffer.h"

enum frame_state {
	FRAME_READY, /* *ret is one frame's body, borrowed from the buffer */
	FRAME_MORE,  /* not all of it is here yet */
	FRAME_BAD,   /* its length is 0 or over the limit */
};

/*
 * Look at the first frame in a buffer. The body (without the length) is
 * valid until the buffer changes; drop it with frame_drop.
 */
enum frame_state frame_peek(const struct buffer *in, size_t max_bytes,
    struct bytes *ret);
void frame_drop(struct buffer *in, struct bytes body);

/*
 * Blocking, for our child processes only (never the daemon's loop).
 * frame_read: 1 with *ret borrowed from `in`, 0 on a clean end of file
 * between frames, -1 on anything else. frame_write: false when not all of
 * it could be written; `frames` holds whole frames made with buffer_begin.
 */
int frame_read(int fd, struct buffer *in, size_t max_bytes, struct bytes *ret);
bool frame_write(int fd, const struct buffer *frames);

#endif
