/* SPDX-License-Identifier: BSD-2-Clause */
/* Find a program, run it, and read what it prints. */
#include "prompt/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"

enum {
	/* How often a program that closed its output is looked at. */
	END_POLL_MSEC = 20,
	/* Looks at one that was told to end, before it is killed. */
	END_POLLS = 25,
};

static volatile sig_atomic_t told_to_end;

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

static void
on_term(int number)
{
	(void)number;
	told_to_end = true;
}

void
program_end_group(void)
{
	if (getpgrp() == getpid())
		kill(0, SIGKILL);
}

static void
on_term_at_once(int number)
{
	(void)number;
	program_end_group();
	_exit(1);
}

/* The mask of now, with SIGTERM or without. */
static sigset_t
mask_with_term(bool blocked)
{
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	if (blocked)
		sigaddset(&mask, SIGTERM);
	else
		sigdelset(&mask, SIGTERM);
	return mask;
}

void
program_catch_term(void)
{
	const struct sigaction action = {.sa_handler = on_term};
	const sigset_t mask = mask_with_term(true);

	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigaction(SIGTERM, &action, NULL);
}

void
program_die_by_term(void)
{
	const struct sigaction action = {.sa_handler = on_term_at_once};
	const sigset_t mask = mask_with_term(false);

	sigaction(SIGTERM, &action, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

void
program_uncatch_term(void)
{
	const sigset_t mask = mask_with_term(false);

	signal(SIGTERM, SIG_DFL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

static void
watch(int fd, fd_set *fds, int *max)
{
	if (fd < 0)
		return;
	FD_SET(fd, fds);
	if (fd > *max)
		*max = fd;
}

/*
 * True when fd can be read or the time is over; NULL: no limit. pselect(2),
 * because macOS has no ppoll; our files have small numbers.
 */
static bool
wait_for(int peer, int fd, const struct timespec *limit)
{
	const sigset_t mask = mask_with_term(false);
	fd_set fds;
	int max;

	do {
		max = -1;
		FD_ZERO(&fds);
		watch(peer, &fds, &max);
		watch(fd, &fds, &max);
		if (pselect(max + 1, &fds, NULL, NULL, limit, &mask) >= 0)
			return peer < 0 || !FD_ISSET(peer, &fds);
	} while (errno == EINTR && !told_to_end);
	return false;
}

bool
program_wait(int peer, int fd)
{
	return wait_for(peer, fd, NULL);
}

bool
program_is_wanted(int peer)
{
	struct pollfd p = {.fd = peer, .events = POLLIN};
	sigset_t pending;

	sigpending(&pending);
	return !told_to_end && sigismember(&pending, SIGTERM) == 0 &&
	       poll(&p, 1, 0) <= 0;
}

/* True once it has ended; false when it was looked at so often in vain. */
static bool
ends_soon(pid_t pid, int looks)
{
	for (; looks > 0; looks--) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return true;
		poll(NULL, 0, END_POLL_MSEC);
	}
	return false;
}

void
program_end(pid_t pid)
{
	kill(pid, SIGTERM);
	if (ends_soon(pid, END_POLLS))
		return;
	kill(pid, SIGKILL);
	ends_soon(pid, END_POLLS);
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
	const struct timespec look = {.tv_nsec = END_POLL_MSEC * 1000000};

	for (;;) {
		pid_t got = waitpid(pid, ret_status, WNOHANG);

		if (got == pid)
			return PROGRAM_ENDED;
		if (got < 0 && errno != EINTR)
			return PROGRAM_NOBODY_WAITS;
		if (!wait_for(peer, -1, &look))
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
	if (result != PROGRAM_ENDED)
		program_end(pid);
	return result;
}
