/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An agent whose socket file is gone, or is another one by now, cannot be
 * reached any more: told by the system, without a timer.
 */
#ifndef P11_AGENT_AGENT_SOCKET_WATCH_H
#define P11_AGENT_AGENT_SOCKET_WATCH_H

#include <sys/types.h>

struct event_base;
struct socket_watch;

/* Called once; words: "is gone", "is another one by now". */
typedef void (*socket_gone)(void *arg, const char *words);

/*
 * Call gone(arg, …) when `path` (borrowed) does not lead to this file any
 * more. NULL with errno when the system cannot tell.
 */
struct socket_watch *socket_watch_new(struct event_base *base,
    const char *path, dev_t dev, ino_t ino, socket_gone gone, void *arg);

struct socket_watch *socket_watch_free(struct socket_watch *w);

#endif
