/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agent-logind: tells the daemon at the other end of LOGIND_FD when the
 * machine goes to sleep and when a screen is locked. Its arguments say what
 * of it: `sleep`, `screen-lock`. Never started by people.
 *
 * Why a process of its own: libsystemd and what the bus sends stay out of the
 * daemon, which has PINs, never waits, and will confine itself. It runs only
 * while a token section has such a forget-on, so nobody else pays for it.
 */
#include <string.h>

#include "common/harden.h"
#include "common/log.h"
#include "logind/watch.h"
#include "logind/wire.h"

int
main(int argc, char **argv)
{
	struct watch_options o = {0};
	const char *fault;

	log_set_name("p11-agent-logind");
	if ((fault = harden_process()) != NULL) {
		log_error("%s", fault);
		return 1;
	}
	for (int i = 1; i < argc; i++) {
		o.sleep |= strcmp(argv[i], "sleep") == 0;
		o.screen_lock |= strcmp(argv[i], "screen-lock") == 0;
	}
	if (!harden_is_child(LOGIND_FD)) {
		log_error("this program is started by p11-agent alone");
		return 1;
	}
	watch_logind(LOGIND_FD, &o);
	return 0;
}
