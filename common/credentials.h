/* SPDX-License-Identifier: BSD-2-Clause */
/* The process at the other end of a unix socket, as the system says. */
#ifndef P11_AGENT_COMMON_CREDENTIALS_H
#define P11_AGENT_COMMON_CREDENTIALS_H

#include <stdbool.h>
#include <sys/types.h>

struct peer {
	uid_t uid;
	pid_t pid; /* 0 where the system does not say */
};

/* False when the system does not say who it is. */
bool peer_get(int fd, struct peer *ret);

#endif
