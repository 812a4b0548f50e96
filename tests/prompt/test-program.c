/* SPDX-License-Identifier: BSD-2-Clause */
#include "prompt/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/limits.h"
#include "tests/cmocka-all.h"
#include "tests/prompt/script.h"

static void
finds_programs(void **state)
{
	struct script s = script_new("#!/bin/sh\n");
	char path_variable[256];
	char *const own[] = {path_variable, NULL};
	char out[128], small[8];
	struct environment e;
	const struct {
		const char *name;
		bool want;
	} cases[] = {
	    {s.path, true},
	    {"ask", true},
	    {"sh", true},
	    {"", false},
	    {"./ask", false},
	    {"ask/", false},
	    {"/nowhere/ask", false},
	    /* A folder, and a file that nobody may run. */
	    {s.folder, false},
	    {"/etc/passwd", false},
	};

	(void)state;
	snprintf(
	    path_variable, sizeof(path_variable), "PATH=:.:%s::/bin", s.folder);
	environment_read(&e, 0, own);
	assert_int_equal(chdir(s.folder), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (program_find(&e, cases[i].name, out, sizeof(out)) !=
		    cases[i].want)
			fail_msg("\"%s\"", cases[i].name);
	assert_true(program_find(&e, "ask", out, sizeof(out)));
	assert_string_equal(out, s.path);
	assert_false(program_find(&e, "ask", small, sizeof(small)));
	assert_false(program_find(&e, s.path, small, sizeof(small)));
	assert_int_equal(chdir("/"), 0);
	script_remove(&s);
}

/* What came of a script. */
static enum program_result
run(const char *content, struct buffer *out, int *ret)
{
	struct script s = script_new(content);
	char argument[] = "one argument";
	char *const argv[] = {s.path, argument, NULL};
	struct environment_block vars = {.n = 0};
	char variable[] = "TERM=dumb";
	enum program_result result;
	int peer[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, peer), 0);
	environment_block_add(&vars, variable);
	result = program_run(argv, vars.vars, peer[0], out, ret);
	close(peer[0]);
	close(peer[1]);
	script_remove(&s);
	return result;
}

static void
runs_to_the_end(void **state)
{
	const struct {
		const char *name, *content;
		size_t max;
		enum program_result want;
		const char *output;
		int status;
	} cases[] = {
	    {"its argument", "#!/bin/sh\necho \"$#:$1\"\n", 99, PROGRAM_ENDED,
		"1:one argument\n", 0},
	    {"its environment", "#!/bin/sh\necho \"$TERM${SSH_AUTH_SOCK-}\"\n",
		99, PROGRAM_ENDED, "dumb\n", 0},
	    {"nothing to read", "#!/bin/sh\nexec cat\n", 99, PROGRAM_ENDED, "",
		0},
	    {"its status", "#!/bin/sh\nexit 7\n", 99, PROGRAM_ENDED, "", 7},
	    {"output closed before the end",
		"#!/bin/sh\nexec >&-\n: </dev/null\nexit 3\n", 99,
		PROGRAM_ENDED, "", 3},
	    {"just what fits", "#!/bin/sh\nprintf 123\n", 4, PROGRAM_ENDED,
		"123", 0},
	    {"more than fits", "#!/bin/sh\nprintf 1234\n", 4, PROGRAM_TOO_LONG,
		"1234", 0},
	    {"no end of it", "#!/bin/sh\nwhile :; do echo x; done\n", 99,
		PROGRAM_TOO_LONG, NULL, 0},
	    {"no interpreter", "#!/nowhere/sh\n", 99, PROGRAM_NOT_STARTED, "",
		0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buffer out = BUFFER_INIT(cases[i].max);
		int ret = -1;
		enum program_result got = run(cases[i].content, &out, &ret);

		if (got != cases[i].want)
			fail_msg("%s: %d", cases[i].name, got);
		if (got == PROGRAM_ENDED && WEXITSTATUS(ret) != cases[i].status)
			fail_msg("%s: status %d", cases[i].name, ret);
		if (got == PROGRAM_NOT_STARTED && ret != ENOENT)
			fail_msg("%s: %s", cases[i].name, strerror(ret));
		if (cases[i].output != NULL &&
		    !bytes_is(buffer_bytes(&out), cases[i].output))
			fail_msg(
			    "%s: %.*s", cases[i].name, (int)out.len, out.p);
		buffer_clear(&out);
	}
}

static void
tells_of_a_signal(void **state)
{
	struct buffer out = BUFFER_INIT(99);
	int ret = 0;

	(void)state;
	assert_int_equal(
	    run("#!/bin/sh\nkill -9 $$\n", &out, &ret), PROGRAM_ENDED);
	assert_true(WIFSIGNALED(ret));
	assert_int_equal(WTERMSIG(ret), SIGKILL);
	buffer_clear(&out);
}

/* A process that holds the peer's end until a byte comes through a pipe. */
static pid_t
holder_start(int *ret_peer, int *ret_pipe)
{
	int peer[2], ends[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, peer), 0);
	assert_int_equal(fcntl(peer[0], F_SETFD, FD_CLOEXEC), 0);
	assert_int_equal(pipe(ends), 0);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		char byte;

		_exit(read(ends[0], &byte, 1) == 1 ? 0 : 1);
	}
	close(peer[1]);
	close(ends[0]);
	*ret_peer = peer[0];
	*ret_pipe = ends[1];
	return pid;
}

/* The second script has closed its output before, and still runs. */
static void
ends_when_nobody_waits(void **state)
{
	const char *scripts[] = {
	    "#!/bin/sh\necho x >&9\nexec sleep 1000\n",
	    "#!/bin/sh\nexec >&-\necho x >&9\nexec sleep 1000\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		struct script s = script_new(scripts[i]);
		char *const argv[] = {s.path, NULL};
		char path[] = "PATH=/usr/bin:/bin";
		struct environment_block vars = {.vars = {path}, .n = 1};
		struct buffer out = BUFFER_INIT(99);
		int peer, wakes, ret;
		pid_t holder = holder_start(&peer, &wakes);

		assert_int_equal(dup2(wakes, 9), 9);
		assert_int_equal(program_run(argv, vars.vars, peer, &out, &ret),
		    PROGRAM_NOBODY_WAITS);
		assert_int_equal(waitpid(holder, &ret, 0), holder);
		assert_int_equal(ret, 0);
		/* The script was not left behind. */
		assert_int_equal(waitpid(-1, &ret, WNOHANG), -1);
		assert_int_equal(errno, ECHILD);
		close(wakes);
		close(9);
		close(peer);
		buffer_clear(&out);
		script_remove(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_programs),
	    cmocka_unit_test(runs_to_the_end),
	    cmocka_unit_test(tells_of_a_signal),
	    cmocka_unit_test(ends_when_nobody_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
