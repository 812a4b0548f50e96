/* SPDX-License-Identifier: BSD-2-Clause */
/* Folder, socket and peer of an agent's socket. */
#include "common/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"

static bool
others_may_write(const struct stat *st)
{
	return (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

int
trust_folder(const char *path, char why[static TRUST_WHY_BYTES])
{
	const char *slash = strrchr(path, '/');
	CLEANUP(cleanup_free) char *folder = slash == NULL ? strdup(".") :
	    strndup(path, slash == path ? 1 : (size_t)(slash - path));
	CLEANUP(cleanup_close) int fd = -1;
	struct stat st;
	int ret;

	if (folder == NULL) {
		snprintf(why, TRUST_WHY_BYTES, "out of memory");
		return -1;
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0) {
		snprintf(why, TRUST_WHY_BYTES, "folder %s: %s", folder,
		    strerror(errno));
		return -1;
	}
	/* Also of a sticky folder the owner may replace what is there. */
	if ((st.st_uid != geteuid() && st.st_uid != 0) ||
	    (others_may_write(&st) && (st.st_mode & S_ISVTX) == 0)) {
		snprintf(why, TRUST_WHY_BYTES, "folder %s: others may replace "
		    "the socket there (it must be yours and writable by you "
		    "alone, as after chmod 700)", folder);
		return -1;
	}
	ret = fd;
	fd = -1;
	return ret;
}

bool
trust_own(const char *folder, const struct stat *st,
    char why[static TRUST_WHY_BYTES])
{
	if (!S_ISDIR(st->st_mode))
		snprintf(why, TRUST_WHY_BYTES, "%s is no folder", folder);
	else if (st->st_uid != geteuid())
		snprintf(why, TRUST_WHY_BYTES, "%s belongs to user %lu, and "
		    "this is user %lu", folder, (unsigned long)st->st_uid,
		    (unsigned long)geteuid());
	else if (others_may_write(st))
		snprintf(why, TRUST_WHY_BYTES, "others may write to %s: run "
		    "chmod go-w on it", folder);
	else
		return true;
	return false;
}

/* The file itself, whatever links lead to it. */
static enum trust
trust_file(const char *path, char why[static TRUST_WHY_BYTES])
{
	CLEANUP(cleanup_free) char *real = realpath(path, NULL);
	CLEANUP(cleanup_close) int folder = -1;
	struct stat st;

	if (real == NULL) {
		snprintf(why, TRUST_WHY_BYTES, "%s", strerror(errno));
		return errno == ENOENT || errno == ENOTDIR ? TRUST_NOBODY :
		    TRUST_NOT;
	}
	if ((folder = trust_folder(real, why)) < 0)
		return TRUST_NOT;
	if (lstat(real, &st) != 0) {
		snprintf(why, TRUST_WHY_BYTES, "%s", strerror(errno));
		return TRUST_NOT;
	}
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(why, TRUST_WHY_BYTES, "that is no socket");
		return TRUST_NOT;
	}
	if (st.st_uid != geteuid()) {
		snprintf(why, TRUST_WHY_BYTES, "the socket belongs to user "
		    "%lu, and this is user %lu", (unsigned long)st.st_uid,
		    (unsigned long)geteuid());
		return TRUST_NOT;
	}
	return TRUST_OURS;
}

enum trust
trust_connect(const char *path, int *ret, struct peer *ret_peer,
    char why[static TRUST_WHY_BYTES])
{
	CLEANUP(cleanup_close) int fd = -1;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct peer peer;
	enum trust t;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		snprintf(why, TRUST_WHY_BYTES, "the path is too long for a "
		    "socket");
		return TRUST_NOT;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	if ((t = trust_file(path, why)) != TRUST_OURS)
		return t;
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
	    connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
		/* A stopped agent's backlog may be full. */
		snprintf(why, TRUST_WHY_BYTES, "%s", errno == EAGAIN ?
		    "it answers nobody" : strerror(errno));
		return errno == ECONNREFUSED || errno == ENOENT ?
		    TRUST_NOBODY : TRUST_NOT;
	}
	if (!peer_get(fd, &peer) || peer.uid != geteuid()) {
		snprintf(why, TRUST_WHY_BYTES, "another user listens there");
		return TRUST_NOT;
	}
	*ret = fd;
	*ret_peer = peer;
	fd = -1;
	return TRUST_OURS;
}
