/* SPDX-License-Identifier: BSD-2-Clause */
/* An X.509 certificate, as CKA_VALUE has it. */
#include "tests/fuzz/public-key.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct key_value v;

	if (key_value_certificate(bytes_of(data, len), &v))
		check_key_value(&v);
	return 0;
}
