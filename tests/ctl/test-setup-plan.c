/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps of `p11-agentctl setup`, for both service managers. */
#include "ctl/setup-plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/setup-owner.h"
#include "tests/cmocka-all.h"

static const struct setup_place somewhere = {
	.home = "/home/u",
	.config = "/home/u/.config",
	.socket = "/run/user/7/p11-agent/agent.sock",
	.shell = "/bin/bash",
	.bash_file = ".profile",
	.zsh = "/home/u",
	.manager = "/run/user/7/p11-agent/agent.sock",
	.agent = "/opt/<&>/p11-agent",
	.plist = "<a>@PROGRAM@</a><b>@SOCKET@.control</b><c>@LOG@</c>@X@",
	.uid = 7,
};

/* The step with this file; NULL: none. */
static const struct setup_step *
find_file(const struct setup_plan *p, const char *path)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].path != NULL &&
		    strcmp(p->steps[i].path, path) == 0)
			return &p->steps[i];
	return NULL;
}

/* Is there a command, or an undo, of these words? */
static bool
has_words(const struct setup_plan *p, bool undo, const char *want)
{
	for (size_t i = 0; i < p->n; i++) {
		char *const *words = undo ? p->steps[i].undo :
					    p->steps[i].words;
		char line[256] = "";

		for (size_t w = 0; words[w] != NULL; w++)
			snprintf(line + strlen(line),
			    sizeof(line) - strlen(line), "%s%s",
			    w == 0 ? "" : " ", words[w]);
		if (strcmp(line, want) == 0)
			return true;
	}
	return false;
}

static void
each_shell_has_its_file(void **state)
{
	const struct {
		const char *shell;
		const char *bash_file, *file;
	} cases[] = {
		{"/bin/bash", ".profile", "/home/u/.profile"},
		{"/bin/bash", ".bash_login", "/home/u/.bash_login"},
		{"/bin/sh", ".bash_profile", "/home/u/.profile"},
		{"", ".profile", "/home/u/.profile"},
		{"/usr/bin/zsh", ".bash_profile", "/home/u/.zprofile"},
		{"/usr/bin/fish", ".profile",
		    "/home/u/.config/fish/conf.d/p11-agent.fish"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct setup_place at = somewhere;
		struct setup_plan p = {0};

		at.shell = cases[i].shell;
		at.bash_file = cases[i].bash_file;
		setup_plan_systemd(&p, &at);
		assert_false(p.failed);
		print_message("%s\n", cases[i].file);
		assert_non_null(find_file(&p, cases[i].file));
		setup_plan_clear(&p);
	}
}

static void
systemd_has_all_it_needs(void **state)
{
	struct setup_plan p = {0};

	(void)state;
	setup_plan_systemd(&p, &somewhere);
	assert_false(p.failed);
	assert_non_null(find_file(&p,
	    "/home/u/.config/environment.d/90-p11-agent.conf"));
	assert_non_null(find_file(&p, "/home/u/.config/systemd/user/"
	    "p11-agent.socket.d/ssh-auth-sock.conf"));
	assert_true(has_words(&p, false,
	    "systemctl --user enable --now p11-agent.socket"));
	assert_true(has_words(&p, false, "systemctl --user set-environment "
	    "SSH_AUTH_SOCK=/run/user/7/p11-agent/agent.sock"));
	assert_true(has_words(&p, true, "systemctl --user disable --now "
	    "p11-agent.socket p11-agent-control.socket p11-agent.service"));
	assert_true(has_words(&p, true,
	    "systemctl --user unset-environment SSH_AUTH_SOCK"));
	/* Taken back from the end, the manager reads its files anew last. */
	assert_string_equal(p.steps[0].undo[2], "daemon-reload");
	setup_plan_clear(&p);
}

/* Whatever the shell was at the time of the setup. */
static void
undo_looks_at_all_shells(void **state)
{
	static const char *const files[] = {"/home/u/.profile",
	    "/home/u/.bash_profile", "/home/u/.bash_login", "/z/.zprofile",
	    "/home/u/.config/fish/conf.d/p11-agent.fish"};
	struct setup_place at = somewhere;
	struct setup_plan p = {0};

	(void)state;
	at.undo = true;
	at.zsh = "/z";
	setup_plan_systemd(&p, &at);
	assert_false(p.failed);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		print_message("%s\n", files[i]);
		assert_non_null(find_file(&p, files[i]));
	}
	setup_plan_clear(&p);
}

/* The manager's variable may be another agent's by now. */
static void
undo_leaves_what_is_not_ours(void **state)
{
	static const char *const others[] = {NULL, "/run/user/7/gcr/ssh"};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct setup_place at = somewhere;
		struct setup_plan p = {0};

		at.manager = others[i];
		setup_plan_systemd(&p, &at);
		assert_false(has_words(&p, true,
		    "systemctl --user unset-environment SSH_AUTH_SOCK"));
		setup_plan_clear(&p);
		setup_plan_launchd(&p, &at);
		assert_false(has_words(&p, true,
		    "launchctl unsetenv SSH_AUTH_SOCK"));
		setup_plan_clear(&p);
	}
}

static void
launchd_has_all_it_needs(void **state)
{
	struct setup_plan p = {0};
	const struct setup_step *s;

	(void)state;
	setup_plan_launchd(&p, &somewhere);
	assert_false(p.failed);
	s = find_file(&p, "/home/u/Library/LaunchAgents/org.p11-agent.plist");
	assert_non_null(s);
	assert_string_equal(s->text, "<a>/opt/&lt;&amp;&gt;/p11-agent</a>"
	    "<b>/run/user/7/p11-agent/agent.sock.control</b>"
	    "<c>/home/u/Library/Logs/p11-agent.log</c>@X@");
	s = find_file(&p, "/home/u/.ssh/config");
	assert_non_null(s);
	assert_int_equal(s->kind, SETUP_TOP);
	assert_string_equal(s->text, "Include ~/.ssh/p11-agent.conf\n");
	assert_true(has_words(&p, false, "launchctl bootstrap gui/7 "
	    "/home/u/Library/LaunchAgents/org.p11-agent.plist"));
	assert_true(has_words(&p, true,
	    "launchctl bootout gui/7/org.p11-agent"));
	assert_true(has_words(&p, false, "launchctl setenv SSH_AUTH_SOCK "
	    "/run/user/7/p11-agent/agent.sock"));
	setup_plan_clear(&p);
}

/* What real ssh makes of the config for macOS: "identityagent …" or "". */
static void
ask_ssh(const char *config, const char *connection, char *out, size_t size)
{
	char path[] = "/tmp/p11-agent-test-XXXXXX", command[256];
	int fd = mkstemp(path);
	FILE *f;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, config, strlen(config)),
	    (ssize_t)strlen(config));
	close(fd);
	snprintf(command, sizeof(command), "SSH_CONNECTION=%s HOME=/home/u "
	    "SHELL=/bin/sh ssh -F %s -G host | grep identityagent",
	    connection, path);
	assert_non_null(f = popen(command, "r"));
	out[fread(out, 1, size - 1, f)] = '\0';
	pclose(f);
	unlink(path);
}

static void
ssh_asks_us_unless_an_agent_was_forwarded(void **state)
{
	struct setup_plan p = {0};
	const struct setup_step *s;
	char out[128];

	(void)state;
	if (system("ssh -V 2>/dev/null") != 0)
		skip();
	setup_plan_launchd(&p, &somewhere);
	s = find_file(&p, "/home/u/.ssh/p11-agent.conf");
	assert_non_null(s);
	ask_ssh(s->text, "", out, sizeof(out));
	assert_non_null(strstr(out, "/.p11-agent/agent.sock"));
	ask_ssh(s->text, "'1.2.3.4 5 6.7.8.9 22'", out, sizeof(out));
	assert_string_equal(out, "");
	setup_plan_clear(&p);
}

static void
owners_are_known_by_their_paths(void **state)
{
	const struct {
		const char *socket, *owner;
	} cases[] = {
		{"/run/user/7/p11-agent/agent.sock", "p11-agent"},
		{"/run/user/7/gcr/ssh", "gcr-ssh-agent"},
		{"/run/user/7/keyring/ssh", "gnome-keyring"},
		{"/run/user/7/gnupg/S.gpg-agent.ssh", "gpg-agent"},
		{"/run/user/7/openssh_agent", "user service"},
		{"/tmp/ssh-XXXXlbkEEv/agent.4711", "OpenSSH"},
		{"/private/tmp/com.apple.launchd.x/Listeners", "Apple"},
		{"/somewhere/else", "not known"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_non_null(strstr(setup_owner_of(cases[i].socket).name,
		    cases[i].owner));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_shell_has_its_file),
		cmocka_unit_test(systemd_has_all_it_needs),
		cmocka_unit_test(undo_looks_at_all_shells),
		cmocka_unit_test(undo_leaves_what_is_not_ours),
		cmocka_unit_test(launchd_has_all_it_needs),
		cmocka_unit_test(ssh_asks_us_unless_an_agent_was_forwarded),
		cmocka_unit_test(owners_are_known_by_their_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
