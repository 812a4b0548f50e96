/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is at the other end of a unix socket. */
#ifndef P11_AGENT_AGENT_PEER_H
#define P11_AGENT_AGENT_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/credentials.h"
#include "common/log.h"

enum { PEER_NAME_BYTES = 64 };

/*
 * "ssh (pid 4711)" for the log; the pid alone where the process is gone or
 * the system does not say. Returns out.
 */
char *peer_name(pid_t pid, char out[static PEER_NAME_BYTES]);

/* Who speaks on a connection, by the program that made it. */
enum peer_way {
	PEER_LOCAL,    /* a program that asks for itself */
	PEER_FORWARDS, /* ssh or sshd: maybe for another machine */
	PEER_UNKNOWN,  /* the process has ended, or cannot be seen from here */
};

/*
 * By the name of its executable, replaced or removed meanwhile or not, and by
 * the name of the process, which shows where the executable does not (sshd
 * serves a user as a process that nobody may look into).
 */
enum peer_way peer_way(pid_t pid);

/* Why PEER_FORWARDS may change nothing. */
#define PEER_FORWARDS_WORDS                                                  \
	"the connection comes through ssh or sshd, maybe from another "      \
	"machine, which may not change anything here; do it on this machine"

/* Is it a process of the program that we are? */
bool peer_is_our_program(pid_t pid);

/*
 * A warning about what a client asked for; it begins with the client's name,
 * which becomes about.client.
 */
void peer_warn(pid_t pid, struct log_fields about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
