/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket files: where, made by whom, taken over from whom. */
#ifndef P11_AGENT_AGENT_SOCKPATH_H
#define P11_AGENT_AGENT_SOCKPATH_H

#include <stddef.h>
#include <sys/types.h>

#include "common/trust.h"

enum { SOCK_WHY_BYTES = TRUST_WHY_BYTES };

/*
 * A listening socket and the file that we made for it, or NULL where it is
 * somebody else's to remove.
 */
struct listen_socket {
	int fd;	    /* -1: none */
	char *path; /* owned */
	dev_t dev;  /* of the file, whosever it is; 0 and 0: not known */
	ino_t ino;
};

#define LISTEN_SOCKET_NONE ((struct listen_socket){.fd = -1})

enum sock_result {
	SOCK_OK,
	SOCK_IN_USE, /* another agent answers there */
	SOCK_LOCKED, /* another program holds the folder's lock: try again */
	SOCK_ERROR,
};

/*
 * PLACE_SOCKET below place_base's folder; its own folder is made, 0700. NULL,
 * with words in `why`, when there is no such place; else to be freed by the
 * caller.
 */
char *sock_default_path(char why[static SOCK_WHY_BYTES]);

/*
 * A path in a new folder of our own, 0700, in place_base's or where temporary
 * files go. The folder is the caller's to remove, both strings to
 * free. NULL with words in `why`.
 */
char *sock_private_path(char **ret_folder, char why[static SOCK_WHY_BYTES]);

/*
 * Listen on a socket file of mode 0600; a file that nobody listens on is
 * taken over. The folder must be ours alone, or sticky. `why` is set unless
 * SOCK_OK.
 */
enum sock_result sock_listen(const char *path, struct listen_socket *ret,
    char why[static SOCK_WHY_BYTES]);

/*
 * Where a listening socket's file is; NULL, with words in `why`, when it has
 * none. To be freed by the caller.
 */
char *sock_path_of(int fd, char why[static SOCK_WHY_BYTES]);

/* Stop listening; the file goes if it is still the one that we made. */
void listen_socket_close(struct listen_socket *s);

#endif
