/* SPDX-License-Identifier: BSD-2-Clause */
/* Making, taking over and removing socket files. */
#include "agent/sockpath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/place.h"

enum {
	/* The system cuts it; a full one makes connect() fail at once. */
	SOCK_BACKLOG = 4096,
};

char *
sock_default_path(char why[static SOCK_WHY_BYTES])
{
	char folder[PATH_MAX_BYTES + sizeof(PLACE_FOLDER)], *path;
	char base[PATH_MAX_BYTES];
	struct stat st;

	/* Of somebody else's base a folder of ours would lock him out. */
	if (!place_base(base, why))
		return NULL;
	snprintf(folder, sizeof(folder), "%s%s", base, PLACE_FOLDER);
	if ((mkdir(folder, 0700) != 0 && errno != EEXIST) ||
	    stat(folder, &st) != 0) {
		snprintf(why, SOCK_WHY_BYTES, "%.400s cannot be made: %s",
		    folder, strerror(errno));
		return NULL;
	}
	if (!trust_own(folder, &st, why))
		return NULL;
	if (asprintf(&path, "%s%s", base, PLACE_SOCKET) < 0) {
		snprintf(why, SOCK_WHY_BYTES, "out of memory");
		return NULL;
	}
	return path;
}

char *
sock_private_path(char **ret_folder, char why[static SOCK_WHY_BYTES])
{
	char base[PATH_MAX_BYTES], *folder, *path;
	const char *tmp = getenv("TMPDIR");

	if (place_base(base, why))
		tmp = base;
	if (asprintf(&folder, "%s/p11-agent-XXXXXX",
	    tmp == NULL || tmp[0] != '/' ? "/tmp" : tmp) < 0) {
		snprintf(why, SOCK_WHY_BYTES, "out of memory");
		return NULL;
	}
	if (mkdtemp(folder) == NULL) {
		snprintf(why, SOCK_WHY_BYTES, "folder %.400s cannot be made: "
		    "%s", folder, strerror(errno));
		free(folder);
		return NULL;
	}
	if (asprintf(&path, "%s/agent.sock", folder) < 0) {
		snprintf(why, SOCK_WHY_BYTES, "out of memory");
		rmdir(folder);
		free(folder);
		return NULL;
	}
	*ret_folder = folder;
	return path;
}

static bool
sock_address(const char *path, struct sockaddr_un *ret,
    char why[static SOCK_WHY_BYTES])
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(ret->sun_path)) {
		snprintf(why, SOCK_WHY_BYTES, "%s: too long; a socket's "
		    "path may have %zu bytes", path, sizeof(ret->sun_path) - 1);
		return false;
	}
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return true;
}

enum sock_state { SOCK_STALE, SOCK_LIVE, SOCK_OTHER };

/* Something stands at our path. */
static enum sock_state
sock_probe(const struct sockaddr_un *addr)
{
	CLEANUP(cleanup_close) int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct stat st;

	if (lstat(addr->sun_path, &st) != 0)
		return errno == ENOENT ? SOCK_STALE : SOCK_OTHER;
	if (!S_ISSOCK(st.st_mode) || fd < 0)
		return SOCK_OTHER;
	/* A full backlog answers EAGAIN: somebody is there. */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ||
	    errno == EAGAIN || errno == EINPROGRESS)
		return SOCK_LIVE;
	return errno == ECONNREFUSED ? SOCK_STALE : SOCK_OTHER;
}

static int
sock_bind(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	mode_t old;
	int r, err;

	if (fd < 0)
		return -1;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	old = umask(0177);
	r = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));
	err = errno;
	umask(old);
	if (r == 0 && listen(fd, SOCK_BACKLOG) == 0)
		return fd;
	err = r == 0 ? errno : err;
	close(fd);
	errno = err;
	return -1;
}

/* Bind, over a stale file if need be. The folder is locked by the caller. */
static enum sock_result
sock_take(const struct sockaddr_un *addr, int *ret_fd,
    char why[static SOCK_WHY_BYTES])
{
	const char *path = addr->sun_path;

	if ((*ret_fd = sock_bind(addr)) >= 0)
		return SOCK_OK;
	if (errno == EADDRINUSE) {
		switch (sock_probe(addr)) {
		case SOCK_LIVE:
			snprintf(why, SOCK_WHY_BYTES, "%s: another agent "
			    "serves this socket", path);
			return SOCK_IN_USE;
		case SOCK_OTHER:
			snprintf(why, SOCK_WHY_BYTES, "%s: something that is "
			    "not an old socket stands there", path);
			return SOCK_ERROR;
		case SOCK_STALE:
			unlink(path);
			if ((*ret_fd = sock_bind(addr)) >= 0)
				return SOCK_OK;
			break;
		}
	}
	snprintf(why, SOCK_WHY_BYTES, "%s: %s", path, strerror(errno));
	return SOCK_ERROR;
}

/* For "%.*s". */
static int
folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL || slash == path ? 1 : (int)(slash - path);
}

enum sock_result
sock_listen(const char *path, struct listen_socket *ret,
    char why[static SOCK_WHY_BYTES])
{
	CLEANUP(cleanup_close) int folder = trust_folder(path, why);
	struct listen_socket s = LISTEN_SOCKET_NONE;
	struct sockaddr_un addr;
	enum sock_result r;
	struct stat st;

	if (folder < 0 || !sock_address(path, &addr, why))
		return SOCK_ERROR;
	/* Two agents at once: else both could find the other's file stale. */
	if (flock(folder, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
		snprintf(why, SOCK_WHY_BYTES, "folder %.*s: another program "
		    "holds its lock (flock): end that program, or serve a "
		    "socket elsewhere with -a", folder_length(addr.sun_path),
		    addr.sun_path);
		return SOCK_LOCKED;
	}
	if ((r = sock_take(&addr, &s.fd, why)) != SOCK_OK)
		return r;
	s.path = strdup(path);
	if (s.path == NULL || lstat(path, &st) != 0) {
		snprintf(why, SOCK_WHY_BYTES, "%s: %s", addr.sun_path,
		    strerror(errno));
		unlink(path);
		listen_socket_close(&s);
		return SOCK_ERROR;
	}
	s.dev = st.st_dev;
	s.ino = st.st_ino;
	*ret = s;
	return SOCK_OK;
}

char *
sock_path_of(int fd, char why[static SOCK_WHY_BYTES])
{
	struct sockaddr_un addr = {0};
	socklen_t len = sizeof(addr) - 1;
	char *path;

	if (getsockname(fd, (struct sockaddr *)&addr, &len) != 0 ||
	    addr.sun_family != AF_UNIX || addr.sun_path[0] != '/') {
		snprintf(why, SOCK_WHY_BYTES, "the service manager's socket "
		    "has no path, and clients need one");
		return NULL;
	}
	if ((path = strdup(addr.sun_path)) == NULL)
		snprintf(why, SOCK_WHY_BYTES, "out of memory");
	return path;
}

void
listen_socket_close(struct listen_socket *s)
{
	struct stat st;

	if (s->fd >= 0)
		close(s->fd);
	if (s->path != NULL && lstat(s->path, &st) == 0 &&
	    st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->path);
	free(s->path);
	*s = LISTEN_SOCKET_NONE;
}
