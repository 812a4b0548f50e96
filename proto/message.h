/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ssh-agent messages (RFC 9987): numbers, requests taken apart, replies put
 * together. No I/O.
 */
#ifndef P11_AGENT_PROTO_MESSAGE_H
#define P11_AGENT_PROTO_MESSAGE_H

#include "common/buffer.h"
#include "common/limits.h"
#include "common/reader.h"

/* RFC 9987 section 6.1 */
enum agent_message {
	SSH_AGENT_FAILURE = 5,
	SSH_AGENT_SUCCESS = 6,
	SSH_AGENTC_REMOVE_ALL_RSA_IDENTITIES = 9, /* SSH1: dead, answered */
	SSH_AGENTC_REQUEST_IDENTITIES = 11,
	SSH_AGENT_IDENTITIES_ANSWER = 12,
	SSH_AGENTC_SIGN_REQUEST = 13,
	SSH_AGENT_SIGN_RESPONSE = 14,
	SSH_AGENTC_ADD_IDENTITY = 17,
	SSH_AGENTC_REMOVE_IDENTITY = 18,
	SSH_AGENTC_REMOVE_ALL_IDENTITIES = 19,
	SSH_AGENTC_ADD_SMARTCARD_KEY = 20,
	SSH_AGENTC_REMOVE_SMARTCARD_KEY = 21,
	SSH_AGENTC_LOCK = 22,
	SSH_AGENTC_UNLOCK = 23,
	SSH_AGENTC_ADD_ID_CONSTRAINED = 25,
	SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED = 26,
	SSH_AGENTC_EXTENSION = 27,
	SSH_AGENT_EXTENSION_FAILURE = 28,
	SSH_AGENT_EXTENSION_RESPONSE = 29,
};

/* RFC 9987 section 6.2 */
enum agent_constraint {
	SSH_AGENT_CONSTRAIN_LIFETIME = 1,
	SSH_AGENT_CONSTRAIN_CONFIRM = 2,
	SSH_AGENT_CONSTRAIN_EXTENSION = 255,
};

/* RFC 9987 section 4.5.1: flags of a sign request */
enum agent_sign_flag {
	SSH_AGENT_RSA_SHA2_256 = 2,
	SSH_AGENT_RSA_SHA2_512 = 4,
};

struct sign_request {
	struct bytes key_blob;
	struct bytes data;
	uint32_t flags; /* enum agent_sign_flag */
};

struct smartcard_request {
	struct bytes provider; /* a path, or whatever the client sent */
	struct bytes pin;      /* a secret: copy it, then wipe the frame */
	struct bytes constraints; /* see constraints_flags; empty without any */
};

/* The constraints that ssh-add asks for (RFC 9987 section 5). */
enum constraint_flag {
	CONSTRAINT_LIFETIME = 1,     /* -t */
	CONSTRAINT_CONFIRM = 2,	     /* -c */
	CONSTRAINT_DESTINATION = 4,  /* -h */
	CONSTRAINT_CERTIFICATES = 8, /* files behind -s PROVIDER */
	CONSTRAINT_UNKNOWN = 16,     /* or cut */
};

struct extension_request {
	struct bytes name;
	struct bytes contents;
};

/*
 * Each takes the body behind the type byte; *ret borrows from it and is
 * unchanged unless PARSE_OK comes back.
 */
enum parse_err sign_request_parse(struct bytes body, struct sign_request *ret);
enum parse_err remove_identity_parse(struct bytes body,
    struct bytes *ret_key_blob);
/* constrained: message 26, where constraints may follow. */
enum parse_err smartcard_request_parse(struct bytes body, bool constrained,
    struct smartcard_request *ret);
/* enum constraint_flag of all up to the first that is not known. */
unsigned constraints_flags(struct bytes constraints);
enum parse_err extension_request_parse(struct bytes body,
    struct extension_request *ret);

/*
 * Each appends one whole frame, length included. identities_begin leaves
 * the count open; call identity_put n times, then identities_end with n. A
 * comment is cut at a NUL, for which OpenSSH would drop the whole list.
 */
void reply_put_failure(struct buffer *b);
void reply_put_success(struct buffer *b);
void reply_put_extension_failure(struct buffer *b);
struct identities_mark {
	size_t frame, count;
};
struct identities_mark reply_identities_begin(struct buffer *b);
void reply_identity_put(struct buffer *b, struct bytes key_blob,
    struct bytes comment);
void reply_identities_end(struct buffer *b, struct identities_mark mark,
    uint32_t n);
void reply_put_signature(struct buffer *b, struct bytes signature_blob);
/* The answer to `query`: names of extensions, NULL-terminated. */
void reply_put_query(struct buffer *b, const char *const *names);

/* "SSH_AGENTC_SIGN_REQUEST" and the like for logs; "unknown" otherwise. */
const char *agent_message_name(uint8_t type);

#endif
