/* SPDX-License-Identifier: BSD-2-Clause */
/* The message of p11-agent-readers, put together and taken apart. */
#include "pkcs11/readers-wire.h"

#include "common/text.h"

enum {
	/* The length of a name, four flags and a number. */
	CARD_READER_LEAST_BYTES = 4 + 4 + 4,
	/* What SCARD_READERSTATE.dwEventState has room for. */
	CARD_READER_EVENTS_MAX = 0xffff,
};

static void
put_card_reader(struct buffer *b, const struct card_reader *r)
{
	buffer_put_string(b, r->name);
	buffer_put_bool(b, r->card_present);
	buffer_put_bool(b, r->exclusive);
	buffer_put_bool(b, r->in_use);
	buffer_put_bool(b, r->mute);
	buffer_put_u32(b, r->events);
}

void
readers_state_put(struct buffer *b, const struct readers_state *m)
{
	size_t mark = buffer_begin(b);

	buffer_put_u8(b, READERS_STATE);
	buffer_put_u8(b, (uint8_t)m->service);
	buffer_put_string(b, m->text);
	buffer_put_u32(b, m->n_readers);
	for (uint32_t i = 0; i < m->n_readers; i++)
		put_card_reader(b, &m->readers[i]);
	buffer_end(b, mark);
}

void
readers_note_put(struct buffer *b, enum readers_type type)
{
	size_t mark = buffer_begin(b);

	buffer_put_u8(b, (uint8_t)type);
	buffer_end(b, mark);
}

static struct card_reader
read_card_reader(struct reader *r)
{
	struct card_reader c = {0};

	c.name = reader_string_max(r, READER_NAME_MAX_BYTES);
	c.card_present = reader_bool(r);
	c.exclusive = reader_bool(r);
	c.in_use = reader_bool(r);
	c.mute = reader_bool(r);
	c.events = reader_u32(r);
	if (r->err == PARSE_OK &&
	    (c.name.len == 0 || c.events > CARD_READER_EVENTS_MAX))
		reader_fail(r, PARSE_VALUE);
	return c;
}

static enum readers_service
read_service(struct reader *r)
{
	uint8_t v = reader_u8(r);

	if (v > READERS_UNSUPPORTED)
		reader_fail(r, PARSE_VALUE);
	return (enum readers_service)v;
}

enum parse_err
readers_state_parse(struct bytes body, struct readers_state *ret)
{
	struct reader r = reader_of(body);
	struct readers_state m = {0};

	m.service = read_service(&r);
	m.text = reader_string_max(&r, WIRE_TEXT_MAX_BYTES);
	m.n_readers =
	    reader_count(&r, WIRE_READERS_MAX, CARD_READER_LEAST_BYTES);
	if (m.service != READERS_OK && m.n_readers != 0)
		reader_fail(&r, PARSE_VALUE);
	for (uint32_t i = 0; i < m.n_readers && r.err == PARSE_OK; i++) {
		struct card_reader c = read_card_reader(&r);

		/* One name twice would be two answers to one question. */
		if (r.err == PARSE_OK && readers_find(&m, c.name) != NULL)
			reader_fail(&r, PARSE_VALUE);
		m.readers[i] = c;
	}
	if (reader_finish(&r) == PARSE_OK)
		*ret = m;
	return r.err;
}

const struct card_reader *
readers_find(const struct readers_state *m, struct bytes name)
{
	for (uint32_t i = 0; i < m->n_readers; i++)
		if (bytes_equal(m->readers[i].name, name))
			return &m->readers[i];
	return NULL;
}

bool
readers_name_is_slot(struct bytes name, struct bytes slot_description)
{
	if (name.len > SLOT_DESCRIPTION_MAX_BYTES)
		name.len = SLOT_DESCRIPTION_MAX_BYTES;
	return name.len > 0 &&
	    bytes_equal(text_unpad(name), slot_description);
}
