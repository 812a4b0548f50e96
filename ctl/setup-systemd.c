/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SSH_AUTH_SOCK comes to a process in one of two ways: from the user manager,
 * whose services the programs of a desktop are, or from a login shell. Both
 * are told. Of several agents that set it in the manager the last one wins:
 * our socket is started behind the others.
 */
#include "ctl/setup-steps.h"

#include <stdlib.h>
#include <string.h>

#define MADE_BY "# Made by `p11-agentctl setup`; `setup --undo` removes it.\n"

static const char environment_d[] = MADE_BY
    "SSH_AUTH_SOCK=${XDG_RUNTIME_DIR}/p11-agent/agent.sock\n";

static const char drop_in[] = MADE_BY
    "[Unit]\n"
    "After=gcr-ssh-agent.socket gpg-agent-ssh.socket ssh-agent.socket "
    "ssh-agent.service\n"
    "\n"
    "[Socket]\n"
    "ExecStartPost=-systemctl --user set-environment "
    "SSH_AUTH_SOCK=%t/p11-agent/agent.sock\n"
    "ExecStopPost=-systemctl --user unset-environment SSH_AUTH_SOCK\n";

/*
 * A login over SSH keeps the agent that came with it. In a base that others may
 * write to, somebody else's folder or socket may stand in for ours.
 */
static const char profile[] =
    "# p11-agent: `p11-agentctl setup --undo` takes these lines out again.\n"
    "if [ -z \"$SSH_CONNECTION\" ] || [ ! -S \"$SSH_AUTH_SOCK\" ]; then\n"
    "\tp11_agent=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/p11-agent\n"
    "\tif [ -O \"$p11_agent/..\" ] && [ -O \"$p11_agent\" ] &&\n"
    "\t    [ -S \"$p11_agent/agent.sock\" ] &&\n"
    "\t    [ -O \"$p11_agent/agent.sock\" ]; then\n"
    "\t\texport SSH_AUTH_SOCK=\"$p11_agent/agent.sock\"\n"
    "\tfi\n"
    "\tunset p11_agent\n"
    "fi\n";

static const char fish[] = MADE_BY
    "if test -z \"$SSH_CONNECTION\"; or not test -S \"$SSH_AUTH_SOCK\"\n"
    "\tset -l p11_agent \"$XDG_RUNTIME_DIR/p11-agent\"\n"
    "\ttest -n \"$XDG_RUNTIME_DIR\"\n"
    "\tor set p11_agent /run/user/(id -u)/p11-agent\n"
    "\tif test -O \"$p11_agent/..\"; and test -O \"$p11_agent\"\n"
    "\t\tand test -S \"$p11_agent/agent.sock\"\n"
    "\t\tand test -O \"$p11_agent/agent.sock\"\n"
    "\t\tset -gx SSH_AUTH_SOCK \"$p11_agent/agent.sock\"\n"
    "\tend\n"
    "end\n";

static bool
shell_is(const struct setup_place *at, const char *name)
{
	const char *slash = strrchr(at->shell, '/');

	return strcmp(slash == NULL ? at->shell : slash + 1, name) == 0;
}

static void
add_fish(struct setup_plan *p, const struct setup_place *at)
{
	setup_add_text(p, SETUP_FILE,
	    setup_text(p, "%s/fish/conf.d/p11-agent.fish", at->config),
	    setup_text(p, "%s", fish));
}

static void
add_profile(struct setup_plan *p, const char *folder, const char *file)
{
	setup_add_text(p, SETUP_BOTTOM, setup_text(p, "%s/%s", folder, file),
	    setup_text(p, "%s", profile));
}

/* What a login shell reads; csh and others are told by `env` in their way. */
static void
plan_shell(struct setup_plan *p, const struct setup_place *at)
{
	if (shell_is(at, "fish"))
		add_fish(p, at);
	else if (shell_is(at, "zsh"))
		add_profile(p, at->zsh, ".zprofile");
	else
		add_profile(p, at->home,
		    shell_is(at, "bash") ? at->bash_file : ".profile");
}

/* It may have been another shell then, or another file that bash read. */
static void
plan_shells_undo(struct setup_plan *p, const struct setup_place *at)
{
	add_fish(p, at);
	add_profile(p, at->zsh, ".zprofile");
	add_profile(p, at->home, ".bash_profile");
	add_profile(p, at->home, ".bash_login");
	add_profile(p, at->home, ".profile");
}

void
setup_plan_systemd(struct setup_plan *p, const struct setup_place *at)
{
	static const char *const reload[] = {"systemctl", "--user",
	    "daemon-reload", NULL};
	static const char *const enable[] = {"systemctl", "--user", "enable",
	    "--now", "p11-agent.socket", NULL};
	static const char *const disable[] = {"systemctl", "--user", "disable",
	    "--now", "p11-agent.socket", "p11-agent-control.socket",
	    "p11-agent.service", NULL};
	static const char *const unset[] = {"systemctl", "--user",
	    "unset-environment", "SSH_AUTH_SOCK", NULL};
	char *variable = setup_text(p, "SSH_AUTH_SOCK=%s", at->socket);
	const char *const set[] = {"systemctl", "--user", "set-environment",
	    variable, NULL};

	/* Taken back from the end: so the manager reads its files anew last. */
	setup_add_run(p, NULL, reload);
	setup_add_text(p, SETUP_FILE,
	    setup_text(p, "%s/environment.d/90-p11-agent.conf", at->config),
	    setup_text(p, "%s", environment_d));
	setup_add_text(p, SETUP_FILE,
	    setup_text(p, "%s/systemd/user/p11-agent.socket.d/"
	    "ssh-auth-sock.conf", at->config),
	    setup_text(p, "%s", drop_in));
	if (at->undo)
		plan_shells_undo(p, at);
	else
		plan_shell(p, at);
	setup_add_run(p, reload, NULL);
	setup_add_run(p, enable, disable);
	setup_add_run(p, set, setup_unset(at, unset));
	free(variable);
}
