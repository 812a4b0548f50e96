/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeping other processes and core files out of our memory. */
#include "common/harden.h"

#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#ifdef __APPLE__
#include <sys/ptrace.h>
#include <sys/syslimits.h>
#include <sys/types.h>
#endif

#include "config.h"

const char *
harden_process(void)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return "core dumps cannot be switched off";
#if P11_AGENT_SANITIZED
	return NULL;
#elif defined(__linux__)
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return "other processes cannot be kept from reading our memory";
#elif defined(__APPLE__)
	ptrace(PT_DENY_ATTACH, 0, NULL, 0);
#endif
	return NULL;
}

void
harden_raise_fds(void)
{
	struct rlimit fds;

	if (getrlimit(RLIMIT_NOFILE, &fds) != 0)
		return;
#ifdef __APPLE__
	/* "Unlimited" is refused there. */
	if (fds.rlim_max > OPEN_MAX)
		fds.rlim_max = OPEN_MAX;
#endif
	fds.rlim_cur = fds.rlim_max;
	setrlimit(RLIMIT_NOFILE, &fds);
}

bool
harden_is_child(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}
