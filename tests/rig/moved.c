/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * moved: loaded into a program (LD_PRELOAD), takes it elsewhere in a few
 * places, so that it shares nothing with the machine. Namespaces do as much,
 * but not everybody may make one.
 *
 *   RIG_MOVED=/run/pcscd=DIR/run:…   that path, and all below it, is this one
 *   RIG_PORTS=DIR/vpcd               it listens on the UNIX socket DIR/vpcd.N
 *                                    where it would on TCP port N
 */
/* Both names of a call are wanted. */
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* Where that path is for this program; room has PATH_MAX bytes. */
static const char *
here(const char *path, char *room)
{
	const char *rule = getenv("RIG_MOVED"), *to, *end;
	size_t n;

	for (; path != NULL && rule != NULL; rule = *end ? end + 1 : NULL) {
		end = strchrnul(rule, ':');
		to = strchrnul(rule, '=');
		n = (size_t)(to - rule);
		if (to < end && strncmp(path, rule, n) == 0 &&
		    (path[n] == '\0' || path[n] == '/')) {
			snprintf(room, PATH_MAX, "%.*s%s", (int)(end - to - 1),
			    to + 1, path + n);
			return room;
		}
	}
	return path;
}

/*
 * Declared here and not by their headers, where some of these have a second
 * name, for large files.
 */
#define MOVE(type, name, params, args) \
type name params; \
type name params \
{ \
	char room[PATH_MAX]; \
\
	path = here(path, room); \
	return NEXT(name) args; \
}

MOVE(int, stat, (const char *path, void *out), (path, out))
MOVE(int, stat64, (const char *path, void *out), (path, out))
MOVE(int, lstat, (const char *path, void *out), (path, out))
MOVE(int, lstat64, (const char *path, void *out), (path, out))
MOVE(int, mkdir, (const char *path, unsigned mode), (path, mode))
MOVE(int, chmod, (const char *path, unsigned mode), (path, mode))
MOVE(int, chroot, (const char *path), (path))
MOVE(int, remove, (const char *path), (path))
MOVE(void *, opendir, (const char *path), (path))
MOVE(void *, dlopen, (const char *path, int flags), (path, flags))
MOVE(FILE *, fopen, (const char *path, const char *how), (path, how))
MOVE(FILE *, fopen64, (const char *path, const char *how), (path, how))

#define MOVE_OPEN(name) \
int name(const char *path, int flags, ...); \
int \
name(const char *path, int flags, ...) \
{ \
	char room[PATH_MAX]; \
	unsigned mode; \
	va_list more; \
\
	va_start(more, flags); \
	mode = va_arg(more, unsigned); \
	va_end(more); \
	return NEXT(name)(here(path, room), flags, mode); \
}

MOVE_OPEN(open)
MOVE_OPEN(open64)

int
bind(int fd, const struct sockaddr *address, socklen_t size)
{
	struct sockaddr_un ours = { .sun_family = AF_UNIX };
	const char *start = getenv("RIG_PORTS");
	int s;

	if (start == NULL || address->sa_family != AF_INET)
		return NEXT(bind)(fd, address, size);
	snprintf(ours.sun_path, sizeof ours.sun_path, "%s.%d", start,
	    ntohs(((const struct sockaddr_in *)address)->sin_port));
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	if (s == -1 || dup2(s, fd) == -1)
		return -1;
	close(s);
	unlink(ours.sun_path);
	return NEXT(bind)(fd, (struct sockaddr *)&ours, sizeof ours);
}
