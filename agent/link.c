/* SPDX-License-Identifier: BSD-2-Clause */
/* A child process of ours and the framed connection to it. */
#include "agent/link.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "agent/agent.h"
#include "common/helpers.h"
#include "agent/spawn.h"
#include "agent/stream.h"
#include "common/cleanup.h"
#include "common/log.h"

enum { LINK_ARGS_MAX = 8 };

struct link {
	struct child *child;   /* NULL once it has ended */
	struct stream *stream;
	const struct link_events *events; /* borrowed */
	void *arg;
	const char *why; /* the first reason to kill it */
	unsigned depth;	 /* our callbacks that are running */
	bool forgotten;
};

static void
link_destroy(struct link *l)
{
	l->stream = stream_free(l->stream);
	free(l);
}

void
link_kill(struct link *l, const char *why)
{
	if (l->why == NULL)
		l->why = why;
	if (l->child != NULL)
		child_kill(l->child);
}

struct link *
link_forget(struct link *l)
{
	if (l == NULL)
		return NULL;
	if (l->child != NULL)
		child_forget(l->child);
	l->child = NULL;
	l->forgotten = true;
	if (l->depth == 0)
		link_destroy(l);
	return NULL;
}

void
link_end(struct link *l, const struct link_events *events, void *arg)
{
	l->events = events;
	l->arg = arg;
	link_kill(l, "ended");
}

struct link *
link_release(struct link *l)
{
	if (l != NULL && l->child != NULL) {
		child_release(l->child);
		l->child = NULL;
	}
	return link_forget(l);
}

/* Leave a callback. False when the link was forgotten and is gone. */
static bool
link_leave(struct link *l)
{
	if (--l->depth > 0 || !l->forgotten)
		return !l->forgotten;
	link_destroy(l);
	return false;
}

static void
link_frame(void *arg, struct bytes body)
{
	struct link *l = arg;

	/* Of one that was killed for what it said, nothing more is taken. */
	if (l->forgotten || l->why != NULL)
		return;
	l->depth++;
	l->events->frame(l->arg, body);
	link_leave(l);
}

static void
link_closed(void *arg, const char *why)
{
	struct link *l = arg;

	/* It may be about to exit by itself: then its status says more. */
	if (l->child != NULL && why != NULL)
		link_kill(l, why);
	else if (l->child != NULL)
		child_kill(l->child);
}

static const struct stream_events link_stream_events = {
	link_frame,
	NULL,
	link_closed,
};

/* "killed by signal 9", "exit status 1"; or why we killed it. */
static void
link_describe(const struct link *l, int status, char *out, size_t size)
{
	if (l->why != NULL)
		snprintf(out, size, "%s", l->why);
	else if (WIFSIGNALED(status))
		snprintf(out, size, "killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(out, size, "exit status %d", WEXITSTATUS(status));
}

static void
link_exited(void *arg, int status)
{
	struct link *l = arg;
	char why[128];

	l->child = NULL;
	l->depth++;
	stream_drain(l->stream);
	if (!l->forgotten) {
		link_describe(l, status, why, sizeof(why));
		l->events->ended(l->arg, why);
		l->forgotten = true;
	}
	link_leave(l);
}

struct buffer *
link_out(struct link *l)
{
	return stream_out(l->stream);
}

void
link_flush(struct link *l)
{
	stream_flush(l->stream);
}

pid_t
link_pid(const struct link *l)
{
	return l->child == NULL ? 0 : child_pid(l->child);
}

/* NULL, told, when it cannot be started. */
static struct child *
link_spawn(struct link *l, struct agent *agent, const struct link_spec *spec,
    int fd)
{
	char why[HELPER_WHY_BYTES];
	CLEANUP(cleanup_free) char *path = helper_path(spec->program, why);
	const char *argv[LINK_ARGS_MAX + 2] = {spec->program};
	struct spawn_options o = {
		.program = path, .argv = argv, .env = spec->env, .fd = fd,
		.extra_fd = -1, .foreign = spec->foreign,
		.gentle = spec->gentle,
	};
	struct child *child;

	if (path == NULL) {
		log_error("cannot start %s: %s", spec->program, why);
		return NULL;
	}
	for (size_t i = 0; spec->args != NULL && spec->args[i] != NULL &&
	    i < LINK_ARGS_MAX; i++)
		argv[i + 1] = spec->args[i];
	child = spawn_start(agent->spawner, &o, link_exited, l);
	if (child == NULL)
		log_error("cannot start %s: %s", path, strerror(errno));
	return child;
}

struct link *
link_start(struct agent *agent, const struct link_spec *spec,
    const struct link_events *events, void *arg)
{
	const struct stream_limits limits = {spec->in_max_bytes,
	    spec->out_max_bytes, .hear_out = true};
	struct link *l = calloc(1, sizeof(*l));
	int sv[2];

	if (l == NULL || socketpair(AF_UNIX, SOCK_STREAM, 0, sv) != 0) {
		log_error("cannot start %s: %s", spec->program,
		    strerror(errno));
		free(l);
		return NULL;
	}
	l->events = events;
	l->arg = arg;
	l->stream = stream_new(agent->base, sv[0], &limits,
	    &link_stream_events, l);
	if (l->stream == NULL)
		log_error("cannot start %s: out of memory", spec->program);
	else
		l->child = link_spawn(l, agent, spec, sv[1]);
	close(sv[1]);
	if (l->child == NULL) {
		link_destroy(l);
		return NULL;
	}
	return l;
}
