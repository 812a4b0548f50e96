/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What p11-agent-logind tells the daemon: frames (common/frame.h) on a
 * SOCK_STREAM socketpair, each one byte of type and a string. The daemon
 * answers each LOGIND_SLEEP with the byte LOGIND_FORGOTTEN, without a frame.
 * When either side closes its end, the program ends.
 */
#ifndef P11_AGENT_LOGIND_WIRE_H
#define P11_AGENT_LOGIND_WIRE_H

#include "common/buffer.h"
#include "common/limits.h"
#include "common/reader.h"

enum {
	/* The program's end of the socketpair. */
	LOGIND_FD = 3,
	/* Nothing of a login is left: the machine may go to sleep. */
	LOGIND_FORGOTTEN = 1,
};

enum logind_type {
	LOGIND_WATCHING = 96, /* all that was asked for is watched now */
	LOGIND_FAULT = 97,    /* it cannot be; the program ends */
	LOGIND_SLEEP = 98,    /* the machine goes to sleep */
	LOGIND_WAKE = 99,     /* it woke up, or did not go to sleep */
	LOGIND_LOCK = 100,    /* a session of our user was locked */
};

struct logind_message {
	enum logind_type type;
	struct bytes text; /* why, of LOGIND_FAULT; else empty */
};

/* Append one whole frame. */
void logind_message_put(struct buffer *b, const struct logind_message *m);

/* *ret borrows from body and is unchanged unless PARSE_OK comes back. */
enum parse_err logind_message_parse(struct bytes body,
    struct logind_message *ret);

#endif
