/* SPDX-License-Identifier: BSD-2-Clause */
/* The flat config that p11-agent-config hands to the daemon. */
#include "agent/config-flat.h"
#include "common/limits.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buffer b = BUFFER_INIT(CONFIG_FLAT_MAX_BYTES);
	struct config *c = NULL;

	if (config_parse(bytes_of(data, len), &c) != PARSE_OK) {
		FUZZ_CHECK(c == NULL);
		return 0;
	}
	FUZZ_CHECK(c->max_identities >= 1);
	FUZZ_CHECK(c->max_identities <= IDENTITIES_MAX);
	config_put(&b, c);
	FUZZ_CHECK(b.len == len);
	FUZZ_CHECK(memcmp(b.p, data, len) == 0);
	buffer_clear(&b);
	config_free(c);
	return 0;
}
