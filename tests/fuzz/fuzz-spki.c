/* SPDX-License-Identifier: BSD-2-Clause */
/* A SubjectPublicKeyInfo, as CKA_PUBLIC_KEY_INFO has it. */
#include "tests/fuzz/public-key.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct key_value v;

	if (key_value_spki(bytes_of(data, len), &v))
		check_key_value(&v);
	return 0;
}
