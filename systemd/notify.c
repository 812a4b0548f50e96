/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sd_notify(3)'s protocol: a datagram of lines to the socket that
 * NOTIFY_SOCKET names. libsystemd's own sd_notify() waits while the manager
 * has a full queue (10 datagrams, as Linux has it); the event loop must not.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/service.h"
#include "common/text.h"

enum {
	/* The manager drops a datagram of more than 4096 bytes. */
	STATUS_BYTES = 1024,
	STATE_BYTES = 64,
};

struct service {
	struct sockaddr_un addr;
	socklen_t addr_len; /* 0: nobody wants to know */
};

static void
take_address(struct service *s)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path == NULL ? 0 : strlen(path);

	s->addr.sun_family = AF_UNIX;
	if (len < 2 || len >= sizeof(s->addr.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(s->addr.sun_path, path, len + 1);
	s->addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	/* A name that is in no folder; the NUL stands in front then. */
	if (path[0] == '@')
		s->addr.sun_path[0] = '\0';
}

struct service *
service_new(void)
{
	struct service *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	take_address(s);
	unsetenv("NOTIFY_SOCKET");
	return s;
}

struct service *
service_free(struct service *s)
{
	free(s);
	return NULL;
}

static const char *
state_lines(enum service_state state, char out[static STATE_BYTES])
{
	struct timespec now;

	switch (state) {
	case SERVICE_STARTING:
		break;
	case SERVICE_READY:
		return "READY=1\n";
	case SERVICE_RELOADING:
		/* From version 253 on it wants to know since when. */
		clock_gettime(CLOCK_MONOTONIC, &now);
		snprintf(out, STATE_BYTES, "RELOADING=1\nMONOTONIC_USEC=%"
		    PRId64 "\n", (int64_t)now.tv_sec * 1000000 +
		    now.tv_nsec / 1000);
		return out;
	case SERVICE_STOPPING:
		return "STOPPING=1\n";
	}
	return "";
}

bool
service_tell(const struct service *s, enum service_state state,
    const char *status)
{
	char line[STATUS_BYTES], lines[STATE_BYTES];
	char text[STATUS_BYTES + STATE_BYTES + 16];
	CLEANUP(cleanup_close) int fd = -1;
	int n;

	if (s->addr_len == 0)
		return true;
	/* No newline gets through: it would begin another order. */
	text_printable(bytes_str(status), line, sizeof(line));
	n = snprintf(text, sizeof(text), "%sSTATUS=%s\n",
	    state_lines(state, lines), line);
	if (n < 0 || (fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return false;
	/* Whatever else is wrong does not go away by trying again. */
	return sendto(fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)&s->addr, s->addr_len) >= 0 ||
	    (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS);
}
