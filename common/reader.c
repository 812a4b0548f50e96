/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads SSH-style messages; the first fault sticks. */
#include "common/reader.h"

#include "common/endian.h"

const char *
parse_err_text(enum parse_err err)
{
	switch (err) {
	case PARSE_OK:
		return "success";
	case PARSE_TRUNCATED:
		return "message ends early";
	case PARSE_TRAILING:
		return "bytes after the end of the message";
	case PARSE_LIMIT:
		return "a size or count is over its limit";
	case PARSE_VALUE:
		return "a field has a value that it may not have";
	case PARSE_MEMORY:
		return "out of memory";
	}
	return "unknown error";
}

void
reader_fail(struct reader *r, enum parse_err err)
{
	if (r->err == PARSE_OK)
		r->err = err;
}

struct bytes
reader_raw(struct reader *r, size_t n)
{
	struct bytes out = {r->rest.p, n};

	if (n > r->rest.len)
		reader_fail(r, PARSE_TRUNCATED);
	if (r->err != PARSE_OK)
		return BYTES_NONE;
	if (n > 0)
		r->rest.p += n;
	r->rest.len -= n;
	return out;
}

uint8_t
reader_u8(struct reader *r)
{
	struct bytes b = reader_raw(r, 1);

	return b.len == 1 ? b.p[0] : 0;
}

bool
reader_bool(struct reader *r)
{
	uint8_t v = reader_u8(r);

	if (v > 1)
		reader_fail(r, PARSE_VALUE);
	return v == 1;
}

uint32_t
reader_u32(struct reader *r)
{
	struct bytes b = reader_raw(r, 4);

	return b.len == 4 ? get_be32(b.p) : 0;
}

uint64_t
reader_u64(struct reader *r)
{
	uint64_t high = reader_u32(r);

	return high << 32 | reader_u32(r);
}

struct bytes
reader_string_max(struct reader *r, size_t max)
{
	uint32_t len = reader_u32(r);

	if (len > max)
		reader_fail(r, PARSE_LIMIT);
	return reader_raw(r, len);
}

struct bytes
reader_string(struct reader *r)
{
	return reader_raw(r, reader_u32(r));
}

uint32_t
reader_count(struct reader *r, uint32_t max, size_t item_min)
{
	uint32_t n = reader_u32(r);

	if (n > max)
		reader_fail(r, PARSE_LIMIT);
	else if (item_min != 0 && n > r->rest.len / item_min)
		reader_fail(r, PARSE_TRUNCATED);
	return r->err == PARSE_OK ? n : 0;
}

enum parse_err
reader_finish(struct reader *r)
{
	if (r->rest.len != 0)
		reader_fail(r, PARSE_TRAILING);
	return r->err;
}
