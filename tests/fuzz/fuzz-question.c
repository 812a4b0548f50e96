/* SPDX-License-Identifier: BSD-2-Clause */
/* What the daemon asks p11-agent-prompt. */
#include "prompt/question.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buffer b = BUFFER_INIT(8 * WIRE_TEXT_MAX_BYTES);
	struct question q;

	if (question_parse(bytes_of(data, len), &q) != PARSE_OK)
		return 0;
	question_put(&b, &q);
	FUZZ_CHECK(b.len == len + 4);
	FUZZ_CHECK(memcmp(b.p + 4, data, len) == 0);
	buffer_clear(&b);
	return 0;
}
