/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths of our own helper programs, and paths that outlast a chdir. */
#ifndef P11_AGENT_AGENT_HELPERS_H
#define P11_AGENT_AGENT_HELPERS_H

/*
 * The path of one of our programs, to be freed by the caller: beside our own
 * binary (a build folder), or in libexec when we are installed. NULL when
 * memory is out or the system does not say where we are.
 */
char *helper_path(const char *name);

/*
 * The path with our working folder in front where it is relative; to be freed
 * by the caller. NULL when memory is out or the folder has no name.
 */
char *path_absolute(const char *path);

#endif
