/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection to the agent socket, and the replies it waits for. Requests
 * may be answered in any order; each client gets its replies in the order of
 * its requests.
 */
#ifndef P11_AGENT_AGENT_CLIENT_H
#define P11_AGENT_AGENT_CLIENT_H

#include <sys/queue.h>

#include "agent/agent.h"
#include "agent/peer.h"
#include "agent/refusal.h"
#include "common/buffer.h"

struct stream;

/* One request's answer, owned by its client until it is sent. */
struct reply {
	TAILQ_ENTRY(reply) entry;
	struct client *client;
	struct buffer frame; /* filled by whoever answers */
	/* The client has gone: forget this reply. NULL when nobody waits. */
	void (*abandoned)(void *arg);
	void *arg;
	size_t bytes; /* of the request */
	bool done;
	bool alone;   /* see reply_alone */
};

struct client {
	TAILQ_ENTRY(client) entry;
	struct agent *agent;
	struct stream *stream;
	struct peer peer;
	TAILQ_HEAD(, reply) replies; /* in the order of the requests */
	unsigned n_replies;
	size_t n_bytes; /* of the requests in flight */
	bool waits;	/* for a reply that is alone */
	/* It sent session-bind@openssh.com, whatever came of it. */
	bool tried_bind;
	/* The peer was ssh or sshd when it connected. */
	bool forwarded;
	/* References of the keys that it was shown (KEY_REF_BYTES each). */
	uint8_t *shown; /* owned */
	size_t n_shown;
};

/* Takes fd over; closes it when memory is out. */
void client_new(struct agent *agent, int fd, const struct peer *peer);

/* Hang up. NULL is fine. Returns NULL. */
struct client *client_free(struct client *c);

/*
 * The answer comes later: `abandoned` is called when the client hangs up
 * before reply_send or reply_fail, after which the reply is gone.
 */
void reply_later(struct reply *r, void (*abandoned)(void *arg), void *arg);

/*
 * An answer that costs a process: until it is there, no more requests of this
 * client are read, so that each client has one such at most.
 */
void reply_alone(struct reply *r);

/* r->frame holds the answer; r is gone after this. */
void reply_send(struct reply *r);

/* SSH_AGENT_FAILURE, whatever the frame held so far. */
void reply_fail(struct reply *r);

/*
 * May what is exposed be changed over this connection? Says in the log why
 * not; `what` is what it asks for: "ssh-add -D". Asked anew for each change:
 * the process at the other end may have ended, or run another program.
 */
bool client_may_change(const struct client *c, const char *what);

/* A line about a request of this client that was refused; see refusal_log. */
void client_refused(const struct client *c, enum refusal_kind kind,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Remember that the client was shown a key; asked by client_was_shown. */
void client_show(struct client *c, const uint8_t *ref);
bool client_was_shown(const struct client *c, const uint8_t *ref);

#endif
