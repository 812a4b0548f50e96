/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting child processes, and learning that they ended. */
#include "agent/spawn.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "agent/clock.h"
#include "agent/family.h"
#include "common/limits.h"
#include "common/log.h"

enum {
	CHILD_FD = 3,
	CHILD_EXTRA_FD = 4,
	/* The shell's statuses for "found, cannot run" and "not found". */
	EXIT_NOT_RUN = 126,
	EXIT_NOT_FOUND = 127,
	/* Between two looks at those that were killed at our end. */
	END_LOOK_MS = 2,
};

extern char **environ;

struct child {
	TAILQ_ENTRY(child) entry;
	pid_t pid;
	spawn_exited exited; /* NULL: nobody wants the report */
	void *arg;
	bool foreign;
	bool gentle; /* and nobody has asked it to end yet */
	bool killed; /* by child_forget */
	struct event patience; /* the end of what a gentle one gets */
};

TAILQ_HEAD(child_list, child);

struct spawner {
	struct event_base *base;
	struct event *sigchld;
	struct child_list children;
	void (*when_killed)(void *arg); /* or NULL */
	void *when_killed_arg;
	sigset_t mask;
	bool ignored[NSIG]; /* by number, as by nohup */
	struct rlimit fds;
};

/* The child's group is not enough: it may have left that for another one. */
static void
child_kill_now(struct child *c)
{
	if (c->foreign)
		family_kill(c->pid);
	kill(-c->pid, SIGKILL);
	kill(c->pid, SIGKILL);
}

static void
child_took_too_long(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	child_kill_now(arg);
}

/* The child was asked to end, and has not been killed yet. */
static bool
child_is_ending(const struct child *c)
{
	return event_pending(&c->patience, EV_TIMEOUT, NULL) != 0;
}

void
child_kill(struct child *c)
{
	const struct timeval limit = clock_timeval(GENTLE_END_MAX_MS);

	if (child_is_ending(c))
		return;
	if (!c->gentle || event_add(&c->patience, &limit) != 0) {
		child_kill_now(c);
		return;
	}
	/* Itself alone: it knows in which order the others end. */
	kill(c->pid, SIGTERM);
	c->gentle = false;
}

static void
child_free(struct child *c)
{
	event_del(&c->patience);
	free(c);
}

/*
 * Has it ended? What it leaves is killed while its pid is still taken, so
 * that the signals cannot reach a stranger.
 */
static bool
child_reap(struct child *c, int *ret_status)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) !=
	    0 || info.si_pid != c->pid)
		return false;
	child_kill_now(c);
	return waitpid(c->pid, ret_status, WNOHANG) == c->pid;
}

/* Reports may start and forget children: look from the front each time. */
static bool
spawner_report_one(struct spawner *s)
{
	struct child *c;
	int status;

	TAILQ_FOREACH(c, &s->children, entry) {
		if (!child_reap(c, &status))
			continue;
		TAILQ_REMOVE(&s->children, c, entry);
		if (c->exited != NULL)
			c->exited(c->arg, status);
		child_free(c);
		return true;
	}
	return false;
}

static bool
spawner_has(const struct spawner *s, pid_t pid)
{
	const struct child *c;

	TAILQ_FOREACH(c, &s->children, entry)
		if (c->pid == pid)
			return true;
	return false;
}

/* Reap what our children left to us: nobody wants to know of its end. */
static void
spawner_bury(const struct spawner *s)
{
	siginfo_t info = {0};

	/* A child of ours that ended meanwhile has a signal of its own. */
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    info.si_pid != 0 && !spawner_has(s, info.si_pid)) {
		waitpid(info.si_pid, NULL, WNOHANG);
		info.si_pid = 0;
	}
}

static void
spawner_tell_killed(struct spawner *s)
{
	void (*done)(void *arg) = s->when_killed;
	const struct child *c;

	if (done == NULL)
		return;
	TAILQ_FOREACH(c, &s->children, entry)
		if (c->killed)
			return;
	s->when_killed = NULL;
	done(s->when_killed_arg);
}

void
spawner_when_killed(struct spawner *s, void (*done)(void *arg), void *arg)
{
	s->when_killed = done;
	s->when_killed_arg = arg;
	spawner_tell_killed(s);
}

static void
spawner_sigchld(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	while (spawner_report_one(arg))
		continue;
	spawner_bury(arg);
	spawner_tell_killed(arg);
}

static void
remember_ignored(struct spawner *s)
{
	struct sigaction old;

	for (int number = 1; number < NSIG; number++)
		s->ignored[number] = sigaction(number, NULL, &old) == 0 &&
		    old.sa_handler == SIG_IGN;
}

struct spawner *
spawner_new(struct event_base *base)
{
	struct spawner *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->base = base;
	TAILQ_INIT(&s->children);
	remember_ignored(s);
	if (sigprocmask(SIG_SETMASK, NULL, &s->mask) != 0 ||
	    getrlimit(RLIMIT_NOFILE, &s->fds) != 0 ||
	    (s->sigchld = evsignal_new(base, SIGCHLD, spawner_sigchld, s)) ==
	    NULL || evsignal_add(s->sigchld, NULL) != 0)
		return spawner_free(s);
	return s;
}

/* Reap those that have ended. False: some are left, or some gentle ones. */
static bool
spawner_reap(struct spawner *s, bool gentle)
{
	struct child *c, *next;
	bool left = false;
	int status;

	for (c = TAILQ_FIRST(&s->children); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (!child_reap(c, &status)) {
			left |= !gentle || child_is_ending(c);
			continue;
		}
		TAILQ_REMOVE(&s->children, c, entry);
		child_free(c);
	}
	return !left;
}

/* A child that sleeps in the kernel cannot be killed; init will reap it. */
static void
spawner_give_up(struct spawner *s)
{
	struct child *c;

	while ((c = TAILQ_FIRST(&s->children)) != NULL) {
		log_warn("process %ld was killed and does not end; it is left "
		    "behind", (long)c->pid);
		TAILQ_REMOVE(&s->children, c, entry);
		child_free(c);
	}
}

static void
spawner_wait(struct spawner *s, bool gentle, int ms)
{
	const struct timespec look = {.tv_nsec = END_LOOK_MS * 1000000};
	int64_t until = clock_ms() + ms;

	while (!spawner_reap(s, gentle) && clock_ms() < until)
		nanosleep(&look, NULL);
}

struct spawner *
spawner_free(struct spawner *s)
{
	struct child *c;

	if (s == NULL)
		return NULL;
	TAILQ_FOREACH(c, &s->children, entry)
		if (!c->killed)
			child_kill(c);
	spawner_wait(s, true, GENTLE_END_MAX_MS);
	TAILQ_FOREACH(c, &s->children, entry)
		if (child_is_ending(c))
			child_kill_now(c);
	spawner_wait(s, false, CHILDREN_END_MAX_MS);
	spawner_give_up(s);
	if (s->sigchld != NULL)
		event_free(s->sigchld);
	free(s);
	return NULL;
}

static size_t
strings_count(const char *const *list)
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

/* Does NAME=VALUE set a variable that `more` sets as well? */
static bool
env_is_replaced(const char *setting, const char *const *more)
{
	size_t len = strcspn(setting, "=") + 1;

	for (; more != NULL && *more != NULL; more++)
		if (strncmp(setting, *more, len) == 0)
			return true;
	return false;
}

/* Our environment with `more` over it; the strings stay where they are. */
static char **
env_merge(const char *const *more)
{
	size_t n_more = strings_count(more), n = 0;
	char **env = calloc(strings_count((const char *const *)environ) +
	    n_more + 1, sizeof(*env));

	if (env == NULL)
		return NULL;
	for (char **e = environ; *e != NULL; e++)
		if (!env_is_replaced(*e, more))
			env[n++] = *e;
	if (n_more > 0)
		memcpy(env + n, more, n_more * sizeof(*env));
	return env;
}

static void
child_close_from(int first)
{
#ifdef __linux__
	if (close_range((unsigned)first, ~0U, 0) == 0)
		return;
#endif
	for (int fd = first; fd < getdtablesize(); fd++)
		close(fd);
}

/* 0 nothing to read, 1 and 2 our log, 3 and maybe 4 as asked for. */
static bool
child_fds(const struct spawn_options *o)
{
	/* Out of the way of the numbers that they will get. */
	int fd = fcntl(o->fd, F_DUPFD, CHILD_EXTRA_FD + 1);
	int extra = o->extra_fd < 0 ? -1 :
	    fcntl(o->extra_fd, F_DUPFD, CHILD_EXTRA_FD + 1);
	int null = open("/dev/null", O_RDWR);

	if (fd < 0 || null < 0 || (o->extra_fd >= 0 && extra < 0) ||
	    dup2(null, 0) < 0 || dup2(2, 1) < 0 || dup2(fd, CHILD_FD) < 0)
		return false;
	if (extra < 0) {
		child_close_from(CHILD_FD + 1);
		return true;
	}
	if (dup2(extra, CHILD_EXTRA_FD) < 0)
		return false;
	child_close_from(CHILD_EXTRA_FD + 1);
	return true;
}

/* Die with the daemon, however it dies. */
static void
child_tie_to(pid_t parent, int number)
{
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, number, 0, 0, 0);
#else
	(void)number;
#endif
	if (getppid() != parent)
		_exit(EXIT_NOT_RUN);
}

void
spawner_give_back(const struct spawner *s)
{
	for (int number = 1; number < NSIG; number++)
		if (number != SIGKILL && number != SIGSTOP)
			signal(number, s->ignored[number] ? SIG_IGN : SIG_DFL);
	setrlimit(RLIMIT_NOFILE, &s->fds);
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

static _Noreturn void
child_run(const struct spawner *s, const struct spawn_options *o, pid_t parent,
    char *const *argv, char *const *env)
{
	static const char said[] = "p11-agent: cannot run ";
	int err;

	setpgid(0, 0);
	child_tie_to(parent, o->gentle ? SIGTERM : SIGKILL);
	if (o->foreign)
		family_mark();
	spawner_give_back(s);
	signal(SIGCHLD, SIG_DFL);
	if (child_fds(o))
		execve(o->program, argv, env);
	err = errno;
	if (write(2, said, sizeof(said) - 1) > 0)
		perror(o->program);
	_exit(err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN);
}

/*
 * Signals wait meanwhile: until the child has made them its own, it has our
 * handlers, and what they tell the loop would be told to ours.
 */
static pid_t
spawn_fork(void)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	if ((pid = fork()) != 0)
		sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

struct child *
spawn_start(struct spawner *s, const struct spawn_options *o,
    spawn_exited exited, void *arg)
{
	struct child *c = calloc(1, sizeof(*c));
	char **env = env_merge(o->env);
	size_t n = strings_count(o->argv) + 1;
	char **argv = calloc(n, sizeof(*argv));
	pid_t parent = getpid();

	if (argv != NULL)
		memcpy(argv, o->argv, n * sizeof(*argv));
	if (c == NULL || env == NULL || argv == NULL ||
	    (c->pid = spawn_fork()) < 0) {
		free(c);
		c = NULL;
	} else if (c->pid == 0) {
		child_run(s, o, parent, argv, env);
	} else {
		/* Both sides do it: no kill may come too early. */
		setpgid(c->pid, c->pid);
		evtimer_assign(&c->patience, s->base, child_took_too_long, c);
		c->foreign = o->foreign;
		c->gentle = o->gentle;
		c->exited = exited;
		c->arg = arg;
		TAILQ_INSERT_TAIL(&s->children, c, entry);
	}
	free(env);
	free(argv);
	return c;
}

pid_t
child_pid(const struct child *c)
{
	return c->pid;
}

void
child_forget(struct child *c)
{
	c->exited = NULL;
	c->killed = true;
	child_kill(c);
}

void
child_release(struct child *c)
{
	c->exited = NULL;
}
