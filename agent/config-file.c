/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths and whole files. */
#include "agent/config-file.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

enum { READ_BYTES = 16 * 1024 };

/* NULL when only root and we can have written it. */
static const char *
check_owner(const struct stat *st, char words[static CONFIG_FILE_WORDS])
{
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		snprintf(words, CONFIG_FILE_WORDS,
		    "belongs to user %lu; it must be yours or root's",
		    (unsigned long)st->st_uid);
		return words;
	}
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		snprintf(words, CONFIG_FILE_WORDS,
		    "others may write it (mode %04o): run chmod go-w on it",
		    (unsigned int)(st->st_mode & 07777));
		return words;
	}
	return NULL;
}

static const char *
check_file(
    const struct stat *st, size_t max, char words[static CONFIG_FILE_WORDS])
{
	if (!S_ISREG(st->st_mode))
		return "is not a regular file";
	if (st->st_size < 0 || (size_t)st->st_size > max) {
		snprintf(
		    words, CONFIG_FILE_WORDS, "is larger than %zu bytes", max);
		return words;
	}
	return check_owner(st, words);
}

/* It may grow or shrink meanwhile: read to its end, not to st_size. */
static const char *
read_all(int fd, struct buffer *b)
{
	for (;;) {
		size_t left = b->max - b->len;
		size_t want = left < READ_BYTES ? left : READ_BYTES;
		uint8_t *room;
		ssize_t n;

		if (want == 0)
			return "has grown too large while it was read";
		if ((room = buffer_room(b, want)) == NULL)
			return "out of memory";
		n = read(fd, room, want);
		if (n > 0)
			buffer_added(b, (size_t)n);
		else if (n == 0)
			return NULL;
		else if (errno != EINTR)
			return strerror(errno);
	}
}

const char *
config_file_read(const char *path, size_t max, struct config_file *ret,
    bool *ret_missing, char words[static CONFIG_FILE_WORDS])
{
	CLEANUP(cleanup_close) int fd = -1;
	const char *wrong;
	struct stat st;

	*ret_missing = false;
	ret->text = BUFFER_INIT(max + 1);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		*ret_missing = errno == ENOENT || errno == ENOTDIR;
		return strerror(errno);
	}
	if (fstat(fd, &st) < 0)
		return strerror(errno);
	if ((wrong = check_file(&st, max, words)) != NULL)
		return wrong;
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
	return read_all(fd, &ret->text);
}

/* The four, one behind the other; NULL with ENOMEM. */
static char *
join(const char *a, const char *b, const char *c, const char *d)
{
	char *path = NULL;

	if (asprintf(&path, "%s%s%s%s", a, b, c, d) < 0) {
		errno = ENOMEM;
		return NULL;
	}
	return path;
}

static const char *
home_folder(void)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;

	if (home != NULL && home[0] == '/')
		return home;
	pw = getpwuid(geteuid());
	if (pw != NULL && pw->pw_dir != NULL && pw->pw_dir[0] == '/')
		return pw->pw_dir;
	errno = ENOENT;
	return NULL;
}

char *
config_path(const char *beside, const char *name)
{
	const char *slash = strrchr(beside, '/');
	const char *home;
	char *path;

	if (name[0] == '/')
		return join(name, "", "", "");
	if (name[0] == '~' && name[1] == '/') {
		home = home_folder();
		return home == NULL ? NULL : join(home, name + 1, "", "");
	}
	if (name[0] == '~') {
		errno = EINVAL;
		return NULL;
	}
	if ((path = join(beside, "/", name, "")) == NULL)
		return NULL;
	/* Only now, as it is easier to cut than to put together. */
	memmove(path + (slash == NULL ? 0 : slash - beside + 1),
	    path + strlen(beside) + 1, strlen(name) + 1);
	return path;
}

const char *
config_path_error(void)
{
	switch (errno) {
	case EINVAL:
		return "only ~/ is known, not ~USER";
	case ENOENT:
		return "HOME is not set, and this user has no home folder";
	default:
		return strerror(errno);
	}
}

static char *
xdg_path(const char *variable, const char *fallback, const char *name)
{
	const char *folder = getenv(variable);
	const char *below = "";

	/* The XDG specification: a relative one is to be ignored. */
	if (folder == NULL || folder[0] != '/') {
		if ((folder = home_folder()) == NULL)
			return NULL;
		below = fallback;
	}
	return join(folder, below, "/p11-agent/", name);
}

char *
config_person_path(const char *name)
{
	return xdg_path("XDG_CONFIG_HOME", "/.config", name);
}

char *
config_state_path(const char *name)
{
	return xdg_path("XDG_STATE_HOME", "/.local/state", name);
}
