/* SPDX-License-Identifier: BSD-2-Clause */
/* Leaving the terminal, and living as long as a command does. */
#ifndef P11_AGENT_AGENT_BACKGROUND_H
#define P11_AGENT_AGENT_BACKGROUND_H

#include <stdbool.h>
#include <sys/types.h>

struct event_base;
struct spawner;

/*
 * fork(). The child goes on in a session of its own: 0, and an fd for
 * background_ready. The parent takes back its signals and waits for that: the
 * child's pid; or -1 when it cannot be started or ended before it was ready,
 * which it has told.
 */
pid_t background_fork(struct event_base *base, const struct spawner *spawner,
    int *ret_ready);

/*
 * The child leaves the terminal; its log goes to the system's from now on.
 * False: the parent was killed meanwhile, and nobody learns of an agent.
 */
bool background_ready(int ready);

/*
 * Run a command as ssh-agent does, with the agent's variables. Returns only
 * when it cannot be run: the exit status that a shell would give.
 */
int background_exec(char **command, const char *socket, pid_t agent);

/* Call gone(arg) when a process ends. */
struct watch;
struct watch *watch_new(struct event_base *base, pid_t pid,
    void (*gone)(void *arg), void *arg);
struct watch *watch_free(struct watch *w);

#endif
