/* SPDX-License-Identifier: BSD-2-Clause */
/* Children are this program again, or a shell. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/harden.h"
#include "tests/agent/spawn-play.h"

/* What a child of ours sees, line by line, to fd 3. */
static int
show_myself(void)
{
	extern char **environ;
	struct rlimit files = {0}, core = {0};
	sigset_t mask;
	int death = 0, named = 0;

	getrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_CORE, &core);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	prctl(PR_GET_PDEATHSIG, &death);
	for (char **e = environ; *e != NULL; e++)
		if (strncmp(*e, "SPAWN_TEST=", 11) == 0)
			named++;
	for (int fd = 0; fd < 100; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			dprintf(3, "fd %d\n", fd);
	dprintf(3, "files %ld\n", (long)files.rlim_cur);
	dprintf(3, "core %ld\n", (long)core.rlim_cur);
	dprintf(3, "leader %d\n", getpgrp() == getpid());
	dprintf(3, "usr2 blocked %d\n", sigismember(&mask, SIGUSR2));
	dprintf(3, "usr1 blocked %d\n", sigismember(&mask, SIGUSR1));
	dprintf(3, "pipe ignored %d\n", signal(SIGPIPE, SIG_DFL) == SIG_IGN);
	dprintf(3, "hup ignored %d\n", signal(SIGHUP, SIG_DFL) == SIG_IGN);
	dprintf(3, "death %d\n", death);
	dprintf(3, "named %d %s\n", named, getenv("SPAWN_TEST") == NULL ? "" :
	    getenv("SPAWN_TEST"));
	dprintf(3, "kept %s\n", getenv("SPAWN_KEPT") == NULL ? "" :
	    getenv("SPAWN_KEPT"));
	return 0;
}

static void
reports_say_how_it_ended(void **state)
{
	struct table *t = *state;

	start_shell(t, "exit 7");
	wait_for_report(t);
	assert_true(WIFEXITED(t->status));
	assert_int_equal(WEXITSTATUS(t->status), 7);
	start_shell(t, "kill -TERM $$");
	wait_for_report(t);
	assert_true(WIFSIGNALED(t->status));
	assert_int_equal(WTERMSIG(t->status), SIGTERM);
}

static void
what_cannot_be_run(void **state)
{
	static const char *const argv[] = {"nothing", NULL};
	struct table *t = *state;

	start(t, "/nonexistent/program", argv, NULL);
	wait_for_report(t);
	assert_int_equal(WEXITSTATUS(t->status), 127);
	start(t, "/etc/passwd", argv, NULL);
	wait_for_report(t);
	assert_int_equal(WEXITSTATUS(t->status), 126);
}

static void
a_child_has_what_it_needs(void **state)
{
	static const char *const argv[] = {"test", "--show", NULL};
	static const char *const env[] = {"SPAWN_TEST=new", "SPAWN_TESTS=x",
	    NULL};
	struct table *t = *state;
	struct rlimit files, more;
	sigset_t block;
	char seen[2048], want[512];

	/* As main.c does, and then as libraries may do while it runs. */
	assert_null(harden_process());
	spawner_free(t->spawner);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	assert_int_equal(sigprocmask(SIG_SETMASK, &block, NULL), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	t->spawner = spawner_new(t->agent->base);
	assert_non_null(t->spawner);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_DFL);
	more = files;
	more.rlim_cur--;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &more), 0);
	sigaddset(&block, SIGUSR2);
	assert_int_equal(sigprocmask(SIG_SETMASK, &block, NULL), 0);
	assert_int_equal(setenv("SPAWN_TEST", "old", 1), 0);
	assert_int_equal(setenv("SPAWN_KEPT", "yes", 1), 0);
	start(t, "/proc/self/exe", argv, env);
	sigemptyset(&block);
	assert_int_equal(sigprocmask(SIG_SETMASK, &block, NULL), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	read_all(t, seen, sizeof(seen));
	snprintf(want, sizeof(want), "fd 0\nfd 1\nfd 2\nfd 3\nfiles %ld\n"
	    "core 0\nleader 1\nusr2 blocked 0\nusr1 blocked 1\n"
	    "pipe ignored 0\nhup ignored 1\ndeath %d\nnamed 1 new\nkept yes\n",
	    (long)files.rlim_cur, SIGKILL);
	assert_string_equal(seen, want);
	wait_for_report(t);
}

static void
a_child_may_get_a_second_file(void **state)
{
	static const char *const argv[] = {"sh", "-c",
	    "echo three >&3; echo four >&4; read x <&0 || echo no input >&3",
	    NULL};
	struct table *t = *state;
	struct spawn_options o = {
		.program = "/bin/sh", .argv = argv, .fd = t->fd[1],
	};
	char seen[64];
	int second[2];

	assert_int_equal(pipe(second), 0);
	o.extra_fd = second[1];
	t->child = spawn_start(t->spawner, &o, exited, t);
	assert_non_null(t->child);
	close(second[1]);
	read_all(t, seen, sizeof(seen));
	assert_string_equal(seen, "three\nno input\n");
	assert_int_equal(read(second[0], seen, sizeof(seen)), 5);
	assert_memory_equal(seen, "four\n", 5);
	close(second[0]);
	wait_for_report(t);
	assert_int_equal(t->status, 0);
}

/* The numbers that the child wants may be ours for something else. */
static void
files_may_have_each_others_numbers(void **state)
{
	static const char *const argv[] = {"sh", "-c",
	    "echo three >&3; echo four >&4", NULL};
	struct table *t = *state;
	int three[2], four[2], keep3 = dup(3), keep4 = dup(4);
	struct spawn_options o = {
		.program = "/bin/sh", .argv = argv, .fd = 4, .extra_fd = 3,
	};
	char seen[16] = "";

	assert_int_equal(pipe(three), 0);
	assert_int_equal(pipe(four), 0);
	assert_int_equal(dup2(three[1], 4), 4);
	assert_int_equal(dup2(four[1], 3), 3);
	t->child = spawn_start(t->spawner, &o, exited, t);
	assert_non_null(t->child);
	if (keep3 >= 0)
		dup2(keep3, 3);
	if (keep4 >= 0)
		dup2(keep4, 4);
	assert_int_equal(read(three[0], seen, sizeof(seen)), 6);
	assert_memory_equal(seen, "three\n", 6);
	assert_int_equal(read(four[0], seen, sizeof(seen)), 5);
	assert_memory_equal(seen, "four\n", 5);
	for (int i = 0; i < 2; i++) {
		close(three[i]);
		close(four[i]);
	}
	close(keep3);
	close(keep4);
	wait_for_report(t);
}

/* All of a group hold the pipe's other end: its end is theirs. */
static void
a_kill_reaches_the_whole_group(void **state)
{
	struct table *t = *state;
	char line[64];

	start_shell(t, "sleep 1000 & echo ready >&3; wait");
	read_line(t, line, sizeof(line));
	assert_string_equal(line, "ready");
	child_kill(t->child);
	wait_for_report(t);
	assert_int_equal(WTERMSIG(t->status), SIGKILL);
	read_all(t, line, sizeof(line));
	assert_string_equal(line, "");
}

/* What a child leaves behind in its group goes with it. */
static void
an_exit_takes_the_group_along(void **state)
{
	struct table *t = *state;
	char line[64];

	start_shell(t, "sleep 1000 & echo ready >&3; exit 0");
	read_line(t, line, sizeof(line));
	assert_string_equal(line, "ready");
	wait_for_report(t);
	assert_int_equal(t->status, 0);
	read_all(t, line, sizeof(line));
	assert_string_equal(line, "");
}

/* Is it gone when `killed` is called? */
struct victim {
	pid_t pid;
	bool told, gone;
};

static void
killed(void *arg)
{
	struct victim *v = arg;

	v->told = true;
	v->gone = kill(v->pid, 0) != 0 && errno == ESRCH;
}

static bool
victim_told(void *arg)
{
	const struct victim *v = arg;

	return v->told;
}

static void
a_forgotten_child_is_killed_without_a_report(void **state)
{
	struct table *t = *state;
	struct child *c = start_shell(t, "echo ready >&3; sleep 1000");
	struct victim v = {.pid = child_pid(c)};
	char line[64];

	read_line(t, line, sizeof(line));
	child_forget(c);
	spawner_when_killed(t->spawner, killed, &v);
	assert_true(world_run(t->agent, victim_told, &v));
	/* The child was reaped. */
	assert_true(v.gone);
	world_spin(t->agent);
	assert_int_equal(t->reports, 0);
}

static void
it_is_told_when_those_killed_are_gone(void **state)
{
	struct table *t = *state;
	struct child *c = start_shell(t, "sleep 1000");
	struct victim v = {.pid = child_pid(c)}, nobody = {0};

	/* A child that runs on is not waited for. */
	spawner_when_killed(t->spawner, killed, &nobody);
	assert_true(nobody.told);
	child_forget(c);
	spawner_when_killed(t->spawner, killed, &v);
	assert_false(v.told);
	assert_true(world_run(t->agent, victim_told, &v));
	assert_true(v.gone);
	/* Once only; and not any more when nobody wants to know. */
	v.told = false;
	child_forget(start_shell(t, "sleep 1000"));
	spawner_when_killed(t->spawner, killed, &v);
	spawner_when_killed(t->spawner, NULL, NULL);
	start_shell(t, "exit 0");
	wait_for_report(t);
	world_spin(t->agent);
	assert_false(v.told);
}

static void
a_report_may_forget_others(void **state)
{
	struct table *t = *state;
	char line[64];

	t->forget = start_shell(t, "echo ready >&3; sleep 1000");
	read_line(t, line, sizeof(line));
	start_shell(t, "exit 0");
	wait_for_report(t);
	assert_null(t->forget);
	read_all(t, line, sizeof(line));
	world_spin(t->agent);
	assert_int_equal(t->reports, 0);
}

static void
many_at_once(void **state)
{
	struct table *t = *state;

	for (int i = 0; i < 40; i++)
		start_shell(t, "exit 0");
	for (int i = 0; i < 1000 && t->reports < 40; i++)
		event_base_loop(t->agent->base, EVLOOP_ONCE);
	assert_int_equal(t->reports, 40);
	t->reports = 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(reports_say_how_it_ended),
		TEST(what_cannot_be_run),
		TEST(a_child_has_what_it_needs),
		TEST(a_child_may_get_a_second_file),
		TEST(files_may_have_each_others_numbers),
		TEST(a_kill_reaches_the_whole_group),
		TEST(an_exit_takes_the_group_along),
		TEST(a_forgotten_child_is_killed_without_a_report),
		TEST(it_is_told_when_those_killed_are_gone),
		TEST(a_report_may_forget_others),
		TEST(many_at_once),
	};

	if (argc > 1 && strcmp(argv[1], "--show") == 0)
		return show_myself();
	return cmocka_run_group_tests_name("agent/spawn", tests, NULL, NULL);
}
