/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for a pcscd that is not there: its socket is watched, and looked at
 * now and then, less and less often. (On macOS PC/SC is always there; only
 * the pauses are left.)
 */
#ifndef P11_AGENT_PKCS11_PCSC_SOCKET_H
#define P11_AGENT_PKCS11_PCSC_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

/* sockaddr_un.sun_path has no room for more. */
enum { PCSC_SOCKET_PATH_BYTES = 108 };

struct pcsc_socket {
	/* Of pcscd's socket; empty: none is known. */
	char path[PCSC_SOCKET_PATH_BYTES];
	int watch;		   /* inotify, or -1 */
	const char *awaited;	   /* the part of path that is watched for */
	size_t awaited_len;
	int pause_ms; /* the next pause */
};

/* Why a connection cannot be made, by a look at the socket's file. */
enum pcsc_socket_fault {
	PCSC_SOCKET_THERE,
	PCSC_SOCKET_ABSENT,
	PCSC_SOCKET_FORBIDDEN, /* its mode or its folder's keeps us out */
};

void pcsc_socket_init(struct pcsc_socket *s);

enum pcsc_socket_fault pcsc_socket_look(const struct pcsc_socket *s);

/*
 * Watch from now on, before pcscd is tried: what happens between the try and
 * pcsc_socket_wait then ends the wait at once. Stop when the try worked.
 */
void pcsc_socket_arm(struct pcsc_socket *s);
void pcsc_socket_disarm(struct pcsc_socket *s);

/*
 * Until the socket (or its folder) appears or changes its mode, or a pause is
 * over and the socket is there. Pauses begin at first_ms and double up to a
 * minute; pcsc_socket_worked makes them short again.
 */
void pcsc_socket_wait(struct pcsc_socket *s, int first_ms);
void pcsc_socket_worked(struct pcsc_socket *s);

#endif
