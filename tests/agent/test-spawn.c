/* SPDX-License-Identifier: BSD-2-Clause */
/* Children are this program again, or a shell. */
#include "agent/spawn.h"

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

#include "agent/clock.h"
#include "common/harden.h"
#include "common/limits.h"
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

static int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->agent = world_agent();
	/* There is one in a process: it buries whatever it does not know. */
	t->spawner = t->agent->spawner;
	assert_int_equal(pipe(t->fd), 0);
	*state = t;
	return 0;
}

static int
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

static void
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

static struct child *
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

static struct child *
start_shell(struct table *t, const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};

	return start(t, "/bin/sh", argv, NULL);
}

static bool
reported(void *arg)
{
	const struct table *t = arg;

	return t->reports > 0;
}

static void
wait_for_report(struct table *t)
{
	assert_true(world_run(t->agent, reported, t));
	assert_int_equal(t->reports, 1);
	t->reports = 0;
}

/* The next line of what the child writes, without its newline. */
static void
read_line(struct table *t, char *out, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && read(t->fd[0], out + n, 1) == 1 &&
	    out[n] != '\n')
		n++;
	out[n] = '\0';
}

/* Everything until its end. */
static void
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

static void
a_forgotten_child_is_killed_without_a_report(void **state)
{
	struct table *t = *state;
	struct child *c = start_shell(t, "echo ready >&3; sleep 1000");
	char line[64];
	pid_t pid = child_pid(c);

	read_line(t, line, sizeof(line));
	child_forget(c);
	/* Another one, whose report comes after that would have come. */
	read_all(t, line, sizeof(line));
	t->fd[1] = open("/dev/null", O_RDWR);
	start_shell(t, "exit 0");
	wait_for_report(t);
	world_spin(t->agent);
	assert_int_equal(t->reports, 0);
	/* It was reaped. */
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
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

/* The shell leaves a process in a session of its own, without a parent. */
#define LEAVE_ONE "setsid -f sh -c 'echo $$ >&3; exec sleep 1000'; "

static struct child *
start_foreign(struct table *t, const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	const struct spawn_options o = {
		.program = "/bin/sh", .argv = argv, .fd = t->fd[1],
		.extra_fd = -1, .foreign = true,
	};

	t->child = spawn_start(t->spawner, &o, exited, t);
	assert_non_null(t->child);
	return t->child;
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
	const char *const argv[] = {"sh", "-c", script, NULL};
	const struct spawn_options o = {
		.program = "/bin/sh", .argv = argv, .fd = t->fd[1],
		.extra_fd = -1, .gentle = true,
	};
	char line[64];

	t->child = spawn_start(t->spawner, &o, exited, t);
	assert_non_null(t->child);
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
	/* What it left in its group is gone with it. */
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
		TEST(a_kill_reaches_those_that_left),
		TEST(an_exit_takes_those_that_left),
		TEST(others_keep_what_they_started),
		TEST(the_end_reaches_those_that_moved),
		TEST(a_gentle_child_may_tidy_up),
		TEST(a_gentle_child_has_a_second),
		TEST(the_end_lets_gentle_ones_tidy_up),
		TEST(the_end_waits_for_nobody_for_long),
		TEST(many_at_once),
		TEST(the_end_kills_those_that_run),
	};

	if (argc > 1 && strcmp(argv[1], "--show") == 0)
		return show_myself();
	if (argc > 1 && strcmp(argv[1], "--move") == 0)
		move_away();
	return cmocka_run_group_tests_name("agent/spawn", tests, NULL, NULL);
}
