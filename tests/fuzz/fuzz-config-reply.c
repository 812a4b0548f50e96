/* SPDX-License-Identifier: BSD-2-Clause */
/* What p11-agent-config answers, a config or a path or an error. */
#include "agent/config-child.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config_reply r;
	char *path = NULL;

	if (config_reply_parse(bytes_of(data, len), &r) != PARSE_OK)
		return 0;
	FUZZ_CHECK(r.content.len == len - 1);
	if (config_reply_path(r.content, &path) == PARSE_OK) {
		FUZZ_CHECK(path[0] == '/');
		FUZZ_CHECK(bytes_is(r.content, path));
	} else {
		FUZZ_CHECK(path == NULL);
	}
	free(path);
	return 0;
}
