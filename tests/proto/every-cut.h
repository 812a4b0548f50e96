/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every parser of a message must do: take the whole of it, refuse each
 * truncation of it and a byte too many, and leave *ret alone when it refuses.
 */
#ifndef P11_AGENT_TESTS_PROTO_EVERY_CUT_H
#define P11_AGENT_TESTS_PROTO_EVERY_CUT_H

#include <stdlib.h>

#include "common/reader.h"
#include "tests/cmocka-all.h"

typedef enum parse_err (*parse_fn)(struct bytes body);

/*
 * Define a parse_fn around a call that parses `body` into `&m` of a type; it
 * fails the test when an error came back and m changed all the same.
 */
#define DEFINE_PARSE_FN(name, type, call)                                      \
	static enum parse_err name(struct bytes body)                          \
	{                                                                      \
		type m, before;                                                \
		enum parse_err err;                                            \
                                                                               \
		memset(&m, 0xa5, sizeof(m));                                   \
		memset(&before, 0xa5, sizeof(before));                         \
		err = (call);                                                  \
		if (err != PARSE_OK)                                           \
			assert_memory_equal(&m, &before, sizeof(m));           \
		return err;                                                    \
	}

/* The parser gets a block of just this size, for a sanitizer to watch. */
static enum parse_err
parse_copy(parse_fn parse, struct bytes body)
{
	enum parse_err err;
	uint8_t *copy;
	size_t len;

	assert_true(bytes_dup(body, &copy, &len));
	err = parse(bytes_of(copy, len));
	free(copy);
	return err;
}

/*
 * Fewer than `fixed` bytes must be PARSE_TRUNCATED, more than all PARSE_TRAILING
 * unless the message is `open`: takes whatever follows its fixed part.
 */
static void
check_every_cut(const char *name, parse_fn parse, struct bytes body,
    size_t fixed, bool open)
{
	uint8_t *longer = calloc(1, body.len + 1);

	assert_non_null(longer);
	if (body.len > 0)
		memcpy(longer, body.p, body.len);
	for (size_t len = 0; len <= body.len + 1; len++) {
		enum parse_err want = PARSE_OK;
		enum parse_err got;

		if (len < fixed)
			want = PARSE_TRUNCATED;
		else if (len > body.len && !open)
			want = PARSE_TRAILING;
		got = parse_copy(parse, bytes_of(longer, len));
		if (got != want)
			fail_msg("%s, %zu of %zu bytes: %s", name, len,
			    body.len, parse_err_text(got));
	}
	free(longer);
}

#endif
