/* SPDX-License-Identifier: BSD-2-Clause */
/* The PIN that goes with a signature, and what comes back of it. */
#include "pkcs11/wire.h"
#include "tests/cmocka-all.h"

/* The body behind the type byte. */
static struct bytes
body_of(const struct buffer *b)
{
	return bytes_of(b->p + 5, b->len - 5);
}

/* A PIN is there for a login, or not at all. */
static void
a_pin_is_for_a_login(void **state)
{
	static const struct {
		bool login, person, told;
		const char *pin;
		enum parse_err want;
	} cases[] = {
		{false, false, false, "", PARSE_OK},
		{true, false, false, "", PARSE_OK},
		{true, true, true, "0000", PARSE_OK},
		{false, false, false, "0000", PARSE_VALUE},
		{false, true, false, "", PARSE_VALUE},
		{false, false, true, "", PARSE_VALUE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wire_sign m = {
			.algorithm = SIGN_ED25519,
			.login = cases[i].login,
			.pin = bytes_str(cases[i].pin),
			.person = cases[i].person,
			.told = cases[i].told,
		};
		struct buffer b = BUFFER_INIT(WIRE_REQUEST_MAX_BYTES);
		struct wire_sign got = {.id = 9};
		struct bytes body;

		wire_sign_put(&b, &m);
		body = body_of(&b);
		assert_int_equal(wire_sign_parse(body, &got), cases[i].want);
		if (cases[i].want == PARSE_OK) {
			assert_int_equal(got.login, m.login);
			assert_int_equal(got.person, m.person);
			assert_int_equal(got.told, m.told);
		} else {
			assert_int_equal(got.id, 9);
		}
		buffer_clear(&b);
	}
}

static void
what_became_of_it(void **state)
{
	(void)state;
	for (unsigned pin = 0; pin <= WIRE_PIN_TRIED + 1; pin++) {
		const struct wire_sign_result m = {
			.outcome = WIRE_LOST,
			.pin = (enum wire_pin)pin,
		};
		struct buffer b = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
		struct wire_sign_result got;
		struct bytes body;

		wire_sign_result_put(&b, &m);
		body = body_of(&b);
		if (pin > WIRE_PIN_TRIED) {
			assert_int_equal(wire_sign_result_parse(body, &got),
			    PARSE_VALUE);
		} else {
			assert_int_equal(wire_sign_result_parse(body, &got),
			    PARSE_OK);
			assert_int_equal(got.pin, pin);
		}
		buffer_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pin_is_for_a_login),
		cmocka_unit_test(what_became_of_it),
	};

	return cmocka_run_group_tests_name("wire-sign", tests, NULL, NULL);
}
