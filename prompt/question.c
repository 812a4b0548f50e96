/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions and answers, put together and taken apart.
 *
 *   question: byte kind, string title, string text, string warning,
 *             uint32 client pid, string sources, bool persons only
 *   answer:   byte status, string secret, string text, bool unattended
 */
#include "prompt/question.h"

void
question_put(struct buffer *b, const struct question *q)
{
	size_t frame = buffer_begin(b);

	buffer_put_u8(b, (uint8_t)q->kind);
	buffer_put_string(b, q->title);
	buffer_put_string(b, q->text);
	buffer_put_string(b, q->warning);
	buffer_put_u32(b, q->client_pid);
	buffer_put_string(b, q->sources);
	buffer_put_bool(b, q->persons_only);
	buffer_end(b, frame);
}

void
answer_put(struct buffer *b, const struct answer *a)
{
	size_t frame = buffer_begin(b);

	buffer_put_u8(b, (uint8_t)a->status);
	buffer_put_string(b, a->secret);
	buffer_put_string(b, a->text);
	buffer_put_bool(b, a->unattended);
	buffer_end(b, frame);
}

static enum question_kind
read_kind(struct reader *r)
{
	uint8_t kind = reader_u8(r);

	if (kind < QUESTION_PIN || kind > QUESTION_NOTICE)
		reader_fail(r, PARSE_VALUE);
	return (enum question_kind)kind;
}

enum parse_err
question_parse(struct bytes body, struct question *ret)
{
	struct reader r = reader_of(body);
	struct question q;

	q.kind = read_kind(&r);
	q.title = reader_string_max(&r, WIRE_TEXT_MAX_BYTES);
	q.text = reader_string_max(&r, WIRE_TEXT_MAX_BYTES);
	q.warning = reader_string_max(&r, WIRE_TEXT_MAX_BYTES);
	q.client_pid = reader_u32(&r);
	q.sources = reader_string_max(&r, WIRE_TEXT_MAX_BYTES);
	q.persons_only = reader_bool(&r);
	if (reader_finish(&r) == PARSE_OK)
		*ret = q;
	return r.err;
}

static enum answer_status
read_status(struct reader *r)
{
	uint8_t status = reader_u8(r);

	if (status > ANSWER_NO_WAY)
		reader_fail(r, PARSE_VALUE);
	return (enum answer_status)status;
}

enum parse_err
answer_parse(struct bytes body, struct answer *ret)
{
	struct reader r = reader_of(body);
	struct answer a;

	a.status = read_status(&r);
	a.secret = reader_string_max(&r, SECRET_MAX_BYTES);
	a.text = reader_string_max(&r, WIRE_TEXT_MAX_BYTES);
	a.unattended = reader_bool(&r);
	if (reader_finish(&r) == PARSE_OK)
		*ret = a;
	return r.err;
}
