/* SPDX-License-Identifier: BSD-2-Clause */
#include "prompt/asker.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/text.h"
#include "tests/cmocka-all.h"

#define LITERAL(s) bytes_of(s, sizeof(s))

static void
finds_the_host_of_ssh(void **state)
{
	const struct {
		struct bytes arguments;
		const char *want;
	} cases[] = {
	    {LITERAL("ssh\0host"), "host"},
	    {LITERAL("ssh\0-4Av\0me@host\0ls\0-l"), "me@host"},
	    {LITERAL("ssh\0-p\0002222\0host"), "host"},
	    {LITERAL("ssh\0-p2222\0-oUser=me\0host\0git-upload-pack 'x'"),
		"host"},
	    {LITERAL("ssh\0-o\0SendEnv=GIT\0git@host\0git-upload-pack 'x'"),
		"git@host"},
	    {LITERAL("ssh\0-vp\00022\0host"), "host"},
	    {LITERAL("ssh\0-v\0--\0host"), "host"},
	    {LITERAL("ssh\0-x\0-s\0--\0host\0sftp"), "host"},
	    {LITERAL("ssh\0-V"), ""},
	    {LITERAL("ssh\0-l"), ""},
	    {LITERAL("ssh"), ""},
	    {BYTES_NONE, ""},
	    /* Cut off by the limit. */
	    {bytes_of("ssh\0hos", 7), "hos"},
	    {bytes_of("ssh\0-l\0m", 8), ""},
	    {bytes_of("ss", 2), ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes got = asker_ssh_host(cases[i].arguments);

		if (!bytes_is(got, cases[i].want))
			fail_msg("case %zu: %.*s, not %s", i, (int)got.len,
			    (const char *)got.p, cases[i].want);
	}
}

static void
names_all_and_the_one(void **state)
{
	const struct {
		struct asker asker;
		const char *line, *program;
	} cases[] = {
	    {{.pid = 0}, "", ""},
	    {{.pid = 7, .n = 1, .names = {"sftp"}}, "asked for by sftp (pid 7)",
		"sftp"},
	    {{.pid = 7, .n = 2, .names = {"ssh to h", "bash"}},
		"asked for by ssh to h, bash (pid 7)", "ssh to h"},
	    {{.pid = 7, .n = 3, .names = {"ssh to h", "git", "zsh"}},
		"asked for by ssh to h, git, zsh (pid 7)", "git (ssh to h)"},
	    {{.pid = 7, .n = 2, .names = {"ssh-keygen", "git"}},
		"asked for by ssh-keygen, git (pid 7)", "git (ssh-keygen)"},
	    {{.pid = 7, .n = 2, .names = {"ansible", "python3"}},
		"asked for by ansible, python3 (pid 7)", "ansible"},
	};
	char out[ASKER_LINE_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct asker *a = &cases[i].asker;

		assert_string_equal(
		    asker_line(a, out, sizeof(out)), cases[i].line);
		assert_string_equal(
		    asker_program(a, out, sizeof(out)), cases[i].program);
		/* Cut, and not more. */
		assert_true(strlen(asker_line(a, out, 10)) < 10);
		assert_true(strlen(asker_program(a, out, 3)) < 3);
	}
}

/* A process of the first name starts one of the second, and so on. */
static void
be_chain(const char *const *name, int fd)
{
	pid_t pid = 0;

	for (; *name != NULL && pid == 0; name++) {
		prctl(PR_SET_NAME, *name);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (name[1] != NULL)
			pid = fork();
	}
	if (pid != 0)
		_exit(waitpid(pid, NULL, 0) < 0);
	pid = getpid();
	if (write(fd, &pid, sizeof(pid)) == sizeof(pid))
		pause();
	_exit(1);
}

static void
reads_real_processes(void **state)
{
	static const char *const chain[] = {
	    "no (1) more", "bash", "systemd", "gi\t)t", "gi\t)t", "me", NULL};
	char line[ASKER_LINE_BYTES], want[ASKER_LINE_BYTES];
	struct asker a;
	pid_t first, last;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_true((first = fork()) >= 0);
	if (first == 0)
		be_chain(chain, fds[1]);
	assert_int_equal(read(fds[0], &last, sizeof(last)), sizeof(last));
	asker_read(&a, last);
	snprintf(want, sizeof(want), "asked for by me, gi?)t, bash (pid %ld)",
	    (long)last);
	assert_string_equal(asker_line(&a, line, sizeof(line)), want);
	assert_string_equal(asker_program(&a, line, sizeof(line)), "me");

	assert_int_equal(kill(first, SIGKILL), 0);
	assert_int_equal(waitpid(first, NULL, 0), first);
	asker_read(&a, first);
	assert_string_equal(asker_line(&a, line, sizeof(line)), "");
	asker_read(&a, 0);
	assert_string_equal(asker_line(&a, line, sizeof(line)), "");
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_the_host_of_ssh),
	    cmocka_unit_test(names_all_and_the_one),
	    cmocka_unit_test(reads_real_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
