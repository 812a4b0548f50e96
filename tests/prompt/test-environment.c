/* SPDX-License-Identifier: BSD-2-Clause */
#include "prompt/environment.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/text.h"
#include "tests/cmocka-all.h"

/* An environment as if it had been read from a client. */
static struct environment
made_of(const char *client, size_t len, char *const *own)
{
	struct environment e;

	environment_read(&e, 0, own);
	buffer_put(&e.client, bytes_of(client, len));
	return e;
}

#define MADE_OF(client, own) made_of(client, sizeof(client), own)

static void
takes_groups_from_one_place(void **state)
{
	char *const own[] = {(char[]){"DISPLAY=:0"},
	    (char[]){"XAUTHORITY=/own"}, (char[]){"LANG=de_AT.UTF-8"},
	    (char[]){"HOME=/home/own"}, (char[]){"LD_PRELOAD=/evil.so"},
	    (char[]){"TERM="}, NULL};
	const struct {
		const char *name, *want_client, *want_none;
	} cases[] = {
	    /* The client has a display: its authority is not ours. */
	    {"DISPLAY", ":9", ":0"},
	    {"XAUTHORITY", NULL, "/own"},
	    {"WAYLAND_DISPLAY", NULL, NULL},
	    /* It has no locale, so ours counts. */
	    {"LANG", "de_AT.UTF-8", "de_AT.UTF-8"},
	    {"SSH_ASKPASS", "/bin/ask", NULL},
	    {"HOME", "/home/own", "/home/own"},
	    {"TERM", NULL, NULL},
	    {"LD_PRELOAD", NULL, NULL},
	    {"DISPLA", NULL, NULL},
	};
	struct environment with = MADE_OF("XDISPLAY=no\0DISPLAY=:9\0"
					  "LD_PRELOAD=/worse.so\0LC_ALL=\0"
					  "SSH_ASKPASS=/bin/ask",
	    own);
	struct environment without;

	(void)state;
	environment_read(&without, 0, own);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *a = environment_get(&with, cases[i].name);
		const char *b = environment_get(&without, cases[i].name);

		if (!bytes_equal(bytes_str(a), bytes_str(cases[i].want_client)))
			fail_msg("%s of the client: %s", cases[i].name, a);
		if (!bytes_equal(bytes_str(b), bytes_str(cases[i].want_none)))
			fail_msg("%s of our own: %s", cases[i].name, b);
	}
	environment_clear(&with);
}

static void
picks_the_list_only(void **state)
{
	char *const own[] = {
	    (char[]){"LD_LIBRARY_PATH=/evil"}, (char[]){"PATH=/usr/bin"}, NULL};
	struct environment e = MADE_OF("GTK_MODULES=x\0LANG=C", own);
	char more[] = "SSH_ASKPASS_PROMPT=confirm";
	struct environment_block block;

	(void)state;
	environment_pick(&e, &block);
	environment_block_add(&block, more);
	assert_int_equal(block.n, 3);
	assert_string_equal(block.vars[0], "LANG=C");
	assert_string_equal(block.vars[1], "PATH=/usr/bin");
	assert_string_equal(block.vars[2], more);
	assert_null(block.vars[3]);
	for (int i = 0; i < 2 * ENVIRONMENT_VARS_MAX; i++)
		environment_block_add(&block, more);
	assert_int_equal(block.n, ENVIRONMENT_VARS_MAX);
	assert_null(block.vars[ENVIRONMENT_VARS_MAX]);
	environment_clear(&e);
}

static void
knows_a_display(void **state)
{
	char *const none[] = {NULL};
	char *const x11[] = {(char[]){"DISPLAY=:0"}, NULL};
	char *const wayland[] = {(char[]){"WAYLAND_DISPLAY=wayland-0"}, NULL};
	struct environment e;

	(void)state;
	environment_read(&e, 0, none);
	assert_false(environment_has_display(&e));
	environment_read(&e, 0, x11);
	assert_true(environment_has_display(&e));
	environment_read(&e, 0, wayland);
	assert_true(environment_has_display(&e));
}

/* A cat that has already handed a byte on, so it is past its exec. */
static pid_t
start_cat(char *const *envp, int *ret_in)
{
	char *const argv[] = {(char[]){"cat"}, NULL};
	posix_spawn_file_actions_t actions;
	int in[2], out[2];
	char byte = 'x';
	pid_t pid;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	assert_int_equal(
	    posix_spawn(&pid, "/bin/cat", &actions, NULL, argv, envp), 0);
	posix_spawn_file_actions_destroy(&actions);
	assert_int_equal(write(in[1], &byte, 1), 1);
	assert_int_equal(read(out[0], &byte, 1), 1);
	close(in[0]);
	close(out[0]);
	close(out[1]);
	*ret_in = in[1];
	return pid;
}

static void
reads_a_real_process(void **state)
{
	char *const envp[] = {
	    (char[]){"DISPLAY=:77"}, (char[]){"HOME=/x"}, NULL};
	char *const own[] = {(char[]){"DISPLAY=:0"}, NULL};
	struct environment e;
	int in, status;
	pid_t pid = start_cat(envp, &in);

	(void)state;
	environment_read(&e, pid, own);
	assert_string_equal(environment_get(&e, "DISPLAY"), ":77");
	assert_string_equal(environment_get(&e, "HOME"), "/x");
	assert_string_equal(e.program, "cat");
	assert_string_equal(e.tty, "");
	environment_clear(&e);

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* It is gone, and so is what could be read. */
	environment_read(&e, pid, own);
	assert_string_equal(environment_get(&e, "DISPLAY"), ":0");
	assert_int_equal(e.client.len, 0);
	environment_clear(&e);
	close(in);
}

/* A process with a terminal of its own, which it has as /dev/tty as well. */
static pid_t
start_on_terminal(int controller, const char *terminal, int *ret_ready)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	if ((pid = fork()) == 0) {
		int fd;

		close(controller);
		setsid();
		if ((fd = open(terminal, O_RDWR)) < 0)
			_exit(1);
		ioctl(fd, TIOCSCTTY, 0);
		dup2(fd, STDERR_FILENO);
		if ((fd = open("/dev/tty", O_RDWR)) < 0)
			_exit(1);
		dup2(fd, STDIN_FILENO);
		dup2(ready[1], STDOUT_FILENO);
		if (write(STDOUT_FILENO, "", 1) == 1)
			pause();
		_exit(1);
	}
	assert_true(pid > 0);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	*ret_ready = ready[0];
	return pid;
}

/* A script that began with `exec </dev/tty`, as git's hooks do. */
static void
names_the_terminal_that_others_can_open(void **state)
{
	int controller = posix_openpt(O_RDWR | O_NOCTTY), ready;
	struct environment e;
	char terminal[64];
	pid_t pid;

	(void)state;
	assert_true(controller >= 0);
	assert_int_equal(grantpt(controller), 0);
	assert_int_equal(unlockpt(controller), 0);
	snprintf(terminal, sizeof(terminal), "%s", ptsname(controller));
	pid = start_on_terminal(controller, terminal, &ready);
	environment_read(&e, pid, NULL);
	assert_string_equal(e.tty, terminal);
	environment_clear(&e);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ready);
	close(controller);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_groups_from_one_place),
	    cmocka_unit_test(picks_the_list_only),
	    cmocka_unit_test(knows_a_display),
	    cmocka_unit_test(reads_a_real_process),
	    cmocka_unit_test(names_the_terminal_that_others_can_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
