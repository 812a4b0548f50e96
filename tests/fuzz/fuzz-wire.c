/* SPDX-License-Identifier: BSD-2-Clause */
/* The wire, both directions: what parses is put together the same again. */
#include <string.h>

#include "common/limits.h"
#include "pkcs11/wire.h"
#include "tests/fuzz/fuzz.h"

#define CASE(number, type, name)                                               \
	case number: {                                                         \
		type m;                                                        \
		err = name##_parse(body, &m);                                  \
		if (err == PARSE_OK)                                           \
			name##_put(b, &m);                                     \
		break;                                                         \
	}

/* The token's keys with it, as the daemon reads them. */
static void
put_token(struct buffer *b, struct wire_token *t)
{
	size_t mark = wire_token_begin(b, t);
	struct wire_key k;
	uint32_t n = 0;

	for (; wire_key_next(t, &k); n++)
		wire_key_put(b, &k);
	FUZZ_CHECK(n == t->n_keys && n <= KEYS_PER_TOKEN_MAX);
	wire_token_end(b, mark);
}

static enum parse_err
parse_and_put(uint8_t type, struct bytes body, struct buffer *b)
{
	enum parse_err err = PARSE_VALUE;
	struct wire_token token;

	switch (type) {
		CASE(WIRE_START, struct wire_start, wire_start)
		CASE(WIRE_LOGIN, struct wire_login, wire_login)
		CASE(WIRE_SIGN, struct wire_sign, wire_sign)
		CASE(WIRE_MODULE, struct wire_module, wire_module)
		CASE(WIRE_FAILED, struct wire_error, wire_failed)
		CASE(WIRE_REGISTERED, struct wire_registered, wire_registered)
		CASE(WIRE_LOGIN_RESULT, struct wire_login_result,
		    wire_login_result)
		CASE(WIRE_SIGN_RESULT, struct wire_sign_result,
		    wire_sign_result)
	case WIRE_TOKEN:
		err = wire_token_parse(body, &token);
		if (err == PARSE_OK)
			put_token(b, &token);
		break;
	}
	return err;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buffer b = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);

	if (len == 0 || len > WIRE_REPLY_MAX_BYTES - 4)
		return 0;
	if (parse_and_put(data[0], bytes_of(data + 1, len - 1), &b) ==
	    PARSE_OK)
		FUZZ_CHECK(b.len == len + 4 &&
		    memcmp(b.p + 4, data, len) == 0);
	else
		FUZZ_CHECK(b.len == 0);
	buffer_clear(&b);
	return 0;
}
