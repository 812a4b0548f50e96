/* SPDX-License-Identifier: BSD-2-Clause */
/* The program of a unix socket's peer. */
#include "agent/peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef __APPLE__
#include <libproc.h>
#endif

#include "common/cleanup.h"
#include "common/limits.h"
#include "common/text.h"

#ifdef __APPLE__

static ssize_t
program_name(pid_t pid, char *out, size_t size)
{
	return proc_name(pid, out, (uint32_t)size);
}

static ssize_t
program_path(pid_t pid, char *out, size_t size)
{
	return proc_pidpath(pid, out, (uint32_t)size);
}

#else

/*
 * /proc/PID/comm, unlike cmdline and environ, is answered without the other
 * process's memory, so that reading it never waits.
 */
static ssize_t
program_name(pid_t pid, char *out, size_t size)
{
	CLEANUP(cleanup_close) int fd = -1;
	char path[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, out, size);
	return n > 0 && out[n - 1] == '\n' ? n - 1 : n;
}

static ssize_t
program_path(pid_t pid, char *out, size_t size)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%ld/exe", (long)pid);
	return readlink(path, out, size);
}

#endif

static bool
program_shown(pid_t pid, char out[static PEER_PROGRAM_BYTES])
{
	char raw[64];
	ssize_t n = program_name(pid, raw, sizeof(raw));

	if (n > 0)
		text_printable(bytes_of(raw, (size_t)n), out,
		    PEER_PROGRAM_BYTES);
	return n > 0;
}

char *
peer_program(pid_t pid, char out[static PEER_PROGRAM_BYTES])
{
	if (!program_shown(pid, out))
		snprintf(out, PEER_PROGRAM_BYTES, "programs that have ended");
	return out;
}

char *
peer_name(pid_t pid, char out[static PEER_NAME_BYTES])
{
	char name[PEER_PROGRAM_BYTES];

	if (program_shown(pid, name))
		snprintf(out, PEER_NAME_BYTES, "%s (pid %ld)", name,
		    (long)pid);
	else
		snprintf(out, PEER_NAME_BYTES, "pid %ld", (long)pid);
	return out;
}

/* The last name of a path, without what Linux adds for a removed file. */
static struct bytes
path_name(struct bytes path)
{
	static const char deleted[] = " (deleted)";
	const size_t len = sizeof(deleted) - 1;

	while (path.len > len &&
	    memcmp(path.p + path.len - len, deleted, len) == 0)
		path.len -= len;
	for (size_t i = path.len; i > 0; i--)
		if (path.p[i - 1] == '/')
			return bytes_of(path.p + i, path.len - i);
	return path;
}

static bool
name_forwards(struct bytes name)
{
	static const char *const names[] = {"ssh", "sshd", "sshd-session",
	    "sshd-auth"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bytes_is(name, names[i]))
			return true;
	return false;
}

enum peer_way
peer_way(pid_t pid)
{
	char raw[PATH_MAX_BYTES];
	ssize_t path, name;

	if (pid <= 0)
		return PEER_UNKNOWN;
	path = program_path(pid, raw, sizeof(raw));
	if (path > 0 && name_forwards(path_name(bytes_of(raw, (size_t)path))))
		return PEER_FORWARDS;
	name = program_name(pid, raw, sizeof(raw));
	if (name > 0 && name_forwards(bytes_of(raw, (size_t)name)))
		return PEER_FORWARDS;
	return path > 0 || name > 0 ? PEER_LOCAL : PEER_UNKNOWN;
}

bool
peer_is_our_program(pid_t pid)
{
	char name[64], own[64];
	ssize_t n = program_name(pid, name, sizeof(name));

	return n > 0 && program_name(getpid(), own, sizeof(own)) == n &&
	    memcmp(name, own, (size_t)n) == 0;
}
