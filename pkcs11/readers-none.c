/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agent-readers of a build without PC/SC. */
#include "pkcs11/readers.h"

#include <stdlib.h>

#include "common/cleanup.h"
#include "common/frame.h"
#include "pkcs11/readers-wire.h"

struct readers_watch {
	int fd;
};

struct readers_watch *
readers_watch_new(int fd)
{
	struct readers_watch *w = calloc(1, sizeof(*w));

	if (w != NULL)
		w->fd = fd;
	return w;
}

struct readers_watch *
readers_watch_free(struct readers_watch *w)
{
	free(w);
	return NULL;
}

/* All is said with the first message. */
void
readers_watch_asked(struct readers_watch *w)
{
	(void)w;
}

bool
readers_watch_run(struct readers_watch *w)
{
	CLEANUP(buffer_cleanup) struct buffer out =
	    BUFFER_INIT(READERS_MSG_MAX_BYTES);
	const struct readers_state m = {
		.service = READERS_UNSUPPORTED,
		.text = bytes_str("this p11-agent was built without PC/SC"),
	};

	readers_state_put(&out, &m);
	return frame_write(w->fd, &out);
}
