/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Child processes: a request to start one, later a report of its exit. The
 * only place that forks. Each child leads its own process group, has the
 * signal mask, ignored signals (but SIGCHLD, as it may wait for children) and
 * limits that we were started with (but no core dumps), and of our files only
 * standard error and those named. Orphans that they leave and that we adopt
 * (family_adopt) are buried when they end.
 */
#ifndef P11_AGENT_AGENT_SPAWN_H
#define P11_AGENT_AGENT_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

struct child;
struct event_base;
struct spawner;

struct spawn_options {
	const char *program;	 /* path */
	const char *const *argv; /* NULL-terminated */
	const char *const *env;	 /* NAME=VALUE, over our own; or NULL */
	int fd;			 /* becomes fd 3; stays the caller's */
	int extra_fd;		 /* becomes fd 4; -1: none */
	bool foreign;		 /* runs code of others: see agent/family.h */
	bool gentle;		 /* gets SIGTERM first, to tidy up */
};

/* status: as from waitpid. The child is gone when this returns. */
typedef void (*spawn_exited)(void *arg, int status);

/*
 * Remembers the signal mask, the ignored signals and the limits of this moment
 * for its children. NULL when memory is out.
 */
struct spawner *spawner_new(struct event_base *base);

/*
 * In a process that becomes another program: signals and limits as they were
 * when the spawner was made.
 */
void spawner_give_back(const struct spawner *s);

/*
 * Kills every child as child_kill does, without a report, and reaps; for a
 * second at most after the last SIGKILL, as one in the middle of a system call
 * may take its time. Returns NULL.
 */
struct spawner *spawner_free(struct spawner *s);

/* NULL with errno when it cannot be started. */
struct child *spawn_start(struct spawner *s, const struct spawn_options *o,
    spawn_exited exited, void *arg);

pid_t child_pid(const struct child *c);

/*
 * SIGKILL to it and its group, and to all that came from it if it is
 * `foreign`; if it is `gentle`, SIGTERM to itself, and that a second later.
 * The report comes later.
 */
void child_kill(struct child *c);

/* The same, and no report: c is not the caller's any more. */
void child_forget(struct child *c);

/*
 * Call done(arg) once every child that child_forget killed is gone, now or
 * later; instead of what an earlier call asked for (NULL: of nothing).
 */
void spawner_when_killed(struct spawner *s, void (*done)(void *arg),
    void *arg);

/* No report, but it may end in its own time (before we do). */
void child_release(struct child *c);

#endif
