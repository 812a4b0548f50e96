/* SPDX-License-Identifier: BSD-2-Clause */
/* What p11-agent-prompt answers. */
#include "prompt/question.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buffer b = BUFFER_INIT(8 * WIRE_TEXT_MAX_BYTES);
	struct answer a;

	if (answer_parse(bytes_of(data, len), &a) != PARSE_OK)
		return 0;
	answer_put(&b, &a);
	FUZZ_CHECK(b.len == len + 4);
	FUZZ_CHECK(memcmp(b.p + 4, data, len) == 0);
	buffer_clear(&b);
	return 0;
}
