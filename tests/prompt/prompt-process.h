/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agent-prompt as a process, started and asked as the daemon does it. */
#ifndef P11_AGENT_TESTS_PROMPT_PROMPT_PROCESS_H
#define P11_AGENT_TESTS_PROMPT_PROMPT_PROCESS_H

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/frame.h"
#include "prompt/question.h"
#include "tests/cmocka-all.h"

enum { PATIENCE_MSEC = 20000 };

struct prompt_process {
	pid_t pid;
	int sock; /* -1: hung up */
	int err;  /* what it and its children write to standard error */
};

static inline pid_t
prompt_process_spawn(const char *program, char *const *envp, int sock, int err)
{
	char *const argv[] = {(char[]){"p11-agent-prompt"}, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
	posix_spawn_file_actions_adddup2(&actions, sock, PROMPT_FD);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setpgroup(&attr, 0);
	assert_int_equal(
	    posix_spawn(&pid, program, &actions, &attr, argv, envp), 0);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static inline struct prompt_process
prompt_process_start(const char *program, char *const *envp)
{
	struct prompt_process p;
	int sock[2], err[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	p.pid = prompt_process_spawn(program, envp, sock[1], err[1]);
	close(sock[1]);
	close(err[1]);
	p.sock = sock[0];
	p.err = err[0];
	return p;
}

static inline void
prompt_process_ask(const struct prompt_process *p, const struct question *q)
{
	struct buffer out = BUFFER_INIT(8 * WIRE_TEXT_MAX_BYTES);

	question_put(&out, q);
	assert_true(frame_write(p->sock, &out));
	buffer_clear(&out);
}

/* The answer borrows from in. */
static inline struct answer
prompt_process_answer(const struct prompt_process *p, struct buffer *in)
{
	struct pollfd fd = {.fd = p->sock, .events = POLLIN};
	struct answer a = {.status = ANSWER_NO_WAY};
	struct bytes body;

	*in = BUFFER_INIT(16 * 1024);
	assert_int_equal(poll(&fd, 1, PATIENCE_MSEC), 1);
	assert_int_equal(frame_read(p->sock, in, 8000, &body), 1);
	assert_int_equal(answer_parse(body, &a), PARSE_OK);
	return a;
}

static inline void
prompt_process_hang_up(struct prompt_process *p)
{
	close(p->sock);
	p->sock = -1;
}

/* Read what comes next; 0: the end. Fails the test rather than hang. */
static inline size_t
read_some(int fd, char *out, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;

	assert_int_equal(poll(&p, 1, PATIENCE_MSEC), 1);
	n = read(fd, out, size);
	assert_true(n >= 0);
	return (size_t)n;
}

/* Everything that it started is gone when nobody holds its stderr any more. */
static inline int
prompt_process_finish(struct prompt_process *p)
{
	char rest[256];
	int status;

	while (read_some(p->err, rest, sizeof(rest)) > 0)
		;
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	if (p->sock >= 0)
		close(p->sock);
	close(p->err);
	return status;
}

#endif
