/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/secret.h"

#include "common/limits.h"
#include "tests/cmocka-all.h"

static void
holds_and_compares(void **state)
{
	struct secret *a = secret_new(bytes_str("123456"));
	struct secret *b = secret_new(bytes_str("123456"));
	struct secret *c = secret_new(bytes_str("123457"));
	struct secret *none = secret_new(BYTES_NONE);

	(void)state;
	assert_non_null(a);
	assert_non_null(none);
	assert_true(bytes_is(secret_bytes(a), "123456"));
	assert_true(secret_equal(a, b));
	assert_false(secret_equal(a, c));
	assert_false(secret_equal(a, none));
	assert_false(secret_equal(a, NULL));
	assert_int_equal(secret_bytes(none).len, 0);
	assert_int_equal(secret_bytes(NULL).len, 0);
	assert_null(secret_free(a));
	secret_freep(&b);
	secret_free(c);
	secret_free(none);
	assert_null(secret_free(NULL));
}

static void
too_long_is_refused(void **state)
{
	static const uint8_t big[SECRET_MAX_BYTES + 1];
	struct secret *s = secret_new(bytes_of(big, SECRET_MAX_BYTES));

	(void)state;
	assert_non_null(s);
	assert_int_equal(secret_bytes(s).len, SECRET_MAX_BYTES);
	secret_free(s);
	assert_null(secret_new(bytes_of(big, sizeof(big))));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_and_compares),
		cmocka_unit_test(too_long_is_refused),
	};

	return cmocka_run_group_tests_name("common/secret", tests, NULL, NULL);
}
