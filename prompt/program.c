/* SPDX-License-Identifier: BSD-2-Clause */
/* Find a program, run it, and read what it prints. */
#include "prompt/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"

enum {
	/* How often a program that closed its output is looked at. */
	END_POLL_MSEC = 20,
};

static bool
is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(path, X_OK) == 0;
}

/* Our folder is not the asking program's, so relative ones mean nothing. */
static bool
find_on_path(const char *folders, const char *name, char *out, size_t size)
{
	for (const char *at = folders; *at != '\0';) {
		size_t len = strcspn(at, ":");
		int n = snprintf(out, size, "%.*s/%s", (int)len, at, name);

		if (at[0] == '/' && n > 0 && (size_t)n < size &&
		    is_program(out))
			return true;
		at += len;
		if (*at == ':')
			at++;
	}
	return false;
}

bool
program_find(
    const struct environment *e, const char *name, char *out, size_t size)
{
	const char *folders = environment_get(e, "PATH");
	int n;

	if (name[0] == '/') {
		n = snprintf(out, size, "%s", name);
		return n > 0 && (size_t)n < size && is_program(out);
	}
	if (name[0] == '\0' || strchr(name, '/') != NULL)
		return false;
	return find_on_path(
	    folders != NULL ? folders : "/usr/bin:/bin", name, out, size);
}

/* 0, or an errno; *ret_out is the end of its standard output to read from. */
static int
start(char *const *argv, char *const *vars, pid_t *ret_pid, int *ret_out)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int ends[2];
	int err;

	if (pipe(ends) != 0)
		return errno;
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_addopen(
	    &actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	err = posix_spawn(ret_pid, argv[0], &actions, &attr, argv, vars);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	close(ends[1]);
	if (err != 0)
		close(ends[0]);
	else
		*ret_out = ends[0];
	return err;
}

bool
program_wait(int peer, int fd)
{
	struct pollfd p[] = {
	    {.fd = peer, .events = POLLIN},
	    {.fd = fd, .events = POLLIN},
	};

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return false;
	return p[0].revents == 0;
}

static enum program_result
read_output(int peer, int fd, struct buffer *out)
{
	while (program_wait(peer, fd)) {
		size_t most = out->max - out->len;
		uint8_t *room;
		ssize_t n;

		if (most == 0 || (room = buffer_room(out, most)) == NULL)
			return PROGRAM_TOO_LONG;
		n = read(fd, room, most);
		if (n > 0)
			buffer_added(out, (size_t)n);
		else if (n == 0 || errno != EINTR)
			return PROGRAM_ENDED;
	}
	return PROGRAM_NOBODY_WAITS;
}

/* It closed its output, so its end is near; but the peer may be nearer. */
static enum program_result
wait_for_end(pid_t pid, int peer, int *ret_status)
{
	struct pollfd p = {.fd = peer, .events = POLLIN};

	for (;;) {
		pid_t got = waitpid(pid, ret_status, WNOHANG);

		if (got == pid)
			return PROGRAM_ENDED;
		if (got < 0 && errno != EINTR)
			return PROGRAM_NOBODY_WAITS;
		if (poll(&p, 1, END_POLL_MSEC) > 0)
			return PROGRAM_NOBODY_WAITS;
	}
}

enum program_result
program_run(char *const *argv, char *const *vars, int peer, struct buffer *out,
    int *ret)
{
	CLEANUP(cleanup_close) int fd = -1;
	enum program_result result;
	pid_t pid;

	*ret = start(argv, vars, &pid, &fd);
	if (*ret != 0)
		return PROGRAM_NOT_STARTED;
	result = read_output(peer, fd, out);
	if (result == PROGRAM_ENDED)
		result = wait_for_end(pid, peer, ret);
	if (result != PROGRAM_ENDED) {
		kill(pid, SIGKILL);
		while (waitpid(pid, ret, 0) < 0 && errno == EINTR)
			;
	}
	return result;
}
