/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading to the end. */
#include "common/read-all.h"

#include <errno.h>
#include <unistd.h>

enum { READ_BYTES = 4096 };

bool
read_all(int fd, struct buffer *out)
{
	for (;;) {
		size_t most = out->max - out->len;
		/* A full buffer is enough if nothing follows. */
		uint8_t more, *room = &more;
		ssize_t n;

		if (most > READ_BYTES)
			most = READ_BYTES;
		if (most > 0 && (room = buffer_room(out, most)) == NULL) {
			errno = ENOMEM;
			return false;
		}
		n = read(fd, room, most > 0 ? most : 1);
		if (n == 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0 && most == 0) {
			errno = EFBIG;
			return false;
		}
		if (n > 0)
			buffer_added(out, (size_t)n);
	}
}
