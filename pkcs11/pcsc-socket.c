/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for pcscd's socket. */
#include "pkcs11/pcsc-socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#endif

enum {
	PAUSE_MAX_MS = 60 * 1000,
	/* A socket that has just appeared may not be listened on yet. */
	PAUSE_NEW_MS = 100,
};

void
pcsc_socket_init(struct pcsc_socket *s)
{
	*s = (struct pcsc_socket){.watch = -1};
#ifndef __APPLE__
	/* pcsc-lite's own variable, and what it uses without it. */
	const char *path = getenv("PCSCLITE_CSOCK_NAME");

	if (path == NULL)
		path = "/run/pcscd/pcscd.comm";
	if (strlen(path) < sizeof(s->path))
		snprintf(s->path, sizeof(s->path), "%s", path);
#endif
}

enum pcsc_socket_fault
pcsc_socket_look(const struct pcsc_socket *s)
{
	if (s->path[0] == '\0' || access(s->path, R_OK | W_OK) == 0)
		return PCSC_SOCKET_THERE;
	if (errno == EACCES)
		return PCSC_SOCKET_FORBIDDEN;
	return errno == ENOENT || errno == ENOTDIR ? PCSC_SOCKET_ABSENT :
						     PCSC_SOCKET_THERE;
}

#ifdef __linux__

/*
 * Watch the deepest folder of the path that is there, for the next part of
 * the path. (pcscd's folder goes away with it on some systems.)
 */
static bool
watch_folder(struct pcsc_socket *s)
{
	char folder[sizeof(s->path)];
	const char *slash = strrchr(s->path, '/');
	const uint32_t events = IN_CREATE | IN_MOVED_TO | IN_ATTRIB |
	    IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

	for (; slash != NULL; slash = memrchr(s->path, '/',
				  (size_t)(slash - s->path))) {
		/* The root's own slash is its name. */
		int len = slash == s->path ? 1 : (int)(slash - s->path);

		snprintf(folder, sizeof(folder), "%.*s", len, s->path);
		s->awaited = slash + 1;
		s->awaited_len = strcspn(s->awaited, "/");
		if (inotify_add_watch(s->watch, folder, events) >= 0)
			return true;
		if (errno != ENOENT)
			return false;
	}
	return false;
}

void
pcsc_socket_arm(struct pcsc_socket *s)
{
	pcsc_socket_disarm(s);
	if (s->path[0] != '/')
		return;
	s->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (s->watch >= 0 && !watch_folder(s))
		pcsc_socket_disarm(s);
}

/* Does an event tell of the part of the path that is awaited? */
static bool
is_awaited(const struct pcsc_socket *s, const struct inotify_event *e)
{
	if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED |
			  IN_Q_OVERFLOW))
		return true;
	return e->len > s->awaited_len &&
	    strncmp(e->name, s->awaited, s->awaited_len) == 0 &&
	    e->name[s->awaited_len] == '\0';
}

/* Take the events that are there; was one of them awaited? */
static bool
take_events(const struct pcsc_socket *s)
{
	union {
		struct inotify_event first;
		char bytes[4096];
	} events;
	bool awaited = false;
	ssize_t got;

	while ((got = read(s->watch, &events, sizeof(events))) > 0)
		for (ssize_t at = 0; at < got;) {
			const struct inotify_event *e =
			    (const void *)(events.bytes + at);

			awaited = awaited || is_awaited(s, e);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	return awaited;
}

#else

void
pcsc_socket_arm(struct pcsc_socket *s)
{
	(void)s;
}

static bool
take_events(const struct pcsc_socket *s)
{
	(void)s;
	return false;
}

#endif

void
pcsc_socket_disarm(struct pcsc_socket *s)
{
	if (s->watch >= 0)
		close(s->watch);
	s->watch = -1;
}

void
pcsc_socket_wait(struct pcsc_socket *s, int first_ms)
{
	/* poll() passes over a negative fd. */
	struct pollfd p = {.fd = s->watch, .events = POLLIN};

	if (s->pause_ms < first_ms)
		s->pause_ms = first_ms;
	for (;;) {
		int n = poll(&p, 1, s->pause_ms);

		if (n > 0 && take_events(s)) {
			s->pause_ms = PAUSE_NEW_MS;
			return;
		}
		if (n != 0)
			continue;
		s->pause_ms = s->pause_ms < PAUSE_MAX_MS / 2 ?
		    2 * s->pause_ms : PAUSE_MAX_MS;
		if (pcsc_socket_look(s) != PCSC_SOCKET_ABSENT)
			return;
	}
}

void
pcsc_socket_worked(struct pcsc_socket *s)
{
	s->pause_ms = 0;
}
