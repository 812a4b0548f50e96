/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sockets that launchd holds for us, launch_activate_socket(3): the keys
 * of the job's Sockets dictionary, "agent" and "control", are their names.
 * launchd is told nothing.
 */
#include "common/service.h"

#include <errno.h>
#include <fcntl.h>
#include <launch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
fd_prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* ENOENT: the job has no such socket; ESRCH: we are no job of launchd's. */
static bool
take_one(const char *name, int *ret, char *why, size_t size)
{
	size_t n = 0;
	int *fds = NULL;
	int error = launch_activate_socket(name, &fds, &n);
	bool ok = true;

	*ret = -1;
	if (error == ENOENT || error == ESRCH)
		return true;
	if (error != 0) {
		snprintf(why, size, "launchd does not give the socket "
		    "\"%s\": %s", name, strerror(error));
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (i == 0 && fd_prepare(fds[i]))
			*ret = fds[i];
		else
			close(fds[i]);
	}
	if (n != 1 || *ret < 0) {
		snprintf(why, size, "launchd has %zu sockets called \"%s\"; "
		    "it must have one", n, name);
		ok = false;
	}
	free(fds);
	return ok;
}

bool
service_take_sockets(struct service_sockets *ret, char *why, size_t size)
{
	struct service_sockets s = SERVICE_SOCKETS_NONE;
	bool ok = take_one("agent", &s.agent, why, size) &&
	    take_one("control", &s.control, why, size);

	if (ok && s.agent < 0 && s.control >= 0) {
		snprintf(why, size, "launchd has the control socket without "
		    "the agent's");
		ok = false;
	}
	*ret = ok ? s : SERVICE_SOCKETS_NONE;
	if (ok)
		return true;
	if (s.agent >= 0)
		close(s.agent);
	if (s.control >= 0)
		close(s.control);
	return false;
}
