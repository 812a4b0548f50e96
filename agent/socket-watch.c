/* SPDX-License-Identifier: BSD-2-Clause */
/* inotify, or kqueue, on a socket file and its folder. */
#include "agent/socket-watch.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#else
#include <sys/event.h>
#include <time.h>
#endif

#include "common/cleanup.h"

struct socket_watch {
	int fd;	    /* of inotify or kqueue */
	int folder; /* kqueue: what is watched; else -1 */
	struct event *event;
	const char *path; /* borrowed */
	dev_t dev;
	ino_t ino;
	socket_gone gone;
	void *arg;
};

static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? strdup(".") :
	    strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

#ifdef __linux__

/*
 * Watch the socket's own number of links, and its folder's name: what happens
 * to other files beside it (in /tmp) wakes nobody. Who is not allowed to read
 * the folder may not watch it, and has the file.
 */
static bool
watch_begin(struct socket_watch *w)
{
	CLEANUP(cleanup_free) char *folder = folder_of(w->path);

	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (folder == NULL || w->fd < 0 ||
	    inotify_add_watch(w->fd, w->path, IN_ATTRIB | IN_DELETE_SELF |
	    IN_MOVE_SELF | IN_DONT_FOLLOW) < 0)
		return false;
	inotify_add_watch(w->fd, folder, IN_DELETE_SELF | IN_MOVE_SELF |
	    IN_ONLYDIR);
	return true;
}

/* The events themselves do not matter: the path is looked at. */
static void
watch_drain(const struct socket_watch *w)
{
	char events[4096]
	    __attribute__((aligned(__alignof__(struct inotify_event))));

	while (read(w->fd, events, sizeof(events)) > 0)
		continue;
}

#else

/* A socket file cannot be opened: its folder tells. */
static bool
watch_begin(struct socket_watch *w)
{
	CLEANUP(cleanup_free) char *folder = folder_of(w->path);
	struct kevent change;

	if (folder == NULL)
		return false;
	w->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->fd = kqueue();
	if (w->folder < 0 || w->fd < 0 ||
	    fcntl(w->fd, F_SETFD, FD_CLOEXEC) != 0)
		return false;
	EV_SET(&change, (uintptr_t)w->folder, EVFILT_VNODE,
	    EV_ADD | EV_CLEAR, NOTE_WRITE | NOTE_DELETE | NOTE_RENAME |
	    NOTE_REVOKE, 0, NULL);
	return kevent(w->fd, &change, 1, NULL, 0, NULL) == 0;
}

static void
watch_drain(const struct socket_watch *w)
{
	const struct timespec now = {0};
	struct kevent event;

	while (kevent(w->fd, NULL, 0, &event, 1, &now) > 0)
		continue;
}

#endif

static void
watch_readable(evutil_socket_t fd, short what, void *arg)
{
	struct socket_watch *w = arg;
	const char *words;
	struct stat st;

	(void)fd;
	(void)what;
	watch_drain(w);
	if (lstat(w->path, &st) == 0) {
		if (st.st_dev == w->dev && st.st_ino == w->ino)
			return;
		words = "is another one by now";
	} else if (errno == ENOENT || errno == ENOTDIR) {
		words = "is gone";
	} else {
		return;
	}
	event_del(w->event);
	w->gone(w->arg, words);
}

struct socket_watch *
socket_watch_free(struct socket_watch *w)
{
	if (w == NULL)
		return NULL;
	if (w->event != NULL)
		event_free(w->event);
	cleanup_close(&w->fd);
	cleanup_close(&w->folder);
	free(w);
	return NULL;
}

struct socket_watch *
socket_watch_new(struct event_base *base, const char *path, dev_t dev,
    ino_t ino, socket_gone gone, void *arg)
{
	struct socket_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->fd = -1;
	w->folder = -1;
	w->path = path;
	w->dev = dev;
	w->ino = ino;
	w->gone = gone;
	w->arg = arg;
	if (!watch_begin(w) ||
	    (w->event = event_new(base, w->fd, EV_READ | EV_PERSIST,
	    watch_readable, w)) == NULL || event_add(w->event, NULL) != 0)
		return socket_watch_free(w);
	/* Look for what happened between its making and this moment. */
	event_active(w->event, EV_READ, 0);
	return w;
}
