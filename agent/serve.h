/* SPDX-License-Identifier: BSD-2-Clause */
/* The agent's two sockets: its own and the control socket beside it. */
#ifndef P11_AGENT_AGENT_SERVE_H
#define P11_AGENT_AGENT_SERVE_H

#include "agent/agent.h"
#include "agent/socket-watch.h"
#include "agent/sockpath.h"

struct serve {
	char *path; /* of the agent's socket, absolute; owned; or NULL */
	struct listen_socket socket;
	struct listen_socket control;
	struct listener *listener;
	struct listener *control_listener;
	struct socket_watch *watch; /* of the agent's socket file, or NULL */
	char *private_folder; /* ours alone, removed at the end; or NULL */
};

#define SERVE_NONE                                                     \
	((struct serve){                                               \
		.socket = LISTEN_SOCKET_NONE, .control = LISTEN_SOCKET_NONE})

/*
 * Decide on s->path. path: NULL for the default. private: in a new folder,
 * for a command. False with words in `why`; close it anyway.
 */
bool serve_place(struct serve *s, const char *path, bool private,
    char why[static SOCK_WHY_BYTES]);

/*
 * Take the sockets that a service manager passed, if it did, and its path.
 * Instead of serve_place. False with words in `why`; close it anyway.
 */
bool serve_adopt(struct serve *s, char why[static SOCK_WHY_BYTES]);

/*
 * Make the sockets that were not passed. After SOCK_LOCKED call it again. Words
 * in `why` unless SOCK_OK; close it anyway.
 */
enum sock_result serve_open(struct serve *s, char why[static SOCK_WHY_BYTES]);

/*
 * Hang up on all who wait by now at sockets that were passed: there will be
 * no agent, and for them the manager would start it again and again.
 */
void serve_refuse(const struct serve *s);

/*
 * Accept from now on, until gone(arg, …) says that the agent's socket file is
 * not there any more. False when memory is out.
 */
bool serve_begin(struct serve *s, struct agent *agent, socket_gone gone,
    void *arg);

/* Stop, and remove the files. */
void serve_close(struct serve *s);

/*
 * Does a process of ours listen at a socket? Then *ret is the pid of the agent,
 * or 0 where a service manager holds the socket: whoever ends an agent by its
 * pid must not end that. Else words in `why`: see trust_connect.
 */
enum trust serve_pid_at(const char *path, pid_t *ret,
    char why[static SOCK_WHY_BYTES]);

#endif
