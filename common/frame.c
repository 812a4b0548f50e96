/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of uint32 length and bytes, in buffers and over blocking fds. */
#include "common/frame.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/endian.h"

enum { FRAME_HEAD_BYTES = 4, FRAME_READ_BYTES = 4096 };

enum frame_state
frame_peek(const struct buffer *in, size_t max_bytes, struct bytes *ret)
{
	size_t len;

	if (in->len < FRAME_HEAD_BYTES)
		return FRAME_MORE;
	len = get_be32(in->p);
	if (len == 0 || len > max_bytes)
		return FRAME_BAD;
	if (in->len - FRAME_HEAD_BYTES < len)
		return FRAME_MORE;
	*ret = bytes_of(in->p + FRAME_HEAD_BYTES, len);
	return FRAME_READY;
}

void
frame_drop(struct buffer *in, struct bytes body)
{
	buffer_consume(in, FRAME_HEAD_BYTES + body.len);
}

int
frame_read(int fd, struct buffer *in, size_t max_bytes, struct bytes *ret)
{
	for (;;) {
		uint8_t *room;
		ssize_t n;

		switch (frame_peek(in, max_bytes, ret)) {
		case FRAME_READY:
			return 1;
		case FRAME_BAD:
			return -1;
		case FRAME_MORE:
			break;
		}
		if ((room = buffer_room(in, FRAME_READ_BYTES)) == NULL)
			return -1;
		n = read(fd, room, FRAME_READ_BYTES);
		if (n > 0)
			buffer_added(in, (size_t)n);
		else if (n == 0)
			return in->len == 0 ? 0 : -1;
		else if (errno != EINTR)
			return -1;
	}
}

bool
frame_write(int fd, const struct buffer *frames)
{
	struct bytes rest = buffer_bytes(frames);

	if (frames->failed)
		return false;
	while (rest.len > 0) {
		/* A peer that is gone must be an error, not a SIGPIPE. */
		ssize_t n = send(fd, rest.p, rest.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		rest.p += n;
		rest.len -= (size_t)n;
	}
	return true;
}
