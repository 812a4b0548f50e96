/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notices of p11-agent-prompt (argv[1]) on a real bus, with a desktop that is
 * stood in for (argv[2]); and the user manager's environment.
 */
#include <sys/un.h>
#include <time.h>

#include "prompt/asker.h"
#include "tests/cmocka-all.h"
#include "tests/prompt/prompt-process.h"
#include "tests/prompt/script.h"
#include "tests/prompt/session-bus.h"

enum {
	/* After the daemon has hung up; and some for a slow machine. */
	END_MAX_MSEC = 2000 + 1000,
};

struct programs {
	char *prompt, *stand_in;
};

static long
now_msec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct stand_in
stand_in_of(void **state, const struct session_bus *bus, const char *kind)
{
	const struct programs *programs = *state;
	char name[32];
	char *const words[] = {programs->stand_in, name, NULL};

	snprintf(name, sizeof(name), "%s", kind);
	return stand_in_start(bus, words);
}

/* Ask for a notice with just this variable. */
static struct prompt_process
notify(void **state, char *variable, pid_t client)
{
	const struct programs *programs = *state;
	char *const envp[] = {variable, NULL};
	const struct question q = {
	    .kind = QUESTION_NOTICE,
	    .title = bytes_str("a<b"),
	    .text = bytes_str("a<b & \033[1mc may want a touch"),
	    .client_pid = (uint32_t)client,
	};
	struct prompt_process p = prompt_process_start(programs->prompt, envp);

	prompt_process_ask(&p, &q);
	return p;
}

static void
expect_answer(const struct prompt_process *p, enum answer_status status,
    const char *words)
{
	struct buffer in;
	struct answer a = prompt_process_answer(p, &in);
	char text[WIRE_TEXT_MAX_BYTES + 1];

	snprintf(text, sizeof(text), "%.*s", (int)a.text.len,
	    (const char *)a.text.p);
	if (a.status != status || strstr(text, words) == NULL)
		fail_msg("%d, %s", a.status, text);
	assert_int_equal(a.secret.len, 0);
	assert_false(a.unattended);
	buffer_clear(&in);
}

/* It ends by itself, and soon. */
static void
expect_end(struct prompt_process *p, bool by_alarm_too)
{
	long start = now_msec();
	int status;

	prompt_process_hang_up(p);
	status = prompt_process_finish(p);
	assert_in_range(now_msec() - start, 0, END_MAX_MSEC);
	if (WIFSIGNALED(status) && by_alarm_too)
		assert_int_equal(WTERMSIG(status), SIGALRM);
	else if (!WIFEXITED(status))
		fail_msg("status %d", status);
}

static void
comes_and_goes(void **state)
{
	struct session_bus bus = session_bus_start();
	struct stand_in desktop = stand_in_of(state, &bus, "notices");
	struct prompt_process p;
	char line[512], want[512], program[ASKER_LINE_BYTES];
	struct asker asker;

	asker_read(&asker, getpid());
	snprintf(want, sizeof(want),
	    "notify 0 p11-agent|p11-agent: a<b|a&lt;b &amp; ?[1mc may want a "
	    "touch, for %s|0",
	    asker_program(&asker, program, sizeof(program)));
	for (int i = 1; i <= 2; i++) {
		char closed[32];

		p = notify(state, bus.address, getpid());
		assert_string_equal(
		    next_line(desktop.out, line, sizeof(line)), want);
		expect_answer(&p, ANSWER_OK, "");
		prompt_process_hang_up(&p);
		snprintf(closed, sizeof(closed), "close %d", i);
		assert_string_equal(
		    next_line(desktop.out, line, sizeof(line)), closed);
		assert_int_equal(prompt_process_finish(&p), 0);
	}
	stand_in_stop(&desktop);
	session_bus_stop(&bus);
}

/* Nobody asked for it: no program to name. */
static void
says_just_the_text(void **state)
{
	struct session_bus bus = session_bus_start();
	struct stand_in desktop = stand_in_of(state, &bus, "notices");
	struct prompt_process p = notify(state, bus.address, 0);
	char line[512];

	assert_string_equal(next_line(desktop.out, line, sizeof(line)),
	    "notify 0 p11-agent|p11-agent: a<b|a&lt;b &amp; ?[1mc may want a "
	    "touch|0");
	expect_answer(&p, ANSWER_OK, "");
	expect_end(&p, false);
	stand_in_stop(&desktop);
	session_bus_stop(&bus);
}

static void
says_why_there_is_none(void **state)
{
	struct session_bus bus = session_bus_start();
	const struct {
		char *variable;
		const char *words;
	} cases[] = {
	    {(char[]){"A=b"}, "there is no D-Bus session"},
	    {bus.address, "org.freedesktop.Notifications"},
	    {(char[]){"DBUS_SESSION_BUS_ADDRESS=unix:path=/no/bus"},
		"no notice by D-Bus at unix:path=/no/bus: No such file"},
	    {(char[]){"XDG_RUNTIME_DIR=/nowhere"},
		"no notice by D-Bus at unix:path=/nowhere/bus: No such file"},
	    {(char[]){"DBUS_SESSION_BUS_ADDRESS=unixexec:path=/bin/false"},
		"there is no D-Bus session"},
	    {(char[]){"DBUS_SESSION_BUS_ADDRESS=unix:path=/no/bus;unixexec:"
		      "path=/bin/false"},
		"there is no D-Bus session"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct prompt_process p = notify(state, cases[i].variable, 0);

		expect_answer(&p, ANSWER_NO_WAY, cases[i].words);
		assert_int_equal(prompt_process_finish(&p), 0);
	}
	session_bus_stop(&bus);
}

/* A process with just this variable, that stays. */
static pid_t
client_start(char *variable, int *ret_out)
{
	char *const argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"},
	    (char[]){"echo up; exec sleep 1000"}, NULL};
	char *const envp[] = {variable, (char[]){"PATH=/usr/bin:/bin"}, NULL};
	pid_t pid = spawn_with_output(argv, envp, ret_out);
	char line[8];

	assert_string_equal(next_line(*ret_out, line, sizeof(line)), "up");
	return pid;
}

static void
prefers_the_clients_desktop(void **state)
{
	struct session_bus bus = session_bus_start();
	struct stand_in desktop = stand_in_of(state, &bus, "notices");
	char dead[] = "DBUS_SESSION_BUS_ADDRESS=unix:path=/no/bus";
	char *const cases[][2] = {
	    {bus.address, dead}, /* the client's, ours */
	    {dead, bus.address},
	};
	char line[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int out;
		pid_t client = client_start(cases[i][0], &out);
		struct prompt_process p = notify(state, cases[i][1], client);

		next_line(desktop.out, line, sizeof(line));
		if (strncmp(line, "notify ", 7) != 0 ||
		    strstr(line, ", for s") == NULL)
			fail_msg("%s", line);
		expect_answer(&p, ANSWER_OK, "");
		expect_end(&p, false);
		next_line(desktop.out, line, sizeof(line));
		end_process(client);
		close(out);
	}
	stand_in_stop(&desktop);
	session_bus_stop(&bus);
}

/* A desktop that hangs costs its time, and nothing more. */
static void
bears_a_desktop_that_hangs(void **state)
{
	struct session_bus bus = session_bus_start();
	struct stand_in desktop = stand_in_of(state, &bus, "deaf-notices");
	struct prompt_process p = notify(state, bus.address, 0);
	char line[512];

	next_line(desktop.out, line, sizeof(line));
	expect_end(&p, true);
	p = notify(state, bus.address, 0);
	expect_answer(&p, ANSWER_NO_WAY, "timed out");
	expect_end(&p, true);
	stand_in_stop(&desktop);

	desktop = stand_in_of(state, &bus, "stubborn-notices");
	p = notify(state, bus.address, 0);
	expect_answer(&p, ANSWER_OK, "");
	expect_end(&p, true);
	stand_in_stop(&desktop);
	session_bus_stop(&bus);
}

/* It takes the connection, and says nothing. */
static void
bears_a_bus_that_hangs(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct prompt_process p;
	char variable[192];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* Linux chooses an abstract name. */
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&at, sizeof(sa_family_t)), 0);
	assert_int_equal(
	    getsockname(fd, (struct sockaddr *)&at, &(socklen_t){sizeof(at)}),
	    0);
	assert_int_equal(listen(fd, 5), 0);
	snprintf(variable, sizeof(variable),
	    "DBUS_SESSION_BUS_ADDRESS=unix:abstract=%s", at.sun_path + 1);
	p = notify(state, variable, 0);
	close(accept(fd, NULL, NULL));
	expect_answer(&p, ANSWER_NO_WAY, "no notice");
	expect_end(&p, true);
	p = notify(state, variable, 0);
	/* Not closed: it waits for the handshake. */
	assert_true(accept(fd, NULL, NULL) >= 0);
	expect_end(&p, true);
	close(fd);
}

/* A client without display and terminal: the user manager may know one. */
static void
asks_the_user_manager(void **state)
{
	const struct programs *programs = *state;
	struct session_bus bus = session_bus_start();
	char *const words[] = {programs->stand_in, (char[]){"manager"},
	    (char[]){"DISPLAY=:55"}, (char[]){"LD_PRELOAD=/evil.so"},
	    (char[]){"LANG=sr"}, NULL};
	struct stand_in manager = stand_in_start(&bus, words);
	struct script s =
	    script_new("#!/bin/sh\n"
		       "echo \"$DISPLAY $LANG $LD_PRELOAD $SHELL\"\n");
	char askpass[128];
	const struct {
		char *client;
		const char *want;
	} cases[] = {
	    {(char[]){"SHELL=/bin/x"}, ":55 sr  /bin/x"},
	    {(char[]){"DISPLAY=:9"}, ":9 C  "},
	    {(char[]){"WAYLAND_DISPLAY=w"}, " C  "},
	    {(char[]){"GPG_TTY=/dev/pts/1"}, ":0 C  "},
	};

	snprintf(askpass, sizeof(askpass), "SSH_ASKPASS=%s", s.path);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *const envp[] = {askpass, bus.address,
		    (char[]){"DISPLAY=:0"}, (char[]){"LANG=C"}, NULL};
		int out;
		pid_t client = client_start(cases[i].client, &out);
		const struct question q = {.kind = QUESTION_PIN,
		    .client_pid = (uint32_t)client,
		    .sources = bytes_str("askpass")};
		struct prompt_process p =
		    prompt_process_start(programs->prompt, envp);
		struct buffer in;
		struct answer a;

		prompt_process_ask(&p, &q);
		a = prompt_process_answer(&p, &in);
		if (!bytes_is(a.secret, cases[i].want))
			fail_msg("case %zu: %.*s%.*s", i, (int)a.secret.len,
			    (const char *)a.secret.p, (int)a.text.len,
			    (const char *)a.text.p);
		buffer_clear(&in);
		assert_int_equal(prompt_process_finish(&p), 0);
		end_process(client);
		close(out);
	}
	script_remove(&s);
	stand_in_stop(&manager);
	session_bus_stop(&bus);
}

int
main(int argc, char **argv)
{
	struct programs programs;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_prestate(comes_and_goes, &programs),
	    cmocka_unit_test_prestate(says_just_the_text, &programs),
	    cmocka_unit_test_prestate(says_why_there_is_none, &programs),
	    cmocka_unit_test_prestate(prefers_the_clients_desktop, &programs),
	    cmocka_unit_test_prestate(bears_a_desktop_that_hangs, &programs),
	    cmocka_unit_test_prestate(bears_a_bus_that_hangs, &programs),
	    cmocka_unit_test_prestate(asks_the_user_manager, &programs),
	};

	if (argc != 3)
		return 2;
	programs = (struct programs){argv[1], argv[2]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
