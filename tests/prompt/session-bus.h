/* SPDX-License-Identifier: BSD-2-Clause */
/* A D-Bus of its own for a test, with one service stood in for. */
#ifndef P11_AGENT_TESTS_PROMPT_SESSION_BUS_H
#define P11_AGENT_TESTS_PROMPT_SESSION_BUS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "tests/prompt/prompt-process.h"

struct session_bus {
	char folder[64];
	char address[128]; /* "DBUS_SESSION_BUS_ADDRESS=…" */
	pid_t daemon;
};

struct stand_in {
	pid_t pid;
	int out; /* what it writes down */
};

/*
 * Start a program whose standard output is read from *ret_out. A test that
 * fails leaves nothing running.
 */
static inline pid_t
spawn_with_output(char *const *argv, char *const *envp, int *ret_out)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], STDOUT_FILENO);
		execvpe(argv[0], argv, envp);
		_exit(127);
	}
	close(ends[1]);
	*ret_out = ends[0];
	return pid;
}

static inline void
end_process(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* One line, without its end; "" at the end. */
static inline const char *
next_line(int fd, char *line, size_t size)
{
	size_t len = 0;

	while (len + 1 < size && read_some(fd, line + len, 1) == 1 &&
	       line[len] != '\n')
		len++;
	line[len] = '\0';
	return line;
}

/* Without the system's own services, which a call would start. */
static inline void
write_bus_config(const char *path, const char *folder)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f,
	    "<busconfig><type>session</type>"
	    "<listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>"
	    "<policy context=\"default\"><allow eavesdrop=\"true\"/>"
	    "<allow send_destination=\"*\" eavesdrop=\"true\"/>"
	    "<allow own=\"*\"/></policy></busconfig>\n",
	    folder);
	assert_int_equal(fclose(f), 0);
}

static inline struct session_bus
session_bus_start(void)
{
	struct session_bus b = {.folder = "/tmp/p11-agent-test-XXXXXX"};
	char config[96], option[128], line[256];
	char *const argv[] = {(char[]){"dbus-daemon"}, option,
	    (char[]){"--nofork"}, (char[]){"--nopidfile"},
	    (char[]){"--nosyslog"}, (char[]){"--print-address=1"}, NULL};
	char *const envp[] = {NULL};
	int out;

	assert_non_null(mkdtemp(b.folder));
	snprintf(config, sizeof(config), "%s/config", b.folder);
	snprintf(option, sizeof(option), "--config-file=%s", config);
	write_bus_config(config, b.folder);
	b.daemon = spawn_with_output(argv, envp, &out);
	/* It listens once it says where. */
	next_line(out, line, sizeof(line));
	assert_memory_equal(line, "unix:path=", 10);
	close(out);
	snprintf(b.address, sizeof(b.address),
	    "DBUS_SESSION_BUS_ADDRESS=unix:path=%s/bus", b.folder);
	return b;
}

static inline void
session_bus_stop(const struct session_bus *b)
{
	char path[96];

	end_process(b->daemon);
	snprintf(path, sizeof(path), "%s/bus", b->folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/config", b->folder);
	unlink(path);
	assert_int_equal(rmdir(b->folder), 0);
}

/* words[0] is the program stand-in. */
static inline struct stand_in
stand_in_start(const struct session_bus *b, char *const *words)
{
	char address[128], line[64];
	char *const envp[] = {address, NULL};
	struct stand_in s;

	memcpy(address, b->address, sizeof(address));
	s.pid = spawn_with_output(words, envp, &s.out);
	assert_string_equal(next_line(s.out, line, sizeof(line)), "ready");
	return s;
}

static inline void
stand_in_stop(const struct stand_in *s)
{
	end_process(s->pid);
	close(s->out);
}

#endif
