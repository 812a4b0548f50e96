/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/cmocka-all.h"

static void
bind_socket(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
}

static void
chooses(void **state)
{
	char folder[] = "/tmp/p11-agent-test-XXXXXX";
	char ours[64], ours_control[64], theirs[64], fake[64], fake_control[64];
	const struct {
		const char *name;
		struct agent_path_from from;
		const char *socket, *other;
	} cases[] = {
	    {"the option wins", {"/x/sock", ours, "/run"}, "/x/sock", NULL},
	    {"a p11-agent's SSH_AUTH_SOCK", {NULL, ours, "/run"}, ours, NULL},
	    {"another agent's", {NULL, theirs, "/run"},
		"/run/p11-agent/agent.sock", theirs},
	    {"a file is no control socket", {NULL, fake, "/run"},
		"/run/p11-agent/agent.sock", fake},
	    {"nothing but the base", {NULL, NULL, "/run"},
		"/run/p11-agent/agent.sock", NULL},
	    {"nothing at all", {NULL, NULL, ""}, NULL, NULL},
	    {"another agent's alone", {NULL, theirs, ""}, NULL, theirs},
	};
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(ours, sizeof(ours), "%s/ours", folder);
	snprintf(ours_control, sizeof(ours_control), "%s/ours.control", folder);
	snprintf(theirs, sizeof(theirs), "%s/theirs", folder);
	snprintf(fake, sizeof(fake), "%s/fake", folder);
	snprintf(fake_control, sizeof(fake_control), "%s/fake.control", folder);
	bind_socket(ours_control);
	bind_socket(theirs);
	assert_non_null(f = fopen(fake_control, "w"));
	fclose(f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct agent_path got;
		bool ok = agent_path_choose(&cases[i].from, &got);
		char control[128];

		if (ok != (cases[i].socket != NULL))
			fail_msg("%s: %d", cases[i].name, ok);
		if (got.other_agent != cases[i].other)
			fail_msg("%s: other agent %s", cases[i].name,
			    got.other_agent);
		if (!ok)
			continue;
		if (strcmp(got.socket, cases[i].socket) != 0)
			fail_msg("%s: %s", cases[i].name, got.socket);
		snprintf(
		    control, sizeof(control), "%s.control", cases[i].socket);
		assert_string_equal(got.control, control);
	}
	unlink(ours_control);
	unlink(theirs);
	unlink(fake_control);
	assert_int_equal(rmdir(folder), 0);
}

static void
refuses_long_paths(void **state)
{
	char longer[AGENT_PATH_BYTES + 1];
	struct agent_path_from based = {0};
	struct agent_path got;

	(void)state;
	memset(longer, 'x', sizeof(longer));
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	assert_false(agent_path_choose(
	    &(struct agent_path_from){.option = longer}, &got));
	memcpy(based.base, longer, PATH_MAX_BYTES - 1);
	assert_false(agent_path_choose(&based, &got));
	/* The socket's fits, its control socket's does not. */
	longer[AGENT_PATH_BYTES - 1] = '\0';
	assert_false(agent_path_choose(
	    &(struct agent_path_from){.option = longer}, &got));
	assert_false(agent_path_choose(
	    &(struct agent_path_from){.ssh_auth_sock = longer}, &got));
	longer[AGENT_PATH_BYTES - 9] = '\0';
	assert_true(agent_path_choose(
	    &(struct agent_path_from){.option = longer}, &got));
}

static void
reads_the_environment(void **state)
{
	char folder[] = "/tmp/p11-agent-test-XXXXXX";
	struct agent_path_from from;

	(void)state;
	assert_non_null(mkdtemp(folder));
	setenv("SSH_AUTH_SOCK", "/a", 1);
	setenv("XDG_RUNTIME_DIR", folder, 1);
	setenv("HOME", folder, 1);
	agent_path_sources("/o", &from);
	assert_string_equal(from.option, "/o");
	assert_string_equal(from.ssh_auth_sock, "/a");
	assert_string_equal(from.base, folder);
	assert_int_equal(rmdir(folder), 0);
	setenv("SSH_AUTH_SOCK", "", 1);
	agent_path_sources(NULL, &from);
	assert_null(from.option);
	assert_null(from.ssh_auth_sock);
	assert_string_equal(from.base, "");
	assert_non_null(strstr(from.why, folder));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(chooses),
	    cmocka_unit_test(refuses_long_paths),
	    cmocka_unit_test(reads_the_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
