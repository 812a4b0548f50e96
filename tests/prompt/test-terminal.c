/* SPDX-License-Identifier: BSD-2-Clause */
/* A terminal that is lent and comes back. */
#include "prompt/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/cmocka-all.h"

struct table {
	int master, slave;
	char path[64];
};

static int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	assert_true((t->master = posix_openpt(O_RDWR | O_NOCTTY)) >= 0);
	assert_int_equal(grantpt(t->master), 0);
	assert_int_equal(unlockpt(t->master), 0);
	snprintf(t->path, sizeof(t->path), "%s", ptsname(t->master));
	assert_true((t->slave = open(t->path, O_RDWR | O_NOCTTY)) >= 0);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct table *t = *state;

	close(t->slave);
	close(t->master);
	free(t);
	return 0;
}

static bool
echoes(const struct table *t)
{
	struct termios now;

	assert_int_equal(tcgetattr(t->slave, &now), 0);
	return (now.c_lflag & ECHO) != 0;
}

static void
set_echo(const struct table *t)
{
	struct termios now;

	assert_int_equal(tcgetattr(t->slave, &now), 0);
	now.c_lflag |= ECHO | ICANON;
	assert_int_equal(tcsetattr(t->slave, TCSANOW, &now), 0);
}

/* As a pinentry does it. */
static void
silence(const struct table *t)
{
	struct termios now;

	assert_int_equal(tcgetattr(t->slave, &now), 0);
	now.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	assert_int_equal(tcsetattr(t->slave, TCSANOW, &now), 0);
}

static void
it_is_put_back(void **state)
{
	struct table *t = *state;
	struct pollfd left = {.fd = t->slave, .events = POLLIN};
	struct terminal terminal;

	terminal_lend(&terminal, t->path);
	assert_true(terminal.fd >= 0);
	silence(t);
	assert_false(echoes(t));
	assert_int_equal(write(t->master, "12", 2), 2);
	assert_int_equal(poll(&left, 1, 5000), 1);
	terminal_take_back(&terminal);
	assert_true(echoes(t));
	/* A line that nobody has read is not the shell's. */
	assert_int_equal(write(t->master, "\n", 1), 1);
	assert_int_equal(poll(&left, 1, 5000), 1);
	assert_int_equal(read(t->slave, t->path, sizeof(t->path)), 1);
	terminal_end(&terminal);
	assert_int_equal(terminal.fd, -1);
}

/* A person may type ahead. */
static void
one_that_is_as_it_was_is_left_alone(void **state)
{
	struct table *t = *state;
	char line[8];
	struct terminal terminal;

	terminal_lend(&terminal, t->path);
	assert_int_equal(write(t->master, "ls\n", 3), 3);
	terminal_take_back(&terminal);
	terminal_end(&terminal);
	assert_int_equal(read(t->slave, line, sizeof(line)), 3);
}

/*
 * A shell at its prompt echoes by itself; a program that it has started since
 * leaves that to the terminal.
 */
static void
an_echo_is_not_taken_away(void **state)
{
	struct table *t = *state;
	struct terminal terminal;

	silence(t);
	terminal_lend(&terminal, t->path);
	assert_true(terminal.fd >= 0);
	set_echo(t);
	terminal_take_back(&terminal);
	assert_true(echoes(t));
	terminal_end(&terminal);
}

/* The one before is being closed: how it is set now is not how it was. */
static void
the_next_one_waits(void **state)
{
	struct table *t = *state;
	struct terminal terminal;
	int status, ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		terminal_lend(&terminal, t->path);
		silence(t);
		if (terminal.fd < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		poll(NULL, 0, 200);
		terminal_take_back(&terminal);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_false(echoes(t));
	terminal_lend(&terminal, t->path);
	assert_true(terminal.fd >= 0);
	assert_true((terminal.before.c_lflag & ECHO) != 0);
	terminal_end(&terminal);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(ready[0]);
	close(ready[1]);
}

/* Whoever has it puts it back: the other one would only do harm. */
static void
one_that_another_prompt_keeps_is_not_touched(void **state)
{
	struct table *t = *state;
	struct terminal first, second;

	terminal_lend(&first, t->path);
	assert_true(first.fd >= 0);
	silence(t);
	terminal_lend(&second, t->path);
	assert_int_equal(second.fd, -1);
	terminal_take_back(&second);
	assert_false(echoes(t));
	terminal_take_back(&first);
	assert_true(echoes(t));
	terminal_end(&first);
}

static void
what_is_no_terminal(void **state)
{
	static const char *const paths[] = {
	    "", "tty", "/dev/null", "/etc/passwd", "/nowhere", "/"};
	struct terminal terminal;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		terminal_lend(&terminal, paths[i]);
		assert_int_equal(terminal.fd, -1);
		terminal_take_back(&terminal);
		terminal_end(&terminal);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(it_is_put_back),
	    TEST(one_that_is_as_it_was_is_left_alone),
	    TEST(an_echo_is_not_taken_away),
	    TEST(the_next_one_waits),
	    TEST(one_that_another_prompt_keeps_is_not_touched),
	    cmocka_unit_test(what_is_no_terminal),
	};

	return cmocka_run_group_tests_name(
	    "prompt/terminal", tests, NULL, NULL);
}
