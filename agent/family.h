/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A child of ours that runs foreign code, and the processes that came from it.
 * A process group is not enough to end them: a module may start servers, and
 * move itself or them to other groups and sessions.
 *
 * On Linux each of them is found, whatever became of its parents: the child is
 * marked with a resource limit that the kernel does not use (RLIMIT_LOCKS, its
 * soft value is the child's pid), which all descendants inherit and anybody
 * may read, and orphans become children of the daemon. What a prompt started,
 * such as a D-Bus daemon, has no mark and lives on. Without /proc, without
 * CONFIG_PROC_CHILDREN, and on macOS for orphans, the process group has to do;
 * so it has for whoever takes the mark off, which nobody does by chance.
 */
#ifndef P11_AGENT_AGENT_FAMILY_H
#define P11_AGENT_AGENT_FAMILY_H

#include <sys/types.h>

/* From now on, orphans below this process become its children. */
void family_adopt(void);

/* In the child: all that will come from it belongs to it. */
void family_mark(void);

/*
 * SIGKILL to all that came from the child, and to itself; it may have ended,
 * as long as nobody has waited for it. They are stopped first, so that none
 * can get away by a fork.
 */
void family_kill(pid_t child);

#endif
