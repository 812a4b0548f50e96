/* SPDX-License-Identifier: BSD-2-Clause */
/* A config file's text, up to what the daemon gets of it. */
#include "agent/config-grammar.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* allowed.conf: no include, so that no other file is opened. */
	const struct config_source source = {
	    .path = "fuzz.conf",
	    .is_allowed = true,
	};
	struct config_loader l;
	size_t n_keys = 0;
	bool ok;

	FUZZ_CHECK(config_loader_init(&l));
	ok = config_grammar_parse(&l, &source, bytes_of(data, len), &n_keys);
	FUZZ_CHECK(ok == (l.error[0] == '\0'));
	if (ok)
		FUZZ_CHECK(l.config->n_keys == n_keys);
	config_loader_clear(&l);
	return 0;
}
