/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is at the other end of a unix socket. */
#ifndef P11_AGENT_AGENT_PEER_H
#define P11_AGENT_AGENT_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/credentials.h"

enum { PEER_NAME_BYTES = 64, PEER_PROGRAM_BYTES = PEER_NAME_BYTES - 24 };

/* "ssh", or words for one that is gone. Returns out. */
char *peer_program(pid_t pid, char out[static PEER_PROGRAM_BYTES]);

/*
 * "ssh (pid 4711)" for the log; the pid alone where the process is gone or
 * the system does not say. Returns out.
 */
char *peer_name(pid_t pid, char out[static PEER_NAME_BYTES]);

/* The kind of peer on a connection, by the program that made it. */
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

#endif
