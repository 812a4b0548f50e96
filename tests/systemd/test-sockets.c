/* SPDX-License-Identifier: BSD-2-Clause */
/* Passed sockets get the numbers from 3 on, so each case has a process. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/service.h"
#include "tests/cmocka-all.h"

enum { WHY_BYTES = 512, FIRST_FD = 3 };

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "%s\n", what);
	_exit(1);
}

#define MUST(condition) must((condition), #condition)

/* L: listening, S: not listening, D: datagram, I: internet, P: a pipe. */
static int
make_fd(char kind)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int pipes[2], fd;

	if (kind == 'P') {
		MUST(pipe(pipes) == 0);
		return pipes[0];
	}
	fd = socket(kind == 'I' ? AF_INET : AF_UNIX,
	    kind == 'D' ? SOCK_DGRAM : SOCK_STREAM, 0);
	MUST(fd >= 0);
	/* Autobind: a name that is in no folder. */
	if (kind == 'L')
		MUST(bind(fd, (const struct sockaddr *)&addr,
		    sizeof(addr.sun_family)) == 0 && listen(fd, 1) == 0);
	return fd;
}

static void
pass(const char *kinds)
{
	int fds[8];
	size_t n = strlen(kinds);

	for (size_t i = 0; i < n; i++)
		fds[i] = fcntl(make_fd(kinds[i]), F_DUPFD, 50);
	for (size_t i = 0; i < n; i++)
		MUST(dup2(fds[i], FIRST_FD + (int)i) >= 0);
}

static void
set(const char *name, const char *value)
{
	if (value == NULL)
		unsetenv(name);
	else
		setenv(name, value, 1);
}

static const struct passing {
	const char *name;
	const char *kinds; /* what is passed, from fd 3 on */
	const char *pid;   /* "": ours */
	const char *count;
	const char *names;
	int agent, control; /* what is taken; -1: none */
	const char *why;    /* part of the refusal; NULL: none */
} passings[] = {
	{"nobody", "", NULL, NULL, NULL, -1, -1, NULL},
	{"no pid", "L", NULL, "1", "agent", -1, -1, NULL},
	{"another's", "L", "1", "1", "agent", -1, -1, NULL},
	{"none", "", "", "0", "", -1, -1, NULL},
	{"both", "LL", "", "2", "agent:control", 3, 4, NULL},
	{"the other way round", "LL", "", "2", "control:agent", 4, 3, NULL},
	{"agent alone", "L", "", "1", "agent", 3, -1, NULL},
	{"one unnamed", "L", "", "1", NULL, 3, -1, NULL},
	{"one of another name", "L", "", "1", "unknown", 3, -1, NULL},
	{"control alone", "L", "", "1", "control", -1, -1, "without"},
	{"two unnamed", "LL", "", "2", NULL, -1, -1, "it must call"},
	{"names run out", "LL", "", "2", "control", -1, -1, "it must call"},
	{"longer name", "LL", "", "2", "agents:control", -1, -1, "agents"},
	{"twice", "LL", "", "2", "agent:agent", -1, -1, "it must call"},
	{"not listening", "S", "", "1", "agent", -1, -1, "fd 3"},
	{"datagram", "LD", "", "2", "agent:control", -1, -1, "fd 4"},
	{"internet", "I", "", "1", "agent", -1, -1, "fd 3"},
	{"pipe", "P", "", "1", "agent", -1, -1, "fd 3"},
	{"no fd", "L", "", "2", "agent:control", -1, -1, "fd 4"},
	{"no number", "L", "", "x", "agent", -1, -1, "LISTEN_FDS"},
	{"number and more", "L", "", "1 ", "agent", -1, -1, "LISTEN_FDS"},
	{"negative", "L", "", "-1", "agent", -1, -1, "LISTEN_FDS"},
	{"too many", "L", "", "65", "agent", -1, -1, "LISTEN_FDS"},
	{"far too many", "L", "", "99999999999999999999", "agent", -1, -1,
	    "LISTEN_FDS"},
};

static bool
is_prepared(int fd)
{
	return fd < 0 || ((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 &&
	    (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
}

static _Noreturn void
take(const struct passing *p)
{
	struct service_sockets s;
	char why[WHY_BYTES] = "", own[24];

	pass(p->kinds);
	snprintf(own, sizeof(own), "%ld", (long)getpid());
	set("LISTEN_PID", p->pid != NULL && p->pid[0] == '\0' ? own : p->pid);
	set("LISTEN_FDS", p->count);
	set("LISTEN_FDNAMES", p->names);
	MUST(service_take_sockets(&s, why, sizeof(why)) == (p->why == NULL));
	MUST(s.agent == p->agent);
	MUST(s.control == p->control);
	MUST(is_prepared(s.agent) && is_prepared(s.control));
	if (p->why != NULL)
		MUST(strstr(why, p->why) != NULL);
	MUST(getenv("LISTEN_PID") == NULL);
	MUST(getenv("LISTEN_FDS") == NULL);
	MUST(getenv("LISTEN_FDNAMES") == NULL);
	_exit(0);
}

static void
each_passing(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < sizeof(passings) / sizeof(passings[0]); i++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			take(&passings[i]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status != 0)
			fail_msg("%s", passings[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_passing),
	};

	return cmocka_run_group_tests_name("systemd/sockets", tests, NULL,
	    NULL);
}
