/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing files whole or not at all: a new one beside it, then a rename. */
#include "common/file-write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/limits.h"

enum { LINKS_MAX = 16 };

static const char *
refuse(const char *path, char words[static FILE_WRITE_WORDS])
{
	int error = errno;

	snprintf(words, FILE_WRITE_WORDS, "%.160s: %s", path,
	    strerror(error));
	return words;
}

/* A file of ours there would keep its owner out. */
static const char *
refuse_owner(const char *path, uid_t owner, char words[static FILE_WRITE_WORDS])
{
	snprintf(words, FILE_WRITE_WORDS, "%.140s: its folder belongs to user "
	    "%lu, and this is user %lu (did sudo keep HOME?)", path,
	    (unsigned long)owner, (unsigned long)geteuid());
	return words;
}

/* "…/" of a path; the caller's to free. NULL when memory is out. */
static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup("./");
	return strndup(path, (size_t)(slash - path) + 1);
}

/* Where a link at `path` leads; the caller's to free. NULL: no memory. */
static char *
beside(const char *path, const char *target)
{
	CLEANUP(cleanup_free) char *folder = folder_of(path);
	char *joined;

	if (target[0] == '/')
		return strdup(target);
	if (folder == NULL || asprintf(&joined, "%s%s", folder, target) < 0)
		return NULL;
	return joined;
}

/*
 * Where a path leads, link after link, also when nothing is there yet; the
 * caller's to free. NULL with errno.
 */
static char *
follow_links(const char *path)
{
	char target[PATH_MAX_BYTES], *at = strdup(path), *next;
	ssize_t n;

	for (int i = 0; at != NULL; i++) {
		if ((n = readlink(at, target, sizeof(target) - 1)) < 0)
			return at;
		target[n] = '\0';
		next = beside(at, target);
		free(at);
		at = next;
		if (i == LINKS_MAX) {
			free(at);
			errno = ELOOP;
			return NULL;
		}
	}
	errno = ENOMEM;
	return NULL;
}

static bool
write_all(int fd, struct bytes rest)
{
	while (rest.len > 0) {
		ssize_t n = write(fd, rest.p, rest.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		rest.p += n;
		rest.len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

/* The rename itself has to outlive a crash, too. */
static void
sync_folder(const char *path)
{
	CLEANUP(cleanup_free) char *folder = folder_of(path);
	CLEANUP(cleanup_close) int fd = -1;

	if (folder != NULL)
		fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		fsync(fd);
}

static const char *
replace(const char *path, struct bytes content,
    char words[static FILE_WRITE_WORDS])
{
	CLEANUP(cleanup_free) char *new = NULL;
	CLEANUP(cleanup_close) int fd = -1;
	const char *wrong = NULL;
	struct stat st;

	if (asprintf(&new, "%s.XXXXXX", path) < 0) {
		new = NULL;
		return "out of memory";
	}
	if ((fd = mkostemp(new, O_CLOEXEC)) < 0)
		return refuse(new, words);
	if ((stat(path, &st) == 0 && fchmod(fd, st.st_mode & 0777) != 0) ||
	    !write_all(fd, content) || rename(new, path) != 0) {
		wrong = refuse(path, words);
		unlink(new);
		return wrong;
	}
	sync_folder(path);
	return NULL;
}

const char *
file_write(const char *path, struct bytes content,
    char words[static FILE_WRITE_WORDS])
{
	CLEANUP(cleanup_free) char *real = follow_links(path);
	CLEANUP(cleanup_free) char *folder = NULL;
	struct stat st;

	if (real == NULL || (folder = folder_of(real)) == NULL ||
	    stat(folder, &st) != 0)
		return refuse(path, words);
	if (st.st_uid != geteuid())
		return refuse_owner(path, st.st_uid, words);
	return replace(real, content, words);
}

const char *
file_make_folder(const char *path, char words[static FILE_WRITE_WORDS])
{
	CLEANUP(cleanup_free) char *folder = folder_of(path);
	uid_t owner = 0; /* of "/" */
	struct stat st;

	if (folder == NULL)
		return "out of memory";
	for (char *p = folder + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
		*p = '\0';
		if (stat(folder, &st) == 0) {
			owner = st.st_uid;
			continue;
		}
		if (errno == ENOENT && owner != geteuid())
			return refuse_owner(folder, owner, words);
		if (mkdir(folder, 0700) != 0 && errno != EEXIST)
			return refuse(folder, words);
		owner = geteuid();
	}
	return NULL;
}

/* Others may hold it, but not keep us for ever. */
static bool
lock(int fd)
{
	const struct timespec pause = {
		.tv_nsec = FOLDER_LOCK_LOOK_MSEC * 1000000,
	};

	for (int ms = 0; ms < FOLDER_LOCK_MAX_MSEC;
	     ms += FOLDER_LOCK_LOOK_MSEC) {
		/* A file system without locks is no reason to refuse. */
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

int
file_lock_folder(const char *path, char words[static FILE_WRITE_WORDS])
{
	CLEANUP(cleanup_free) char *folder = folder_of(path);
	int fd = -1;

	if (folder != NULL)
		fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		refuse(path, words);
	} else if (!lock(fd)) {
		snprintf(words, FILE_WRITE_WORDS, "folder %.160s: another "
		    "program holds its lock (flock): end that program", folder);
		close(fd);
		fd = -1;
	}
	return fd;
}
