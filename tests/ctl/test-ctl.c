/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of p11-agentctl itself; its path is argv[1]. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/cmocka-all.h"

enum { ARGS_MAX = 20, OUTPUT_BYTES = 8192 };

/* Its exit code; what it prints on both outputs is in out, whole. */
static int
run(const char *program, const char *words, char out[static OUTPUT_BYTES])
{
	char copy[256], name[] = "p11-agentctl";
	char *argv[ARGS_MAX + 2] = {name}, *save = NULL;
	char base[] = "XDG_RUNTIME_DIR=/tmp/p11-ctl-XXXXXX";
	char *folder = strchr(base, '/');
	char *const envp[] = {base, (char[]){"HOME=/nowhere"},
	    (char[]){"POSIXLY_CORRECT=1"}, NULL};
	posix_spawn_file_actions_t actions;
	int n = 1, ends[2], status;
	size_t len = 0;
	ssize_t got;
	pid_t pid;

	assert_non_null(mkdtemp(folder));
	snprintf(copy, sizeof(copy), "%s", words);
	for (char *w = strtok_r(copy, " ", &save); w != NULL && n <= ARGS_MAX;
	     w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
	assert_int_equal(
	    posix_spawn(&pid, program, &actions, NULL, argv, envp), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	while ((got = read(ends[0], out + len, OUTPUT_BYTES - 1 - len)) > 0)
		len += (size_t)got;
	out[len] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(rmdir(folder), 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
exits_and_says(void **state)
{
	static const struct {
		const char *words;
		int code;
		const char *says;
	} cases[] = {
	    {"", 2, "which command?"},
	    {"help", 0, "check-config [FILE]"},
	    {"--help", 0, "usage: p11-agentctl"},
	    {"status -h", 0, "usage: p11-agentctl status"},
	    {"allow --help", 0, "usage: p11-agentctl allow"},
	    {"help deny", 0, "usage: p11-agentctl deny"},
	    {"help unknown", 2, "there is no such command"},
	    {"unknown --help", 2, "there is no such command"},
	    {"help a b", 2, "too many arguments"},
	    {"allow", 2, "too few arguments"},
	    {"allow a b c", 2, "too many arguments"},
	    {"deny", 2, "too few arguments"},
	    {"export --pub", 2, "the command line is not understood"},
	    {"export --pub x --allowed-signers y", 2, "only one of"},
	    {"export --allowed-signers #x", 2, "a PRINCIPAL is one word"},
	    {"keys --pub x", 2, "only export has"},
	    {"lock --stdin", 2, "this command has no --stdin"},
	    {"allow x --json", 2, "this command has no --json"},
	    {"allow x", 3, "no p11-agent answers at /tmp/p11-ctl-"},
	    {"unlock", 3, "no p11-agent answers at /tmp/p11-ctl-"},
	    {"unlock --stdin", 3, "no p11-agent answers at /tmp/p11-ctl-"},
	    {"lock", 3, "no p11-agent answers at /tmp/p11-ctl-"},
	    {"release", 3, "no p11-agent answers at /tmp/p11-ctl-"},
	    {"watch", 3, "no p11-agent answers at /tmp/p11-ctl-"},
	    {"watch x", 2, "too many arguments"},
	    {"reload", 3, "no p11-agent answers at /tmp/p11-ctl-"},
	    {"export", 3, "no p11-agent answers at /tmp/p11-ctl-"},
	    {"--version", 0, "p11-agentctl "},
	    {"unknown", 2, "there is no such command"},
	    {"status --wrong", 2, "usage: p11-agentctl"},
	    {"status more", 2, "too many arguments"},
	    {"check-config a b", 2, "too many arguments"},
	    {"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", 2,
		"the command line is not understood"},
	    {"status -a", 2, "usage: p11-agentctl"},
	    {"status -c", 2, "only env has -s, -c"},
	    {"status -s", 2, "only env has -s"},
	    {"keys", 3, "`p11-agentctl setup`"},
	    {"env --json", 2, "this command has no --json"},
	    {"status", 3, "no p11-agent answers at /tmp/p11-ctl-"},
	    {"status -a /no/sock --json", 3,
		"no p11-agent answers at /no/sock.control: No such file"},
	    {"-a /no/sock keys", 3, "to start one there: p11-agent -a /no/sock"},
	    {"env", 3, "No such file or directory: start p11-agent first"},
	    {"-a /dev/null env -c", 3, "/dev/null: that is no socket"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[OUTPUT_BYTES];
		int code = run(*state, cases[i].words, out);

		if (code != cases[i].code || strstr(out, cases[i].says) == NULL)
			fail_msg("p11-agentctl %s: %d, %s", cases[i].words,
			    code, out);
	}
}

static void
check_width(char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		if (strlen(line) > 80)
			fail_msg("%s", line);
}

/* A help that is wider than the terminal is no help. */
static void
every_command_has_a_help(void **state)
{
	char out[OUTPUT_BYTES], all[OUTPUT_BYTES], *save = NULL;
	unsigned n = 0;

	assert_int_equal(run(*state, "help", all), 0);
	memcpy(out, all, sizeof(out));
	check_width(out);
	for (char *line = strtok_r(all, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		char name[32] = "", words[64], want[64];

		if (strncmp(line, "  ", 2) != 0 || line[2] == '-' ||
		    sscanf(line + 2, "%31[a-z-]", name) != 1)
			continue;
		snprintf(words, sizeof(words), "help %s", name);
		if (run(*state, words, out) != 0)
			fail_msg("%s: %s", words, out);
		snprintf(want, sizeof(want), "usage: p11-agentctl %s", name);
		assert_memory_equal(out, want, strlen(want));
		check_width(out);
		n++;
	}
	assert_true(n >= 11);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_prestate(exits_and_says, argv[1]),
	    cmocka_unit_test_prestate(every_command_has_a_help, argv[1]),
	};

	if (argc != 2)
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
