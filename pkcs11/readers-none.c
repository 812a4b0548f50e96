/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agent-readers of a build without PC/SC. */
#include "pkcs11/readers.h"

#include "common/cleanup.h"
#include "common/frame.h"
#include "pkcs11/readers-wire.h"

bool
readers_watch(int fd)
{
	CLEANUP(buffer_cleanup) struct buffer out =
	    BUFFER_INIT(READERS_MSG_MAX_BYTES);
	const struct readers_state m = {
		.service = READERS_UNSUPPORTED,
		.text = bytes_str("this p11-agent was built without PC/SC"),
	};

	readers_state_put(&out, &m);
	return frame_write(fd, &out);
}
