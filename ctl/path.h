/* SPDX-License-Identifier: BSD-2-Clause */
/* Which agent's socket p11-agentctl means. */
#ifndef P11_AGENT_CTL_PATH_H
#define P11_AGENT_CTL_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/place.h"

enum { AGENT_PATH_BYTES = 4096 };

struct agent_path {
	char socket[AGENT_PATH_BYTES];	/* the agent socket */
	char control[AGENT_PATH_BYTES]; /* the control socket beside it */
	/* SSH_AUTH_SOCK is set, and is no p11-agent's; borrowed, or NULL. */
	const char *other_agent;
};

/* Where to look; a NULL one is not set. */
struct agent_path_from {
	const char *option;	   /* -a */
	const char *ssh_auth_sock; /* SSH_AUTH_SOCK */
	char base[PATH_MAX_BYTES]; /* as place_base says; "": none */
	char why[TRUST_WHY_BYTES]; /* words for that */
};

/* From the command line's -a (or NULL) and our environment. */
void agent_path_sources(const char *option, struct agent_path_from *ret);

/*
 * The option; else SSH_AUTH_SOCK, when it has a control socket beside it;
 * else the default path below the base. False: there is no such place, or
 * the path is too long.
 */
bool agent_path_choose(
    const struct agent_path_from *from, struct agent_path *ret);

#endif
