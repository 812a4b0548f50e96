/* SPDX-License-Identifier: BSD-2-Clause */
/* Run a function on a variable when it leaves its scope. */
#ifndef P11_AGENT_COMMON_CLEANUP_H
#define P11_AGENT_COMMON_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* For CLEANUP: free what a `T *` variable points to. */
static inline void
cleanup_free(void *variable)
{
	free(*(void **)variable);
}

/* For CLEANUP: close an fd variable unless it is negative. */
static inline void
cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#endif
