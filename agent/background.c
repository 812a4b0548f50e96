/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon without a terminal, and beside a command. */
#include "agent/background.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "agent/spawn.h"
#include "common/log.h"

/* As the shell says that a command is not there, or cannot be run. */
enum { EXIT_NOT_FOUND = 127, EXIT_NOT_RUN = 126 };

/* The parent: whatever there is to say, the child has said it. */
static pid_t
background_wait(pid_t pid, int ready)
{
	char byte;
	ssize_t n;

	while ((n = read(ready, &byte, 1)) < 0 && errno == EINTR)
		continue;
	close(ready);
	return n == 1 ? pid : -1;
}

/*
 * Whoever waits for the end of our output must not wait for our children:
 * they get none of it. Until we are ready the log has the terminal, on an fd
 * of its own. No folder is kept in use; paths were made absolute before.
 */
static bool
background_detach(void)
{
	int log = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int null = open("/dev/null", O_RDWR);

	if (log >= 0)
		log_to_fd(log);
	if (null < 0 || chdir("/") != 0)
		return false;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return false;
	if (null > STDERR_FILENO)
		close(null);
	return true;
}

pid_t
background_fork(struct event_base *base, const struct spawner *spawner,
    int *ret_ready)
{
	int fds[2];
	pid_t pid;

	if (pipe(fds) != 0 || (pid = fork()) < 0) {
		log_error("cannot go to the background: %s", strerror(errno));
		return -1;
	}
	if (pid > 0) {
		close(fds[1]);
		/* The loop does not run here: no handler would be heard. */
		spawner_give_back(spawner);
		return background_wait(pid, fds[0]);
	}
	close(fds[0]);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	setsid();
	if (!background_detach() || event_reinit(base) != 0) {
		log_error("cannot go to the background");
		_exit(1);
	}
	*ret_ready = fds[1];
	return 0;
}

bool
background_ready(int ready)
{
	ssize_t n;

	/* The terminal goes with this. */
	log_to_system(_PATH_LOG);
	while ((n = write(ready, "", 1)) < 0 && errno == EINTR)
		continue;
	close(ready);
	return n == 1;
}

int
background_exec(char **command, const char *socket, pid_t agent)
{
	char number[24];
	int err;

	snprintf(number, sizeof(number), "%ld", (long)agent);
	if (setenv("SSH_AUTH_SOCK", socket, 1) == 0 &&
	    setenv("SSH_AGENT_PID", number, 1) == 0)
		execvp(command[0], command);
	err = errno;
	fprintf(stderr, "p11-agent: %s: %s\n", command[0], strerror(err));
	return err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
}

struct watch {
	pid_t pid;
	int fd; /* a pidfd; -1 where there is none */
	struct event *event;
	void (*gone)(void *arg);
	void *arg;
};

static void
watch_check(evutil_socket_t fd, short what, void *arg)
{
	const struct watch *w = arg;

	(void)fd;
	if ((what & EV_READ) != 0 || (kill(w->pid, 0) != 0 &&
	    errno == ESRCH))
		w->gone(w->arg);
}

struct watch *
watch_free(struct watch *w)
{
	if (w == NULL)
		return NULL;
	if (w->event != NULL)
		event_free(w->event);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
	return NULL;
}

struct watch *
watch_new(struct event_base *base, pid_t pid, void (*gone)(void *arg),
    void *arg)
{
	/* Where the system cannot tell, as ssh-agent does. */
	const struct timeval often = {.tv_sec = 10};
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->pid = pid;
	w->gone = gone;
	w->arg = arg;
	w->fd = -1;
#ifdef SYS_pidfd_open
	w->fd = (int)syscall(SYS_pidfd_open, pid, 0);
#endif
	w->event = event_new(base, w->fd, w->fd >= 0 ? EV_READ : EV_PERSIST,
	    watch_check, w);
	if (w->event == NULL ||
	    event_add(w->event, w->fd >= 0 ? NULL : &often) != 0)
		return watch_free(w);
	return w;
}
