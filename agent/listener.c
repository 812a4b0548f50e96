/* SPDX-License-Identifier: BSD-2-Clause */
/* Accepting connections. */
#include "agent/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/config-flat.h"
#include "agent/refusal.h"
#include "common/limits.h"
#include "common/log.h"

enum {
	/* Before those who are connected get their turn. */
	ACCEPT_AT_ONCE = 16,
	/* Out of fds or memory: others may give some back. */
	ACCEPT_PAUSE_SEC = 1,
};

struct listener {
	struct agent *agent;
	int fd; /* the caller's */
	enum listener_peers peers;
	listener_accepted accepted;
	int fds_max; /* a connection's number stays below */
	struct event readable;
	struct event pause;
};

static bool
peer_may(const struct listener *l, const struct peer *peer)
{
	if (peer->uid == l->agent->uid)
		return true;
	return peer->uid == 0 && l->peers == LISTENER_OWN_AND_ROOT &&
	    l->agent->config->allow_root;
}

static void
listener_hand_over(struct listener *l, int fd)
{
	struct peer peer;

	fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (!peer_get(fd, &peer)) {
		refusal_log(l->agent->refusals, REFUSED_CONNECTION, 0,
		    (struct log_fields){0}, "a connection was refused: its "
		    "user is unknown");
		close(fd);
	} else if (!peer_may(l, &peer)) {
		refusal_log(l->agent->refusals, REFUSED_CONNECTION, peer.pid,
		    (struct log_fields){0}, "a connection by user %lu was "
		    "refused: it is not the user of this agent",
		    (unsigned long)peer.uid);
		close(fd);
	} else {
		l->accepted(l->agent, fd, &peer);
	}
}

static void
listener_pause(struct listener *l, const char *why)
{
	const struct timeval tv = {.tv_sec = ACCEPT_PAUSE_SEC};

	log_warn("no connection can be accepted now: %s", why);
	event_del(&l->readable);
	evtimer_add(&l->pause, &tv);
}

static void
listener_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	event_add(&l->readable, NULL);
}

static void
listener_readable(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	int got;

	(void)what;
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		got = accept(fd, NULL, NULL);
		if (got >= l->fds_max) {
			close(got);
			listener_pause(l, "too many files are open");
			return;
		}
		if (got >= 0)
			listener_hand_over(l, got);
		else if (errno == EMFILE || errno == ENFILE ||
		    errno == ENOBUFS || errno == ENOMEM) {
			listener_pause(l, strerror(errno));
			return;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		/* Else that one hung up already: the next. */
	}
}

struct listener *
listener_new(struct agent *agent, int fd, enum listener_peers peers,
    listener_accepted accepted)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->agent = agent;
	l->fd = fd;
	l->fds_max = getdtablesize() - FDS_KEPT_BACK;
	l->peers = peers;
	l->accepted = accepted;
	evtimer_assign(&l->pause, agent->base, listener_pause_over, l);
	event_assign(&l->readable, agent->base, fd, EV_READ | EV_PERSIST,
	    listener_readable, l);
	if (event_add(&l->readable, NULL) != 0)
		return listener_free(l);
	return l;
}

struct listener *
listener_free(struct listener *l)
{
	if (l == NULL)
		return NULL;
	event_del(&l->readable);
	event_del(&l->pause);
	free(l);
	return NULL;
}
