/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agent-logind's messages: what parses is put together the same again. */
#include <string.h>

#include "logind/wire.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buffer b = BUFFER_INIT(2 * WIRE_TEXT_MAX_BYTES);
	struct logind_message m;

	if (logind_message_parse(bytes_of(data, len), &m) != PARSE_OK)
		return 0;
	logind_message_put(&b, &m);
	FUZZ_CHECK(b.len == len + 4 && memcmp(b.p + 4, data, len) == 0);
	buffer_clear(&b);
	return 0;
}
