/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What systemd-logind says on the system's D-Bus of sleep and of locked
 * screens, handed on to the daemon.
 */
#ifndef P11_AGENT_LOGIND_WATCH_H
#define P11_AGENT_LOGIND_WATCH_H

#include <stdbool.h>

struct watch_options {
	bool sleep;	  /* and hold it up until the daemon has forgotten */
	bool screen_lock; /* of sessions of our user */
};

/*
 * Tell the daemon at the other end of fd until it closes its end, or until
 * there is nothing to be told any more (LOGIND_FAULT).
 */
void watch_logind(int fd, const struct watch_options *o);

#endif
