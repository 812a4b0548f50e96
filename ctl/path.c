/* SPDX-License-Identifier: BSD-2-Clause */
/* Which agent's socket p11-agentctl means. */
#include "ctl/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value == NULL || value[0] == '\0' ? NULL : value;
}

void
agent_path_sources(const char *option, struct agent_path_from *ret)
{
	*ret = (struct agent_path_from){
	    .option = option,
	    .ssh_auth_sock = variable("SSH_AUTH_SOCK"),
	};
	if (!place_base(ret->base, ret->why))
		ret->base[0] = '\0';
}

static bool
set_path(struct agent_path *p, const char *base, const char *below)
{
	int n = snprintf(p->socket, sizeof(p->socket), "%s%s", base, below);

	if (n < 0 || (size_t)n >= sizeof(p->socket))
		return false;
	n = snprintf(p->control, sizeof(p->control), "%s.control", p->socket);
	return n > 0 && (size_t)n < sizeof(p->control);
}

static bool
is_socket(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

bool
agent_path_choose(const struct agent_path_from *from, struct agent_path *ret)
{
	ret->other_agent = NULL;
	if (from->option != NULL)
		return set_path(ret, from->option, "");
	if (from->ssh_auth_sock != NULL &&
	    set_path(ret, from->ssh_auth_sock, "") && is_socket(ret->control))
		return true;
	ret->other_agent = from->ssh_auth_sock;
	return from->base[0] != '\0' &&
	       set_path(ret, from->base, PLACE_SOCKET);
}
