/* SPDX-License-Identifier: BSD-2-Clause */
/* How the wire names keys and tokens. */
#include "common/text.h"
#include "pkcs11/wire.h"
#include "tests/cmocka-all.h"

#define LITERAL(s) bytes_of(s, sizeof(s) - 1)
#define CONSTANT(s) {(const uint8_t *)(s), sizeof(s) - 1}

static const struct token_id token_id = {
	.manufacturer = CONSTANT("Yubico"),
	.model = CONSTANT("YubiKey YK5"),
	.serial = CONSTANT("10112904"),
	.label = CONSTANT("work"),
	.slot_description = CONSTANT("Yubico YubiKey CCID 00 00"),
};

/* SHA-256 over 05 00000020 00..1f 00000000, by another implementation. */
static void
names_keys(void **state)
{
	struct public_key key = {KEY_ED25519, BYTES_NONE, BYTES_NONE};
	uint8_t a[32], ref[KEY_REF_BYTES], other[KEY_REF_BYTES];
	char hex[2 * KEY_REF_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(a); i++)
		a[i] = (uint8_t)i;
	key.a = bytes_of(a, sizeof(a));
	assert_true(key_ref(&key, ref));
	assert_string_equal(
	    text_hex(bytes_of(ref, sizeof(ref)), hex, sizeof(hex)),
	    "a7a54d6756b5d64c6e4e2e1e618a1571528b52ec28ff8457e4d180f5a22b0136");
	key = (struct public_key){KEY_OTHER, LITERAL("ab"), LITERAL("c")};
	assert_true(key_ref(&key, ref));
	key = (struct public_key){KEY_OTHER, LITERAL("a"), LITERAL("bc")};
	assert_true(key_ref(&key, other));
	assert_memory_not_equal(ref, other, sizeof(ref));
}

static void
same_tokens(void **state)
{
	struct token_id other = token_id;

	(void)state;
	other.slot_description = bytes_str("another reader");
	assert_true(token_id_same(&token_id, &other));
	other.label = bytes_str("home");
	assert_false(token_id_same(&token_id, &other));
	other = token_id;
	other.serial = bytes_str("10112905");
	assert_false(token_id_same(&token_id, &other));
	other = token_id;
	other.model = BYTES_NONE;
	assert_false(token_id_same(&token_id, &other));
	other = token_id;
	other.manufacturer = bytes_str("yubico");
	assert_false(token_id_same(&token_id, &other));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_keys),
		cmocka_unit_test(same_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
