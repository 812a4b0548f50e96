/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agent-prompt itself, started as the daemon does; its path is argv[1]. */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/frame.h"
#include "prompt/question.h"
#include "tests/cmocka-all.h"
#include "tests/prompt/prompt-process.h"
#include "tests/prompt/script.h"

static const char *
program_of(void **state)
{
	return *state;
}

struct prompt {
	struct script script;
	struct prompt_process process;
};

static struct prompt
start(const char *program, const char *script)
{
	struct prompt p = {.script = script_new(script)};
	char variable[256];
	char *const envp[] = {variable, (char[]){"PATH=/usr/bin:/bin"}, NULL};

	snprintf(variable, sizeof(variable), "SSH_ASKPASS=%s", p.script.path);
	p.process = prompt_process_start(program, envp);
	return p;
}

static void
put_question(const struct prompt *p, enum question_kind kind)
{
	const struct question q = {.kind = kind,
	    .text = bytes_str("PIN of token"),
	    .client_pid = (uint32_t)getpid(),
	    .sources = bytes_str("askpass")};

	prompt_process_ask(&p->process, &q);
}

static int
finish(struct prompt *p)
{
	int status = prompt_process_finish(&p->process);

	script_remove(&p->script);
	return status;
}

static void
answers(void **state)
{
	const struct {
		const char *name, *script;
		enum answer_status status;
		const char *secret, *text;
	} cases[] = {
	    {"PIN", "#!/bin/sh\necho 1234\n", ANSWER_OK, "1234", ""},
	    {"cancel", "#!/bin/sh\nexit 1\n", ANSWER_CANCEL, "", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct prompt p = start(program_of(state), cases[i].script);
		struct buffer in = BUFFER_INIT(8192);
		struct answer a;
		struct bytes body;

		put_question(&p, QUESTION_PIN);
		assert_int_equal(
		    frame_read(p.process.sock, &in, 8000, &body), 1);
		assert_int_equal(answer_parse(body, &a), PARSE_OK);
		assert_int_equal(a.status, cases[i].status);
		assert_true(bytes_is(a.secret, cases[i].secret));
		assert_true(bytes_is(a.text, cases[i].text));
		assert_false(a.unattended);
		buffer_clear(&in);
		assert_int_equal(finish(&p), 0);
	}
}

/* The askpass has started something itself; all of it has to go. */
static void
ends_with_the_socket(void **state)
{
	struct prompt p = start(program_of(state),
	    "#!/bin/sh\nsleep 1000 &\necho asking >&2\nwait\n");
	char said[16];
	int status;

	put_question(&p, QUESTION_PIN);
	assert_true(read_some(p.process.err, said, sizeof(said)) > 0);
	assert_memory_equal(said, "asking\n", 7);
	close(p.process.sock);
	p.process.sock = -1;
	status = finish(&p);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* In a session of its own, with a terminal: 0 when the askpass had none. */
static int
ask_in_session(const char *program, const char *terminal)
{
	struct buffer in = BUFFER_INIT(8192);
	struct answer a = {.status = ANSWER_NO_WAY};
	struct bytes body;
	struct prompt p;
	bool ok;

	if (setsid() < 0 || open(terminal, O_RDWR | O_CLOEXEC) < 0 ||
	    open("/dev/tty", O_RDWR | O_CLOEXEC) < 0)
		return 2;
	p = start(program,
	    "#!/bin/sh\n(: </dev/tty) 2>/dev/null && echo tty || "
	    "echo none\n");
	put_question(&p, QUESTION_PIN);
	ok = frame_read(p.process.sock, &in, 8000, &body) == 1 &&
	     answer_parse(body, &a) == PARSE_OK && bytes_is(a.secret, "none");
	buffer_clear(&in);
	return finish(&p) == 0 && ok ? 0 : 1;
}

/* Else a pinentry on the daemon's own terminal is stopped as its background. */
static void
leaves_the_daemons_terminal(void **state)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int status;
	pid_t pid;

	assert_true(fd >= 0);
	assert_int_equal(grantpt(fd), 0);
	assert_int_equal(unlockpt(fd), 0);
	assert_true((pid = fork()) >= 0);
	if (pid == 0)
		_exit(ask_in_session(program_of(state), ptsname(fd)));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(fd);
}

static void
refuses_what_is_no_question(void **state)
{
	const struct {
		const char *name;
		struct bytes sent;
		int status;
	} cases[] = {
	    {"nothing", BYTES_NONE, 0},
	    {"a cut frame", bytes_of("\0\0\0\5x", 5), 1},
	    {"too long a frame", bytes_of("\xff\xff\xff\xff", 4), 1},
	    {"nonsense", bytes_of("\0\0\0\1x", 5), 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct prompt p = start(program_of(state), "#!/bin/sh\n");
		int status;

		assert_int_equal(
		    write(p.process.sock, cases[i].sent.p, cases[i].sent.len),
		    (ssize_t)cases[i].sent.len);
		close(p.process.sock);
		p.process.sock = -1;
		status = finish(&p);
		if (!WIFEXITED(status) ||
		    WEXITSTATUS(status) != cases[i].status)
			fail_msg("%s: %d", cases[i].name, status);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_prestate(answers, argv[1]),
	    cmocka_unit_test_prestate(ends_with_the_socket, argv[1]),
	    cmocka_unit_test_prestate(leaves_the_daemons_terminal, argv[1]),
	    cmocka_unit_test_prestate(refuses_what_is_no_question, argv[1]),
	};

	if (argc != 2)
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
