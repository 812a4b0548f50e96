/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signs of life for the daemon while many calls into a module are made, none
 * of which may hang: its deadlines are for silence. Nothing is said of one
 * call that takes long.
 */
#ifndef P11_AGENT_PKCS11_PROGRESS_H
#define P11_AGENT_PKCS11_PROGRESS_H

#include <time.h>

#include "common/buffer.h"

struct progress {
	void (*send)(void *arg, const struct buffer *frame);
	void *arg;
	time_t said_sec; /* CLOCK_MONOTONIC; 0: nothing yet */
};

/* A call has come back: say so, now and then. NULL is fine. */
void progress_made(struct progress *p);

#endif
