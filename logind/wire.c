/* SPDX-License-Identifier: BSD-2-Clause */
/* The messages of p11-agent-logind, put together and taken apart. */
#include "logind/wire.h"

void
logind_message_put(struct buffer *b, const struct logind_message *m)
{
	size_t frame = buffer_begin(b);

	buffer_put_u8(b, (uint8_t)m->type);
	buffer_put_string(b, m->text);
	buffer_end(b, frame);
}

enum parse_err
logind_message_parse(struct bytes body, struct logind_message *ret)
{
	struct reader r = reader_of(body);
	uint8_t type = reader_u8(&r);
	struct bytes text = reader_string_max(&r, WIRE_TEXT_MAX_BYTES);

	if (type < LOGIND_WATCHING || type > LOGIND_LOCK ||
	    (text.len > 0) != (type == LOGIND_FAULT))
		reader_fail(&r, PARSE_VALUE);
	if (reader_finish(&r) == PARSE_OK)
		*ret = (struct logind_message){(enum logind_type)type, text};
	return r.err;
}
