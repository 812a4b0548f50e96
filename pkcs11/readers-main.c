/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agent-readers: tells the daemon at the other end of READERS_FD which
 * PC/SC readers and cards there are. Never started by people.
 *
 * One thread waits in PC/SC, where nothing but PC/SC can wake it; the other
 * waits for the daemon to close its end.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "common/harden.h"
#include "common/log.h"
#include "pkcs11/readers-wire.h"
#include "pkcs11/readers.h"

static void *
watch(void *unused)
{
	if (!readers_watch(READERS_FD))
		_exit(0);
	return unused;
}

/* The daemon sends nothing: whatever read() says is the end. */
static void
wait_for_close(void)
{
	char byte;

	while (read(READERS_FD, &byte, 1) < 0 && errno == EINTR)
		;
}

int
main(void)
{
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
	if (pthread_create(&thread, NULL, watch, NULL) != 0) {
		log_error("no thread to watch the readers");
		return 1;
	}
	wait_for_close();
	/* Not exit(): the other thread is in the middle of PC/SC. */
	_exit(0);
}
