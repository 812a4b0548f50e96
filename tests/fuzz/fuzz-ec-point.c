/* SPDX-License-Identifier: BSD-2-Clause */
/* CKA_EC_PARAMS (behind a byte of length) and CKA_EC_POINT. */
#include "tests/fuzz/public-key.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes params, point;
	struct key_value v;

	if (len == 0 || data[0] > len - 1)
		return 0;
	params = bytes_of(data + 1, data[0]);
	point = bytes_of(data + 1 + data[0], len - 1 - data[0]);
	if (!key_value_ec(params, point, &v))
		return 0;
	if (v.key.kind != KEY_OTHER)
		FUZZ_CHECK(v.key.kind == curve_kind(params));
	check_key_value(&v);
	return 0;
}
