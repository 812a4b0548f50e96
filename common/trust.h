/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is an agent's socket ours? Whoever prints the path of one, or sends a PIN
 * there, asks first.
 */
#ifndef P11_AGENT_COMMON_TRUST_H
#define P11_AGENT_COMMON_TRUST_H

#include <stdbool.h>
#include <sys/stat.h>

#include "common/credentials.h"

enum { TRUST_WHY_BYTES = 512 };

enum trust {
	TRUST_OURS,
	TRUST_NOBODY, /* nothing is there, or nobody listens */
	TRUST_NOT,    /* somebody else's, or nobody can tell */
};

/*
 * An fd of the folder of `path`, when nobody but us and root can replace what
 * is there: it belongs to one of them, and only its owner writes to it, or it
 * is sticky. Else -1, with words in `why`.
 */
int trust_folder(const char *path, char why[static TRUST_WHY_BYTES]);

/* The folder is ours, and nobody else may write to it. Else words in `why`. */
bool trust_own(const char *folder, const struct stat *st,
    char why[static TRUST_WHY_BYTES]);

/*
 * Connect to a listening socket whose folder stands up to trust_folder, that
 * belongs to us, and on which a process of ours listens (for a socket of the
 * service manager that is the user's manager). Never waits. TRUST_OURS: *ret
 * is a non-blocking fd. Else words in `why`.
 */
enum trust trust_connect(const char *path, int *ret, struct peer *ret_peer,
    char why[static TRUST_WHY_BYTES]);

#endif
