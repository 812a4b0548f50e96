/* SPDX-License-Identifier: BSD-2-Clause */
/* ssh-agent messages: requests taken apart, replies put together. */
#include "proto/message.h"

#include "common/endian.h"

enum parse_err
sign_request_parse(struct bytes body, struct sign_request *ret)
{
	struct reader r = reader_of(body);
	struct sign_request m;

	m.key_blob = reader_string(&r);
	m.data = reader_string(&r);
	m.flags = reader_u32(&r);
	if (reader_finish(&r) == PARSE_OK)
		*ret = m;
	return r.err;
}

enum parse_err
remove_identity_parse(struct bytes body, struct bytes *ret_key_blob)
{
	struct reader r = reader_of(body);
	struct bytes key_blob = reader_string(&r);

	if (reader_finish(&r) == PARSE_OK)
		*ret_key_blob = key_blob;
	return r.err;
}

enum parse_err
smartcard_request_parse(
    struct bytes body, bool constrained, struct smartcard_request *ret)
{
	struct reader r = reader_of(body);
	struct smartcard_request m;

	m.provider = reader_string(&r);
	m.pin = reader_string(&r);
	m.constraints = BYTES_NONE;
	/* The list has no count: whatever is left is part of it. */
	if (constrained)
		m.constraints = reader_raw(&r, r.rest.len);
	if (reader_finish(&r) == PARSE_OK)
		*ret = m;
	return r.err;
}

/* Of an extension's contents only those that are known can be skipped. */
static unsigned
constraint_extension(struct reader *r)
{
	struct bytes name = reader_string(r);

	if (bytes_is(name, "restrict-destination-v00@openssh.com")) {
		reader_string(r);
		return CONSTRAINT_DESTINATION;
	}
	if (bytes_is(name, "associated-certs-v00@openssh.com")) {
		reader_u8(r); /* the certificates alone? */
		reader_string(r);
		return CONSTRAINT_CERTIFICATES;
	}
	reader_fail(r, PARSE_VALUE);
	return CONSTRAINT_UNKNOWN;
}

unsigned
constraints_flags(struct bytes constraints)
{
	struct reader r = reader_of(constraints);
	unsigned flags = 0;

	while (r.err == PARSE_OK && r.rest.len > 0)
		switch (reader_u8(&r)) {
		case SSH_AGENT_CONSTRAIN_LIFETIME:
			reader_u32(&r);
			flags |= CONSTRAINT_LIFETIME;
			break;
		case SSH_AGENT_CONSTRAIN_CONFIRM:
			flags |= CONSTRAINT_CONFIRM;
			break;
		case SSH_AGENT_CONSTRAIN_EXTENSION:
			flags |= constraint_extension(&r);
			break;
		default:
			reader_fail(&r, PARSE_VALUE);
			break;
		}
	return r.err == PARSE_OK ? flags : flags | CONSTRAINT_UNKNOWN;
}

enum parse_err
extension_request_parse(struct bytes body, struct extension_request *ret)
{
	struct reader r = reader_of(body);
	struct extension_request m;

	m.name = reader_string(&r);
	/* Not a string (RFC 9987 section 4.7): its format is the extension's.
	 */
	m.contents = reader_raw(&r, r.rest.len);
	if (reader_finish(&r) == PARSE_OK)
		*ret = m;
	return r.err;
}

static size_t
reply_begin(struct buffer *b, enum agent_message type)
{
	size_t frame = buffer_begin(b);

	buffer_put_u8(b, (uint8_t)type);
	return frame;
}

static void
reply_put_bare(struct buffer *b, enum agent_message type)
{
	buffer_end(b, reply_begin(b, type));
}

void
reply_put_failure(struct buffer *b)
{
	reply_put_bare(b, SSH_AGENT_FAILURE);
}

void
reply_put_success(struct buffer *b)
{
	reply_put_bare(b, SSH_AGENT_SUCCESS);
}

void
reply_put_extension_failure(struct buffer *b)
{
	reply_put_bare(b, SSH_AGENT_EXTENSION_FAILURE);
}

struct identities_mark
reply_identities_begin(struct buffer *b)
{
	struct identities_mark mark;

	mark.frame = reply_begin(b, SSH_AGENT_IDENTITIES_ANSWER);
	mark.count = b->len;
	buffer_put_u32(b, 0);
	return mark;
}

void
reply_identity_put(
    struct buffer *b, struct bytes key_blob, struct bytes comment)
{
	const uint8_t *nul = NULL;

	if (comment.len > 0)
		nul = memchr(comment.p, 0, comment.len);
	if (nul != NULL)
		comment.len = (size_t)(nul - comment.p);
	buffer_put_string(b, key_blob);
	buffer_put_string(b, comment);
}

void
reply_identities_end(struct buffer *b, struct identities_mark mark, uint32_t n)
{
	if (b->failed)
		return;
	put_be32(b->p + mark.count, n);
	buffer_end(b, mark.frame);
}

void
reply_put_signature(struct buffer *b, struct bytes signature_blob)
{
	size_t frame = reply_begin(b, SSH_AGENT_SIGN_RESPONSE);

	buffer_put_string(b, signature_blob);
	buffer_end(b, frame);
}

void
reply_put_query(struct buffer *b, const char *const *names)
{
	size_t frame = reply_begin(b, SSH_AGENT_EXTENSION_RESPONSE);

	buffer_put_cstring(b, "query");
	for (; *names != NULL; names++)
		buffer_put_cstring(b, *names);
	buffer_end(b, frame);
}

#define NAMED(message)            \
	{                         \
		message, #message \
	}
static const struct {
	enum agent_message number;
	const char *name;
} message_names[] = {
    NAMED(SSH_AGENT_FAILURE),
    NAMED(SSH_AGENT_SUCCESS),
    NAMED(SSH_AGENTC_REMOVE_ALL_RSA_IDENTITIES),
    NAMED(SSH_AGENTC_REQUEST_IDENTITIES),
    NAMED(SSH_AGENT_IDENTITIES_ANSWER),
    NAMED(SSH_AGENTC_SIGN_REQUEST),
    NAMED(SSH_AGENT_SIGN_RESPONSE),
    NAMED(SSH_AGENTC_ADD_IDENTITY),
    NAMED(SSH_AGENTC_REMOVE_IDENTITY),
    NAMED(SSH_AGENTC_REMOVE_ALL_IDENTITIES),
    NAMED(SSH_AGENTC_ADD_SMARTCARD_KEY),
    NAMED(SSH_AGENTC_REMOVE_SMARTCARD_KEY),
    NAMED(SSH_AGENTC_LOCK),
    NAMED(SSH_AGENTC_UNLOCK),
    NAMED(SSH_AGENTC_ADD_ID_CONSTRAINED),
    NAMED(SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED),
    NAMED(SSH_AGENTC_EXTENSION),
    NAMED(SSH_AGENT_EXTENSION_FAILURE),
    NAMED(SSH_AGENT_EXTENSION_RESPONSE),
};
#undef NAMED

const char *
agent_message_name(uint8_t type)
{
	size_t n = sizeof(message_names) / sizeof(message_names[0]);

	for (size_t i = 0; i < n; i++)
		if (message_names[i].number == type)
			return message_names[i].name;
	return "unknown";
}
