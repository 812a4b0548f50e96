/* SPDX-License-Identifier: BSD-2-Clause */
/* Children that are ended, with all that came from them, and at our end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "agent/clock.h"
#include "common/limits.h"
#include "tests/agent/spawn-play.h"

/* NOLINTBEGIN: the linker wants these names */
pid_t __real_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
/* NOLINTEND */

static bool asleep; /* all children are, in the kernel */

pid_t
__wrap_waitpid(pid_t pid, int *status, int options)
{
	assert_true((options & WNOHANG) != 0);
	return asleep ? 0 : __real_waitpid(pid, status, options);
}

/* Start a child that leads a group, and join that. */
static _Noreturn void
move_away(void)
{
	pid_t pid = fork();

	if (pid > 0 && setpgid(pid, pid) == 0 && setpgid(0, pid) == 0)
		dprintf(3, "moved\n");
	for (;;)
		pause();
}

/* The shell leaves a process in a session of its own, without a parent. */
#define LEAVE_ONE "setsid -f sh -c 'echo $$ >&3; exec sleep 1000'; "

static struct child *
start_kind(struct table *t, const char *script, bool foreign)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	const struct spawn_options o = {
		.program = "/bin/sh", .argv = argv, .fd = t->fd[1],
		.extra_fd = -1, .foreign = foreign, .gentle = !foreign,
	};

	t->child = spawn_start(t->spawner, &o, exited, t);
	assert_non_null(t->child);
	return t->child;
}

static struct child *
start_foreign(struct table *t, const char *script)
{
	return start_kind(t, script, true);
}

static bool
is_gone(void *arg)
{
	const pid_t *pid = arg;

	return kill(*pid, 0) != 0 && errno == ESRCH;
}

/* Gone, and buried: nobody else could, as it is our child. */
static void
assert_goes(struct table *t, const char *line)
{
	pid_t pid = (pid_t)atol(line);

	assert_true(pid > 1);
	assert_true(world_run(t->agent, is_gone, &pid));
}

static void
a_kill_reaches_those_that_left(void **state)
{
	struct table *t = *state;
	char line[64];

	start_foreign(t, LEAVE_ONE "while :; do sleep 1000; done");
	read_line(t, line, sizeof(line));
	child_kill(t->child);
	wait_for_report(t);
	assert_int_equal(WTERMSIG(t->status), SIGKILL);
	assert_goes(t, line);
}

static void
an_exit_takes_those_that_left(void **state)
{
	struct table *t = *state;
	char line[64];

	start_foreign(t, LEAVE_ONE "exit 3");
	read_line(t, line, sizeof(line));
	wait_for_report(t);
	assert_int_equal(WEXITSTATUS(t->status), 3);
	assert_goes(t, line);
}

/* Only of the child that ends, and only where that runs foreign code. */
static void
others_keep_what_they_started(void **state)
{
	struct table *t = *state;
	char ours[64], prompts[64];
	struct child *other;

	other = start_foreign(t, LEAVE_ONE "while :; do sleep 1000; done");
	read_line(t, ours, sizeof(ours));
	start_shell(t, LEAVE_ONE "exit 0");
	read_line(t, prompts, sizeof(prompts));
	wait_for_report(t);
	start_foreign(t, "exit 0");
	wait_for_report(t);
	assert_int_equal(kill((pid_t)atol(ours), 0), 0);
	t->child = other;
	child_kill(other);
	wait_for_report(t);
	assert_goes(t, ours);
	assert_int_equal(kill((pid_t)atol(prompts), SIGKILL), 0);
	assert_goes(t, prompts);
}

/* A child that moved itself away is not in the group that was its own. */
static void
the_end_reaches_those_that_moved(void **state)
{
	static const char *const argv[] = {"test", "--move", NULL};
	struct table *t = *state;
	const struct spawn_options o = {
		.program = "/proc/self/exe", .argv = argv, .fd = t->fd[1],
		.extra_fd = -1, .foreign = true,
	};
	char line[64];

	assert_non_null(spawn_start(t->spawner, &o, exited, t));
	read_line(t, line, sizeof(line));
	assert_string_equal(line, "moved");
	t->spawner = spawner_free(t->spawner);
	read_all(t, line, sizeof(line));
	assert_string_equal(line, "");
}

static struct child *
start_gentle(struct table *t, const char *script)
{
	char line[64];

	start_kind(t, script, false);
	read_line(t, line, sizeof(line));
	assert_string_equal(line, "ready");
	return t->child;
}

/* The signal is for the shell alone, whose child would have to be waited for. */
#define TIDY "trap 'echo tidy >&3; exit 7' TERM; sleep 1000 & echo ready >&3; wait"

static void
a_gentle_child_may_tidy_up(void **state)
{
	struct table *t = *state;
	char line[64];

	child_kill(start_gentle(t, TIDY));
	child_kill(t->child);
	wait_for_report(t);
	assert_true(WIFEXITED(t->status));
	assert_int_equal(WEXITSTATUS(t->status), 7);
	/* The rest of the child's group is gone with it. */
	read_all(t, line, sizeof(line));
	assert_string_equal(line, "tidy\n");
}

static void
a_gentle_child_has_a_second(void **state)
{
	struct table *t = *state;
	int64_t begin;
	char line[64];

	start_gentle(t, "trap '' TERM; echo ready >&3; sleep 1000; sleep 1000");
	begin = clock_ms();
	child_kill(t->child);
	wait_for_report(t);
	assert_true(WIFSIGNALED(t->status));
	assert_int_equal(WTERMSIG(t->status), SIGKILL);
	/* The loop's clock is a coarse one. */
	assert_true(clock_ms() - begin >= GENTLE_END_MAX_MS - 50);
	read_all(t, line, sizeof(line));
	assert_string_equal(line, "");
}

static void
the_end_lets_gentle_ones_tidy_up(void **state)
{
	struct table *t = *state;
	char line[64];

	start_shell(t, "sleep 1000");
	start_gentle(t, TIDY);
	start_gentle(t, "trap '' TERM; echo ready >&3; sleep 1000; sleep 1000");
	child_forget(start_gentle(t, TIDY));
	t->spawner = spawner_free(t->spawner);
	read_all(t, line, sizeof(line));
	assert_string_equal(line, "tidy\ntidy\n");
	assert_int_equal(t->reports, 0);
}

static void
the_end_waits_for_nobody_for_long(void **state)
{
	struct table *t = *state;
	int64_t begin = clock_ms();
	char line[64];
	pid_t pid;

	pid = child_pid(start_shell(t, "echo ready >&3; sleep 1000"));
	read_line(t, line, sizeof(line));
	asleep = true;
	t->spawner = spawner_free(t->spawner);
	asleep = false;
	assert_in_range(clock_ms() - begin, CHILDREN_END_MAX_MS, 2000);
	while (__real_waitpid(pid, NULL, 0) < 0)
		assert_int_equal(errno, EINTR);
}

static void
the_end_kills_those_that_run(void **state)
{
	struct table *t = *state;
	char line[64];

	start_shell(t, "sleep 1000 & echo ready >&3; wait");
	read_line(t, line, sizeof(line));
	t->spawner = spawner_free(t->spawner);
	read_all(t, line, sizeof(line));
	assert_string_equal(line, "");
	assert_int_equal(t->reports, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(a_kill_reaches_those_that_left),
		TEST(an_exit_takes_those_that_left),
		TEST(others_keep_what_they_started),
		TEST(the_end_reaches_those_that_moved),
		TEST(a_gentle_child_may_tidy_up),
		TEST(a_gentle_child_has_a_second),
		TEST(the_end_lets_gentle_ones_tidy_up),
		TEST(the_end_waits_for_nobody_for_long),
		TEST(the_end_kills_those_that_run),
	};

	if (argc > 1 && strcmp(argv[1], "--move") == 0)
		move_away();
	return cmocka_run_group_tests_name("agent/spawn-kill", tests, NULL,
	    NULL);
}
