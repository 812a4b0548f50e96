/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agentctl env: what a shell evaluates to use the agent. */
#include "ctl/env.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/path.h"
#include "ctl/quote.h"

enum shell
env_shell_of(const char *path)
{
	size_t len = path == NULL ? 0 : strlen(path);

	if (len >= 3 && strcmp(path + len - 3, "csh") == 0)
		return SHELL_CSH;
	if (len >= 4 && strcmp(path + len - 4, "fish") == 0)
		return SHELL_FISH;
	return SHELL_SH;
}

void
env_print(FILE *out, const char *socket, enum shell shell)
{
	static const char *const around[][2] = {
	    [SHELL_GUESS] = {"SSH_AUTH_SOCK=", "; export SSH_AUTH_SOCK;\n"},
	    [SHELL_SH] = {"SSH_AUTH_SOCK=", "; export SSH_AUTH_SOCK;\n"},
	    [SHELL_CSH] = {"setenv SSH_AUTH_SOCK ", ";\n"},
	    [SHELL_FISH] = {"set -gx SSH_AUTH_SOCK ", ";\n"},
	};

	fputs(around[shell][0], out);
	quote_print(out, socket, shell == SHELL_CSH);
	fputs(around[shell][1], out);
}

/* A login over SSH brought an agent along, which is still there. */
static bool
agent_was_forwarded(void)
{
	const char *connection = getenv("SSH_CONNECTION");
	const char *socket = getenv("SSH_AUTH_SOCK");
	struct stat st;

	return connection != NULL && connection[0] != '\0' &&
	       socket != NULL && stat(socket, &st) == 0 &&
	       S_ISSOCK(st.st_mode);
}

enum ctl_exit
ctl_env(const struct ctl *c)
{
	enum shell shell = c->shell == SHELL_GUESS ?
	    env_shell_of(getenv("SHELL")) : c->shell;
	char why[TRUST_WHY_BYTES];
	struct agent_path_from from;
	struct agent_path path;
	struct peer peer;
	int fd;

	if (c->socket == NULL && agent_was_forwarded()) {
		puts("# SSH_AUTH_SOCK stays: this login brought its agent");
		return CTL_DONE;
	}
	agent_path_sources(c->socket, &from);
	if (!agent_path_choose(&from, &path)) {
		ctl_error("where is the agent? %s", from.why);
		return CTL_NO_AGENT;
	}
	/* Better the agent that there is than a socket that nobody serves. */
	switch (trust_connect(path.socket, &fd, &peer, why)) {
	case TRUST_OURS:
		close(fd);
		break;
	case TRUST_NOBODY:
		ctl_error("%s: %s: start p11-agent first", path.socket, why);
		return CTL_NO_AGENT;
	case TRUST_NOT:
		ctl_error("%s: %s", path.socket, why);
		return CTL_NO_AGENT;
	}
	env_print(stdout, path.socket, shell);
	return CTL_DONE;
}
