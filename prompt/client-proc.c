/* SPDX-License-Identifier: BSD-2-Clause */
/* The asking program, by proc(5). */
#include "prompt/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/text.h"

/* -1 also for a process of somebody else, whatever its file's mode. */
static int
open_of_process(pid_t pid, const char *name)
{
	char path[64];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return -1;
	if (fstat(fd, &st) != 0 || st.st_uid != getuid()) {
		close(fd);
		return -1;
	}
	return fd;
}

/* All of it, or what fits; a NUL is put behind what does not end in one. */
void
client_environ(pid_t pid, struct buffer *b)
{
	CLEANUP(cleanup_close) int fd = open_of_process(pid, "environ");

	while (fd >= 0 && b->max - b->len > 1) {
		size_t most = b->max - b->len - 1;
		uint8_t *room;
		ssize_t n;

		if (most > 4096)
			most = 4096;
		if ((room = buffer_room(b, most)) == NULL)
			return;
		n = read(fd, room, most);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		buffer_added(b, (size_t)n);
	}
	if (b->len > 0 && b->p[b->len - 1] != '\0')
		buffer_put_u8(b, 0);
}

void
client_program(pid_t pid, char out[static ENVIRONMENT_PROGRAM_BYTES])
{
	CLEANUP(cleanup_close) int fd = open_of_process(pid, "comm");
	char name[ENVIRONMENT_PROGRAM_BYTES];
	ssize_t n = fd < 0 ? -1 : read(fd, name, sizeof(name));

	if (n > 0 && name[n - 1] == '\n')
		n--;
	if (n > 0)
		text_printable(bytes_of(name, (size_t)n), out,
		    ENVIRONMENT_PROGRAM_BYTES);
}

/* Not /dev/tty itself, which is another one, or none, to everybody else. */
static bool
is_terminal(const char *path)
{
	return strncmp(path, "/dev/pts/", 9) == 0 ||
	       (strncmp(path, "/dev/tty", 8) == 0 && path[8] != '\0');
}

/* ssh's standard input is often a pipe, but seldom all three are. */
void
client_tty(pid_t pid, char out[static ENVIRONMENT_TTY_BYTES])
{
	for (int fd = 0; fd <= 2; fd++) {
		char path[64], to[ENVIRONMENT_TTY_BYTES];
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%ld/fd/%d",
		    (long)pid, fd);
		n = readlink(path, to, sizeof(to) - 1);
		if (n <= 0)
			continue;
		to[n] = '\0';
		if (is_terminal(to)) {
			memcpy(out, to, (size_t)n + 1);
			return;
		}
	}
}
