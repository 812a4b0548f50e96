/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of wrong PINs. */
#include "agent/pin-store.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buffer b = BUFFER_INIT(PIN_STORE_MAX_BYTES);
	static struct pin_store s;

	if (pin_store_parse(bytes_of(data, len), &s) != PARSE_OK)
		return 0;
	pin_store_put(&b, &s);
	FUZZ_CHECK(!b.failed && b.len == len);
	FUZZ_CHECK(memcmp(b.p, data, len) == 0);
	buffer_clear(&b);
	return 0;
}
