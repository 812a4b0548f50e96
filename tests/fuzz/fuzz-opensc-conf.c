/* SPDX-License-Identifier: BSD-2-Clause */
/* opensc.conf: what was changed parses again, and nothing of it is lost. */
#include "common/limits.h"
#include "pkcs11/opensc-conf.h"
#include "tests/fuzz/fuzz.h"

/* All of text is in out, but for one insertion. */
static bool
holds_all(struct bytes out, struct bytes text)
{
	size_t at = 0, end = 0;

	while (at < text.len && at < out.len && out.p[at] == text.p[at])
		at++;
	while (end < text.len && end < out.len &&
	    out.p[out.len - 1 - end] == text.p[text.len - 1 - end])
		end++;
	return out.len >= text.len && at + end >= text.len;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct bytes text = bytes_of(data, len);
	const struct bytes name = bytes_str("Reader 00 00");
	const struct opensc_readers readers = {&name, 1, BYTES_NONE};
	struct buffer once = BUFFER_INIT(CONFIG_FILE_MAX_BYTES);
	struct buffer twice = BUFFER_INIT(CONFIG_FILE_MAX_BYTES);
	unsigned int line = 0;

	if (!opensc_conf_merge(text, &readers, &once, &line)) {
		FUZZ_CHECK(line > 0 && once.len == 0);
		return 0;
	}
	if (!once.failed) {
		FUZZ_CHECK(holds_all(buffer_bytes(&once), text));
		FUZZ_CHECK(once.len > len);
		FUZZ_CHECK(opensc_conf_merge(
		    buffer_bytes(&once), &readers, &twice, &line));
		/* The second time there is a list to add to. */
		FUZZ_CHECK(twice.failed ||
		    twice.len == once.len + strlen(" \"Reader 00 00\","));
	}
	buffer_clear(&once);
	buffer_clear(&twice);
	return 0;
}
