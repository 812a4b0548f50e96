/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Socket activation, sd_listen_fds(3): LISTEN_FDS sockets from fd 3 on, whose
 * names stand in LISTEN_FDNAMES, for the process that LISTEN_PID names.
 * Without libsystemd, which would bring the daemon five more libraries
 * (0.8 MB) for these lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/service.h"

enum {
	FIRST_FD = 3,
	FDS_MAX = 64,
};

/* A whole number from 0 to max; -1 for anything else. */
static long
variable_number(const char *name, long max)
{
	const char *text = getenv(name);
	char *end;
	long n;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return -1;
	errno = 0;
	n = strtol(text, &end, 10);
	return errno != 0 || *end != '\0' || n > max ? -1 : n;
}

/* How many were passed to us, not to a parent of ours. */
static int
fds_count(void)
{
	if (variable_number("LISTEN_PID", LONG_MAX) != (long)getpid())
		return 0;
	return (int)variable_number("LISTEN_FDS", FDS_MAX);
}

/* An int of the socket; -1 when it has none. */
static int
socket_option(int fd, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, option, &value, &len) != 0)
		return -1;
	return value;
}

static bool
is_listening_unix_stream(int fd)
{
	return socket_option(fd, SO_DOMAIN) == AF_UNIX &&
	    socket_option(fd, SO_TYPE) == SOCK_STREAM &&
	    socket_option(fd, SO_ACCEPTCONN) == 1;
}

static bool
fd_prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* Where a socket of this name belongs; NULL: nowhere. */
static int *
place_for(struct service_sockets *s, const char *name, size_t len, int n)
{
	if (len == strlen("control") && strncmp(name, "control", len) == 0)
		return &s->control;
	if (n == 1 ||
	    (len == strlen("agent") && strncmp(name, "agent", len) == 0))
		return &s->agent;
	return NULL;
}

static bool
take_one(struct service_sockets *s, int fd, const char *name, size_t len,
    int n, char *why, size_t size)
{
	int *place = place_for(s, name, len, n);

	if (!fd_prepare(fd) || !is_listening_unix_stream(fd)) {
		snprintf(why, size, "fd %d from the service manager is no "
		    "listening unix stream socket", fd);
		return false;
	}
	if (place == NULL || *place >= 0) {
		snprintf(why, size, "the service manager passes %d sockets; "
		    "it must call one \"agent\" and one \"control\", not "
		    "\"%.*s\"", n, (int)len, name);
		return false;
	}
	*place = fd;
	return true;
}

static bool
take_all(struct service_sockets *s, int n, char *why, size_t size)
{
	const char *name = getenv("LISTEN_FDNAMES");

	if (name == NULL)
		name = "";
	for (int fd = FIRST_FD; fd < FIRST_FD + n; fd++) {
		size_t len = strcspn(name, ":");

		if (!take_one(s, fd, name, len, n, why, size))
			return false;
		name += len + (name[len] == ':');
	}
	if (n > 0 && s->agent < 0) {
		snprintf(why, size, "the service manager passes the control "
		    "socket without the agent's");
		return false;
	}
	return true;
}

/*
 * There will be no agent: hang up on those who wait, or the manager would
 * start us for them again and again.
 */
static void
fd_refuse(int fd)
{
	int waiting;

	while (fd_prepare(fd) && (waiting = accept(fd, NULL, NULL)) >= 0)
		close(waiting);
	close(fd);
}

bool
service_take_sockets(struct service_sockets *ret, char *why, size_t size)
{
	struct service_sockets s = SERVICE_SOCKETS_NONE;
	int n = fds_count();
	bool ok = n >= 0;

	*ret = s;
	if (ok)
		ok = take_all(&s, n, why, size);
	else
		snprintf(why, size, "LISTEN_FDS is no number up to %d",
		    FDS_MAX);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (ok) {
		*ret = s;
		return true;
	}
	for (int fd = FIRST_FD; fd < FIRST_FD + n; fd++)
		fd_refuse(fd);
	return false;
}
