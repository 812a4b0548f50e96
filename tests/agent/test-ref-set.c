/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/ref-set.h"

#include <stdlib.h>
#include <string.h>

#include "pkcs11/wire.h"
#include "tests/cmocka-all.h"

enum { MANY = 64 * 256 };

/* References that are alike in all but the last of the bytes that count. */
static uint8_t (*make_refs(void))[KEY_REF_BYTES]
{
	uint8_t (*refs)[KEY_REF_BYTES] = calloc(MANY, sizeof(*refs));

	assert_non_null(refs);
	for (size_t i = 0; i < MANY; i++) {
		refs[i][6] = (uint8_t)i;
		refs[i][7] = (uint8_t)(i >> 8);
	}
	return refs;
}

static void
what_was_put_is_found(void **state)
{
	uint8_t (*refs)[KEY_REF_BYTES] = make_refs();
	struct ref_set s = {0};

	(void)state;
	assert_null(ref_set_get(&s, refs[0]));
	assert_true(ref_set_init(&s, 3));
	assert_null(ref_set_put(&s, refs[0], refs[0]));
	assert_null(ref_set_put(&s, refs[1], refs[1]));
	assert_ptr_equal(ref_set_put(&s, refs[1], refs[2]), refs[1]);
	assert_ptr_equal(ref_set_get(&s, refs[0]), refs[0]);
	assert_ptr_equal(ref_set_get(&s, refs[1]), refs[1]);
	assert_null(ref_set_get(&s, refs[2]));
	ref_set_clear(&s);
	assert_null(ref_set_get(&s, refs[0]));
	assert_true(ref_set_init(&s, 0));
	assert_null(ref_set_get(&s, refs[0]));
	ref_set_clear(&s);
	free(refs);
}

/* As many as 64 tokens with 256 keys have: a few looks for each. */
static void
many_are_not_slow(void **state)
{
	uint8_t (*refs)[KEY_REF_BYTES] = make_refs();
	struct ref_set s;

	(void)state;
	assert_true(ref_set_init(&s, MANY));
	for (size_t i = 0; i < MANY; i++)
		assert_null(ref_set_put(&s, refs[i], refs[i]));
	for (size_t i = 0; i < MANY; i++)
		assert_ptr_equal(ref_set_get(&s, refs[i]), refs[i]);
	assert_in_range(s.steps, MANY, 16 * MANY);
	ref_set_clear(&s);
	free(refs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_found),
		cmocka_unit_test(many_are_not_slow),
	};

	return cmocka_run_group_tests_name("agent/ref-set", tests, NULL,
	    NULL);
}
