/* SPDX-License-Identifier: BSD-2-Clause */
/* Who serves an agent's socket. */
#ifndef P11_AGENT_CTL_SETUP_OWNER_H
#define P11_AGENT_CTL_SETUP_OWNER_H

struct setup_owner {
	const char *name;   /* "GNOME's gcr-ssh-agent"; never NULL */
	const char *remedy; /* how it is kept from SSH_AUTH_SOCK, or NULL */
};

/* By the socket's path, as each of them is known to choose it. */
struct setup_owner setup_owner_of(const char *socket);

#endif
