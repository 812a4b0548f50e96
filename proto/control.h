/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control protocol between p11-agentctl and the daemon: frames of uint32
 * length and body. A request is a list of words; the reply is a status and
 * either a JSON document (UTF-8) or, when the daemon says no, a message.
 *
 *   request: byte version (1), uint32 n, n x string
 *   reply:   byte version (1), byte status, string text
 *
 * `watch` is answered by one reply for each event, the first at once, until
 * the connection ends; it carries no further request.
 */
#ifndef P11_AGENT_PROTO_CONTROL_H
#define P11_AGENT_PROTO_CONTROL_H

#include "common/buffer.h"
#include "common/limits.h"
#include "common/reader.h"

enum { CONTROL_VERSION = 1 };

enum control_status {
	CONTROL_OK = 0,	     /* text is JSON */
	CONTROL_REFUSED = 1, /* text says why */
	CONTROL_USAGE = 2,   /* no such command or wrong words */
};

struct control_request {
	uint32_t n_words; /* at least 1: the command */
	struct bytes words[CONTROL_ARGS_MAX];
};

struct control_reply {
	enum control_status status;
	struct bytes text;
};

/* Append one whole frame. */
void control_request_put(struct buffer *b, const struct control_request *m);
void control_reply_put(struct buffer *b, const struct control_reply *m);

/* *ret borrows from body and is unchanged unless PARSE_OK comes back. */
enum parse_err control_request_parse(struct bytes body,
    struct control_request *ret);
enum parse_err control_reply_parse(struct bytes body,
    struct control_reply *ret);

#endif
