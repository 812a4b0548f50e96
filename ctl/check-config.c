/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agentctl check-config: p11-agent-config, the child that reads the config
 * for the daemon, run for people.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/program.h"

enum ctl_exit
ctl_check_config(const struct ctl *c)
{
	CLEANUP(cleanup_free) char *path = program_find();
	const char *file = c->n_words > 1 ? c->words[1] : (char *)NULL;

	if (path == NULL)
		return CTL_REFUSED;
	execl(path, CONFIG_PROGRAM, "check", file, (char *)NULL);
	ctl_error("%s cannot be run: %s", path, strerror(errno));
	return CTL_REFUSED;
}
