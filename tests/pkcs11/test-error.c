/* SPDX-License-Identifier: BSD-2-Clause */
#include "pkcs11/error.h"

#include <limits.h>

#include "tests/cmocka-all.h"

static void
names_and_outcomes(void **state)
{
	/* The numbers are PKCS#11's; design section 8 gives the outcomes. */
	const struct {
		CK_RV rv;
		const char *name;
		enum wire_outcome outcome;
	} cases[] = {
		{0x000, "CKR_OK", WIRE_OK},
		{0x001, "CKR_CANCEL", WIRE_CANCELLED},
		{0x002, "CKR_HOST_MEMORY", WIRE_ERROR},
		{0x003, "CKR_SLOT_ID_INVALID", WIRE_LOST},
		{0x005, "CKR_GENERAL_ERROR", WIRE_LOST},
		{0x006, "CKR_FUNCTION_FAILED", WIRE_LOST},
		{0x007, "CKR_ARGUMENTS_BAD", WIRE_ERROR},
		{0x030, "CKR_DEVICE_ERROR", WIRE_LOST},
		{0x032, "CKR_DEVICE_REMOVED", WIRE_LOST},
		{0x050, "CKR_FUNCTION_CANCELED", WIRE_CANCELLED},
		{0x054, "CKR_FUNCTION_NOT_SUPPORTED", WIRE_KEY_UNUSABLE},
		{0x060, "CKR_KEY_HANDLE_INVALID", WIRE_LOST},
		{0x062, "CKR_KEY_SIZE_RANGE", WIRE_KEY_UNUSABLE},
		{0x063, "CKR_KEY_TYPE_INCONSISTENT", WIRE_KEY_UNUSABLE},
		{0x068, "CKR_KEY_FUNCTION_NOT_PERMITTED", WIRE_KEY_UNUSABLE},
		{0x070, "CKR_MECHANISM_INVALID", WIRE_KEY_UNUSABLE},
		{0x082, "CKR_OBJECT_HANDLE_INVALID", WIRE_LOST},
		{0x090, "CKR_OPERATION_ACTIVE", WIRE_ERROR},
		{0x0a0, "CKR_PIN_INCORRECT", WIRE_PIN_REFUSED},
		{0x0a1, "CKR_PIN_INVALID", WIRE_PIN_REFUSED},
		{0x0a2, "CKR_PIN_LEN_RANGE", WIRE_PIN_REFUSED},
		{0x0a3, "CKR_PIN_EXPIRED", WIRE_PIN_EXPIRED},
		{0x0a4, "CKR_PIN_LOCKED", WIRE_PIN_LOCKED},
		{0x0b0, "CKR_SESSION_CLOSED", WIRE_LOST},
		{0x0b3, "CKR_SESSION_HANDLE_INVALID", WIRE_LOST},
		{0x0e0, "CKR_TOKEN_NOT_PRESENT", WIRE_LOST},
		{0x0e1, "CKR_TOKEN_NOT_RECOGNIZED", WIRE_LOST},
		{0x100, "CKR_USER_ALREADY_LOGGED_IN", WIRE_ERROR},
		{0x101, "CKR_USER_NOT_LOGGED_IN", WIRE_NEED_LOGIN},
		{0x102, "CKR_USER_PIN_NOT_INITIALIZED", WIRE_ERROR},
		{0x190, "CKR_CRYPTOKI_NOT_INITIALIZED", WIRE_LOST},
		{0x200, "CKR_FUNCTION_REJECTED", WIRE_CANCELLED},
		{0x00b, "0x0000000b", WIRE_ERROR},
		{0x80000001, "0x80000001", WIRE_ERROR},
#if ULONG_MAX > 0xffffffff
		{0x1000000a0, "0x1000000a0", WIRE_ERROR},
#endif
	};
	char name[P11_RV_NAME_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_ptr_equal(p11_rv_name(cases[i].rv, name), name);
		assert_string_equal(name, cases[i].name);
		if (p11_rv_outcome(cases[i].rv) != cases[i].outcome)
			fail_msg("%s: %d", name, p11_rv_outcome(cases[i].rv));
	}
}

static void
goes_to_the_wire(void **state)
{
	struct p11_err err;
	struct wire_error w;

	(void)state;
	assert_false(p11_err_set(&err, "C_Sign", 0x32, NULL));
	p11_err_wire(&err, &w);
	assert_true(bytes_is(w.call, "C_Sign"));
	assert_int_equal(w.rv, 0x32);
	assert_true(bytes_is(w.rv_name, "CKR_DEVICE_REMOVED"));
	assert_int_equal(w.text.len, 0);

	p11_err_set(&err, "C_Sign", 0x80000001, "slot %d", 4);
	p11_err_wire(&err, &w);
	assert_true(bytes_is(w.rv_name, "0x80000001"));
	assert_true(bytes_is(w.text, "slot 4"));

	/* No call into the module: nothing to blame it for. */
	p11_err_set(&err, "", CKR_OK, "%s", "not found");
	p11_err_wire(&err, &w);
	assert_int_equal(w.call.len, 0);
	assert_int_equal(w.rv, 0);
	assert_int_equal(w.rv_name.len, 0);
	assert_true(bytes_is(w.text, "not found"));
}

static void
cuts_long_texts(void **state)
{
	char text[2 * P11_ERR_TEXT_BYTES];
	struct p11_err err;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	p11_err_set(&err, "", CKR_OK, "%s", text);
	assert_int_equal(strlen(err.text), P11_ERR_TEXT_BYTES - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_outcomes),
		cmocka_unit_test(goes_to_the_wire),
		cmocka_unit_test(cuts_long_texts),
	};

	return cmocka_run_group_tests_name("pkcs11/error", tests, NULL, NULL);
}
