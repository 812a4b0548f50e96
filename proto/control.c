/* SPDX-License-Identifier: BSD-2-Clause */
/* Control messages, put together and taken apart. */
#include "proto/control.h"

void
control_request_put(struct buffer *b, const struct control_request *m)
{
	size_t frame = buffer_begin(b);

	buffer_put_u8(b, CONTROL_VERSION);
	buffer_put_u32(b, m->n_words);
	for (uint32_t i = 0; i < m->n_words; i++)
		buffer_put_string(b, m->words[i]);
	buffer_end(b, frame);
}

void
control_reply_put(struct buffer *b, const struct control_reply *m)
{
	size_t frame = buffer_begin(b);

	buffer_put_u8(b, CONTROL_VERSION);
	buffer_put_u8(b, (uint8_t)m->status);
	buffer_put_string(b, m->text);
	buffer_end(b, frame);
}

/* First of all: what follows may look different in another version. */
static void
check_version(struct reader *r)
{
	uint8_t version = reader_u8(r);

	if (version != CONTROL_VERSION)
		reader_fail(r, PARSE_VALUE);
}

enum parse_err
control_request_parse(struct bytes body, struct control_request *ret)
{
	struct reader r = reader_of(body);
	struct control_request m = {0};

	check_version(&r);
	m.n_words = reader_count(&r, CONTROL_ARGS_MAX, 4);
	if (m.n_words == 0)
		reader_fail(&r, PARSE_VALUE);
	for (uint32_t i = 0; i < m.n_words; i++)
		m.words[i] = reader_string(&r);
	if (reader_finish(&r) == PARSE_OK)
		*ret = m;
	return r.err;
}

static enum control_status
read_status(struct reader *r)
{
	uint8_t status = reader_u8(r);

	if (status > CONTROL_USAGE)
		reader_fail(r, PARSE_VALUE);
	return (enum control_status)status;
}

enum parse_err
control_reply_parse(struct bytes body, struct control_reply *ret)
{
	struct reader r = reader_of(body);
	struct control_reply m;

	check_version(&r);
	m.status = read_status(&r);
	m.text = reader_string(&r);
	if (reader_finish(&r) == PARSE_OK)
		*ret = m;
	return r.err;
}
