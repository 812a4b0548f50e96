/* SPDX-License-Identifier: BSD-2-Clause */
/* Signs of life while a token is read. */
#include "pkcs11/progress.h"

#include "pkcs11/wire.h"

enum { PROGRESS_SEC = 2 };

void
progress_made(struct progress *p)
{
	struct timespec now;
	struct buffer frame;

	if (p == NULL)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (p->said_sec == 0)
		p->said_sec = now.tv_sec;
	if (now.tv_sec - p->said_sec < PROGRESS_SEC)
		return;
	p->said_sec = now.tv_sec;
	frame = BUFFER_INIT(64);
	wire_progress_put(&frame);
	if (!frame.failed)
		p->send(p->arg, &frame);
	buffer_clear(&frame);
}
