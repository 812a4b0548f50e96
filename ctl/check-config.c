/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agentctl check-config: p11-agent-config, the child that reads the config
 * for the daemon, run for people.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#include "config.h"
#include "ctl/ctl.h"

static const char PROGRAM[] = "p11-agent-config";

/* The folder of our own binary. */
static bool
own_folder(char *out, size_t size)
{
	char *slash;
#ifdef __APPLE__
	uint32_t size32 = (uint32_t)size;

	if (_NSGetExecutablePath(out, &size32) != 0)
		return false;
#else
	ssize_t n = readlink("/proc/self/exe", out, size - 1);

	if (n <= 0)
		return false;
	out[n] = '\0';
#endif
	if ((slash = strrchr(out, '/')) == NULL)
		return false;
	*slash = '\0';
	return true;
}

/* Beside us in a build folder, in libexec when installed. */
static void
find_program(char *out, size_t size)
{
	char folder[PATH_MAX_BYTES];
	int n;

	if (own_folder(folder, sizeof(folder))) {
		n = snprintf(out, size, "%s/%s", folder, PROGRAM);
		if (n > 0 && (size_t)n < size && access(out, X_OK) == 0)
			return;
	}
	snprintf(out, size, "%s/%s", P11_AGENT_LIBEXECDIR, PROGRAM);
}

enum ctl_exit
ctl_check_config(const struct ctl *c)
{
	char path[2 * PATH_MAX_BYTES];
	const char *file = c->n_words > 1 ? c->words[1] : (char *)NULL;

	find_program(path, sizeof(path));
	execl(path, PROGRAM, "check", file, (char *)NULL);
	ctl_error("%s cannot be run: %s", path, strerror(errno));
	return CTL_REFUSED;
}
