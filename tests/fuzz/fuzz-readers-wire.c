/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agent-readers' message: what parses is put together the same again. */
#include <string.h>

#include "pkcs11/readers-wire.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buffer b = BUFFER_INIT(READERS_MSG_MAX_BYTES + 4);
	struct readers_state m;

	if (len == 0 || len > READERS_MSG_MAX_BYTES ||
	    data[0] != READERS_STATE)
		return 0;
	if (readers_state_parse(bytes_of(data + 1, len - 1), &m) != PARSE_OK)
		return 0;
	readers_state_put(&b, &m);
	FUZZ_CHECK(b.len == len + 4 && memcmp(b.p + 4, data, len) == 0);
	for (uint32_t i = 0; i < m.n_readers; i++)
		FUZZ_CHECK(readers_find(&m, m.readers[i].name) ==
		    &m.readers[i]);
	buffer_clear(&b);
	return 0;
}
