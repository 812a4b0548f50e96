/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of wrong PINs. */
#include "agent/pin-store.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buffer b = BUFFER_INIT(PIN_STORE_MAX_BYTES);
	static struct pin_store s, again;

	if (pin_store_parse(bytes_of(data, len), &s) != PARSE_OK)
		return 0;
	pin_store_put(&b, &s);
	FUZZ_CHECK(!b.failed);
	/* An older form becomes this one. */
	if (len >= 8 && data[7] == '2')
		FUZZ_CHECK(bytes_equal(buffer_bytes(&b), bytes_of(data, len)));
	FUZZ_CHECK(pin_store_parse(buffer_bytes(&b), &again) == PARSE_OK);
	FUZZ_CHECK(again.n == s.n);
	buffer_clear(&b);
	return 0;
}
