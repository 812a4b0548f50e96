/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agent-readers: tells the daemon at the other end of READERS_FD which
 * PC/SC readers and cards there are. Never started by people.
 *
 * One thread waits in PC/SC, where nothing but PC/SC can wake it; the other
 * waits for the daemon to close its end.
 */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "common/frame.h"
#include "common/harden.h"
#include "common/log.h"
#include "pkcs11/readers-wire.h"
#include "pkcs11/readers.h"

static void *
watch(void *arg)
{
	if (!readers_watch_run(arg))
		_exit(0);
	return NULL;
}

/* The daemon asks whether we live; whatever else it says is the end. */
static void
wait_for_close(struct readers_watch *w)
{
	struct buffer in = BUFFER_INIT(READERS_MSG_MAX_BYTES);
	struct bytes body;

	while (frame_read(READERS_FD, &in, READERS_MSG_MAX_BYTES, &body) == 1 &&
	    body.p[0] == READERS_ASK) {
		frame_drop(&in, body);
		readers_watch_asked(w);
	}
}

int
main(void)
{
	struct readers_watch *w;
	const char *fault;
	pthread_t thread;

	log_set_name("p11-agent-readers");
	if ((fault = harden_process()) != NULL) {
		log_error("%s", fault);
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	if (!harden_is_child(READERS_FD)) {
		log_error("this program is started by p11-agent alone");
		return 1;
	}
	if ((w = readers_watch_new(READERS_FD)) == NULL ||
	    pthread_create(&thread, NULL, watch, w) != 0) {
		log_error("no thread to watch the readers");
		return 1;
	}
	wait_for_close(w);
	/* Not exit(): the other thread is in the middle of PC/SC. */
	_exit(0);
}
