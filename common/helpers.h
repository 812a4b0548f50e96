/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths of our own helper programs, and paths that outlast a chdir. */
#ifndef P11_AGENT_COMMON_HELPERS_H
#define P11_AGENT_COMMON_HELPERS_H

enum { HELPER_WHY_BYTES = 256 };

/*
 * The path of one of our programs, to be freed by the caller: beside our own
 * binary, where a build folder has it, else in libexec. NULL, with words in
 * `why`, when memory is out, or it is not in libexec and the system does not
 * say where we are.
 */
char *helper_path(const char *name, char why[static HELPER_WHY_BYTES]);

/*
 * The path with our working folder in front where it is relative; to be freed
 * by the caller. NULL when memory is out or the folder has no name.
 */
char *path_absolute(const char *path);

#endif
