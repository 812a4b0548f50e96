/* SPDX-License-Identifier: BSD-2-Clause */
/* A spawner, and one child after another that writes into a pipe. */
#ifndef P11_AGENT_TESTS_AGENT_SPAWN_PLAY_H
#define P11_AGENT_TESTS_AGENT_SPAWN_PLAY_H

#include <stdlib.h>
#include <unistd.h>

#include "agent/family.h"
#include "agent/spawn.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

struct table {
	struct agent *agent; /* for its loop */
	struct spawner *spawner;
	int reports;
	int status; /* of the last report */
	struct child *child;
	struct child *forget; /* when the report comes */
	int fd[2]; /* a pipe, its second end is the child's */
};

static inline int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	family_adopt();
	t->agent = world_agent();
	/* A process has one spawner: it buries whatever it does not know. */
	t->spawner = t->agent->spawner;
	assert_int_equal(pipe(t->fd), 0);
	*state = t;
	return 0;
}

static inline int
teardown(void **state)
{
	struct table *t = *state;

	t->agent->spawner = t->spawner != NULL ? t->spawner :
	    spawner_new(t->agent->base);
	agent_free(t->agent);
	close(t->fd[0]);
	if (t->fd[1] >= 0)
		close(t->fd[1]);
	free(t);
	return 0;
}

static inline void
exited(void *arg, int status)
{
	struct table *t = arg;

	t->reports++;
	t->status = status;
	t->child = NULL;
	if (t->forget != NULL)
		child_forget(t->forget);
	t->forget = NULL;
}

static inline struct child *
start(struct table *t, const char *program, const char *const *argv,
    const char *const *env)
{
	const struct spawn_options o = {
		.program = program, .argv = argv, .env = env,
		.fd = t->fd[1], .extra_fd = -1,
	};

	t->child = spawn_start(t->spawner, &o, exited, t);
	assert_non_null(t->child);
	assert_true(child_pid(t->child) > 0);
	return t->child;
}

static inline struct child *
start_shell(struct table *t, const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};

	return start(t, "/bin/sh", argv, NULL);
}

static inline bool
reported(void *arg)
{
	const struct table *t = arg;

	return t->reports > 0;
}

static inline void
wait_for_report(struct table *t)
{
	assert_true(world_run(t->agent, reported, t));
	assert_int_equal(t->reports, 1);
	t->reports = 0;
}

/* The next line of what the child writes, without its newline. */
static inline void
read_line(struct table *t, char *out, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && read(t->fd[0], out + n, 1) == 1 &&
	    out[n] != '\n')
		n++;
	out[n] = '\0';
}

/* Everything until its end. */
static inline void
read_all(struct table *t, char *out, size_t size)
{
	size_t n = 0;
	ssize_t got;

	close(t->fd[1]);
	t->fd[1] = -1;
	while ((got = read(t->fd[0], out + n, size - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
}

#endif
