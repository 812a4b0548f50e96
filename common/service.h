/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The service manager that started us, if one did: the sockets that it holds
 * for us, and what it is told. systemd/ and launchd/ implement this;
 * service-silent.c and service-no-sockets.c do, where nothing else is built.
 * Nothing here waits.
 */
#ifndef P11_AGENT_COMMON_SERVICE_H
#define P11_AGENT_COMMON_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

/* Listening, non-blocking, close-on-exec; -1: none was passed. */
struct service_sockets {
	int agent;
	int control;
};

#define SERVICE_SOCKETS_NONE \
	((struct service_sockets){.agent = -1, .control = -1})

/*
 * Take the sockets that the manager calls "agent" and "control"; a single one
 * of any other name is the agent's. They are the caller's to close, their
 * files stay the manager's; children get none of it. True without a manager,
 * too. False, with words in `why` and no sockets, when what was passed cannot
 * be served.
 */
bool service_take_sockets(struct service_sockets *ret, char *why, size_t size);

/*
 * Where journald takes entries with fields (log_to_journal), if it is what
 * standard error goes to; else NULL.
 */
const char *service_log_socket(void);

struct service;

enum service_state {
	SERVICE_STARTING,
	SERVICE_READY,
	SERVICE_RELOADING,
	SERVICE_STOPPING,
};

/* From here on children do not know of the manager. NULL: out of memory. */
struct service *service_new(void);

/* NULL is fine. Returns NULL. */
struct service *service_free(struct service *s);

/*
 * Tell the manager our state and one line for people. False when it takes
 * nothing at the moment: then say it again later, as often as needed. True
 * also where nobody wants to know.
 */
bool service_tell(const struct service *s, enum service_state state,
    const char *status);

#endif
