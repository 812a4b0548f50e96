/* SPDX-License-Identifier: BSD-2-Clause */
/* The program at the other end: real processes with names of ours. */
#include "agent/peer.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/cmocka-all.h"

static char folder[64];

static int
setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/peer-XXXXXX");
	assert_non_null(mkdtemp(folder));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(rmdir(folder), 0);
	return 0;
}

static void
copy_program(const char *from, const char *to)
{
	char part[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, part, sizeof(part))) > 0)
		assert_int_equal(write(out, part, (size_t)n), n);
	assert_int_equal(n, 0);
	close(in);
	close(out);
}

/* cat(1) under this name, which waits for the end of *ret_in. */
static pid_t
start(const char *path, int *ret_in)
{
	int in[2], out[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	if ((pid = fork()) == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(path, "cat", (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	/* An echo: it runs under its new name. */
	assert_int_equal(write(in[1], "x", 1), 1);
	assert_int_equal(read(out[0], &byte, 1), 1);
	close(in[0]);
	close(out[0]);
	close(out[1]);
	*ret_in = in[1];
	return pid;
}

static void
by_its_executable(void **state)
{
	static const struct {
		const char *name;
		enum peer_way way;
	} cases[] = {
		{"ssh", PEER_FORWARDS},
		{"sshd", PEER_FORWARDS},
		{"sshd-session", PEER_FORWARDS},
		{"sshd-auth", PEER_FORWARDS},
		{"ssh-add", PEER_LOCAL},
		{"ssh-agent", PEER_LOCAL},
		{"xssh", PEER_LOCAL},
		{"ssh2", PEER_LOCAL},
		{"ssh (deleted)", PEER_FORWARDS},
		{" (deleted)", PEER_LOCAL},
		{"cat", PEER_LOCAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[128];
		int in;
		pid_t pid;

		snprintf(path, sizeof(path), "%s/%s", folder, cases[i].name);
		copy_program("/bin/cat", path);
		pid = start(path, &in);
		if (peer_way(pid) != cases[i].way)
			fail_msg("%s: %d", cases[i].name, peer_way(pid));
		/* An update takes the file away and leaves the process. */
		assert_int_equal(unlink(path), 0);
		if (peer_way(pid) != cases[i].way)
			fail_msg("%s, removed: %d", cases[i].name,
			    peer_way(pid));
		close(in);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		/* The process has ended: nobody knows. */
		assert_int_equal(peer_way(pid), PEER_UNKNOWN);
	}
}

/* A process of sshd's shows no executable to the user it runs as. */
static void
by_its_name(void **state)
{
	static const struct {
		const char *name;
		enum peer_way way;
	} cases[] = {
		{"sshd", PEER_FORWARDS},
		{"sshd-session", PEER_FORWARDS},
		{"ssh", PEER_FORWARDS},
		{"sshd: me@pts", PEER_LOCAL},
		{"python3", PEER_LOCAL},
	};
	char own[64];

	(void)state;
	assert_int_equal(prctl(PR_GET_NAME, own), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(prctl(PR_SET_NAME, cases[i].name), 0);
		if (peer_way(getpid()) != cases[i].way)
			fail_msg("%s: %d", cases[i].name, peer_way(getpid()));
	}
	assert_int_equal(prctl(PR_SET_NAME, own), 0);
	assert_int_equal(peer_way(getpid()), PEER_LOCAL);
}

/* As it is where the system says none, or one of another namespace. */
static void
without_a_pid_nobody_knows(void **state)
{
	(void)state;
	assert_int_equal(peer_way(0), PEER_UNKNOWN);
	assert_int_equal(peer_way(-1), PEER_UNKNOWN);
}

/* A user's process that may not be looked into, seen by that user. */
static void
what_may_not_be_looked_into(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		char byte[1];

		if (getuid() == 0 && setuid(12345) != 0)
			_exit(1);
		prctl(PR_SET_NAME, "sshd");
		prctl(PR_SET_DUMPABLE, 0);
		_exit(readlink("/proc/1/exe", byte, 1) < 0 &&
		    peer_way(getpid()) == PEER_FORWARDS ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_its_executable, setup,
		    teardown),
		cmocka_unit_test(by_its_name),
		cmocka_unit_test(without_a_pid_nobody_knows),
		cmocka_unit_test(what_may_not_be_looked_into),
	};

	return cmocka_run_group_tests_name("agent/peer", tests, NULL, NULL);
}
