/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agentctl env: what a shell evaluates to use the agent. */
#include "ctl/env.h"

#include <sys/stat.h>

#include "ctl/ctl.h"
#include "ctl/path.h"
#include "ctl/quote.h"

void
env_print(FILE *out, const char *socket, bool csh)
{
	fputs(csh ? "setenv SSH_AUTH_SOCK " : "SSH_AUTH_SOCK=", out);
	quote_print(out, socket, csh);
	fputs(csh ? ";\n" : "; export SSH_AUTH_SOCK;\n", out);
}

enum ctl_exit
ctl_env(const struct ctl *c)
{
	const struct agent_path_from from = agent_path_sources(c->socket);
	struct agent_path path;
	struct stat st;

	if (!agent_path_choose(&from, &path)) {
		ctl_error("where is the agent? XDG_RUNTIME_DIR is not set; "
			  "name its socket with -a");
		return CTL_NO_AGENT;
	}
	/* Better the agent that there is than a socket that there is not. */
	if (stat(path.socket, &st) != 0 || !S_ISSOCK(st.st_mode)) {
		ctl_error(
		    "%s is no socket: start p11-agent first", path.socket);
		return CTL_NO_AGENT;
	}
	env_print(stdout, path.socket, c->csh);
	return CTL_DONE;
}
