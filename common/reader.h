/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads SSH-style messages (RFC 4251 section 5). The first fault sticks:
 * later reads give zeros and empty views, so a parser reads everything,
 * checks reader_finish once, and only then acts.
 */
#ifndef P11_AGENT_COMMON_READER_H
#define P11_AGENT_COMMON_READER_H

#include "common/bytes.h"

enum parse_err {
	PARSE_OK,
	PARSE_TRUNCATED, /* the message ends early */
	PARSE_TRAILING,	 /* bytes after the end of the message */
	PARSE_LIMIT,	 /* a size or count over its limit */
	PARSE_VALUE,	 /* a field has a value that it may not have */
	PARSE_MEMORY,	 /* memory is out */
};

/* What went wrong, in words; never NULL. */
const char *parse_err_text(enum parse_err err);

struct reader {
	struct bytes rest;
	enum parse_err err;
};

static inline struct reader
reader_of(struct bytes b)
{
	return (struct reader){b, PARSE_OK};
}

uint8_t reader_u8(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);

/* One byte that must be 0 or 1 (else PARSE_VALUE). */
bool reader_bool(struct reader *r);

/* Exactly n bytes; borrowed from the message. */
struct bytes reader_raw(struct reader *r, size_t n);

/* A length and that many bytes; borrowed. */
struct bytes reader_string(struct reader *r);

/* The same, PARSE_LIMIT when it is longer than max bytes. */
struct bytes reader_string_max(struct reader *r, size_t max);

/*
 * A count of items that follow, each at least item_min bytes long:
 * PARSE_LIMIT over max, PARSE_TRUNCATED when they cannot fit in the rest.
 */
uint32_t reader_count(struct reader *r, uint32_t max, size_t item_min);

/* Record a fault found by the caller, unless there was one before. */
void reader_fail(struct reader *r, enum parse_err err);

/* PARSE_TRAILING unless everything was read; the first fault wins. */
enum parse_err reader_finish(struct reader *r);

#endif
