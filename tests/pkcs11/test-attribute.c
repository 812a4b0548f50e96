/* SPDX-License-Identifier: BSD-2-Clause */
#include "pkcs11/attribute.h"

#include "common/limits.h"
#include "tests/cmocka-all.h"

/* What the module of these tests answers, both times it is asked. */
static struct answer {
	CK_RV rv;
	CK_ULONG len;	    /* in answer to a length, and with the value */
	CK_ULONG value_len; /* with the value, if it is another one then */
	uint8_t value[64];
	unsigned calls;
} answer;

static CK_RV
fake_get(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *a,
    CK_ULONG n)
{
	assert_int_equal(session, 7);
	assert_int_equal(handle, 8);
	assert_int_equal(n, 1);
	answer.calls++;
	if (a->pValue == NULL) {
		a->ulValueLen = answer.len;
		return answer.rv;
	}
	if (answer.len <= a->ulValueLen && answer.len <= sizeof(answer.value))
		memcpy(a->pValue, answer.value, answer.len);
	a->ulValueLen = answer.value_len != 0 ? answer.value_len : answer.len;
	return answer.rv;
}

static struct object
object(void)
{
	static CK_FUNCTION_LIST module = {.C_GetAttributeValue = fake_get};

	return (struct object){.module = &module, .session = 7, .handle = 8};
}

static void
test_bytes(void **state)
{
	static const struct {
		const char *name;
		struct answer answer;
		enum attribute_state state;
		size_t len;
	} rows[] = {
		{"there", {.rv = CKR_OK, .len = 3}, ATTRIBUTE_FOUND, 3},
		{"empty", {.rv = CKR_OK, .len = 0}, ATTRIBUTE_FOUND, 0},
		{"unknown", {.rv = CKR_ATTRIBUTE_TYPE_INVALID, .len = 3},
		    ATTRIBUTE_ABSENT, 0},
		{"hidden", {.rv = CKR_ATTRIBUTE_SENSITIVE},
		    ATTRIBUTE_ABSENT, 0},
		{"none, without an error",
		    {.rv = CKR_OK, .len = CK_UNAVAILABLE_INFORMATION},
		    ATTRIBUTE_ABSENT, 0},
		{"too long", {.rv = CKR_OK, .len = ATTRIBUTE_MAX_BYTES + 1},
		    ATTRIBUTE_ERROR, 0},
		{"longer the second time",
		    {.rv = CKR_OK, .len = 3, .value_len = 4},
		    ATTRIBUTE_ERROR, 0},
		{"shorter the second time",
		    {.rv = CKR_OK, .len = 3, .value_len = 2},
		    ATTRIBUTE_FOUND, 2},
		{"gone", {.rv = CKR_DEVICE_REMOVED}, ATTRIBUTE_ERROR, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer b = BUFFER_INIT(ATTRIBUTE_MAX_BYTES);
		struct object o = object();
		enum attribute_state got;

		buffer_put_cstring(&b, "old");
		answer = rows[i].answer;
		memcpy(answer.value, "abc", 3);
		got = attribute_bytes(&o, CKA_ID, &b);
		if (got != rows[i].state || b.len != rows[i].len ||
		    (b.len > 0 && memcmp(b.p, "abc", b.len) != 0))
			fail_msg("%s: state %d, %zu bytes", rows[i].name, got,
			    b.len);
		if (got == ATTRIBUTE_ERROR)
			assert_int_not_equal(o.rv, CKR_OK);
		buffer_clear(&b);
	}
}

static void
test_ulong(void **state)
{
	struct object o = object();
	CK_ULONG v = 1, want = 0x40;

	(void)state;
	answer = (struct answer){.len = sizeof(want)};
	memcpy(answer.value, &want, sizeof(want));
	assert_int_equal(attribute_ulong(&o, CKA_KEY_TYPE, &v),
	    ATTRIBUTE_FOUND);
	assert_int_equal(v, want);
	assert_int_equal(answer.calls, 1);
	v = 1;
	answer.len = 1; /* of another size */
	assert_int_equal(attribute_ulong(&o, CKA_KEY_TYPE, &v),
	    ATTRIBUTE_ERROR);
	answer.rv = CKR_ATTRIBUTE_TYPE_INVALID;
	assert_int_equal(attribute_ulong(&o, CKA_KEY_TYPE, &v),
	    ATTRIBUTE_ABSENT);
	assert_int_equal(v, 1);
}

static void
test_bool(void **state)
{
	struct object o = object();
	bool v = true;

	(void)state;
	answer = (struct answer){.len = 1};
	assert_int_equal(attribute_bool(&o, CKA_SIGN, &v), ATTRIBUTE_FOUND);
	assert_false(v);
	answer.value[0] = 0xff; /* some modules' CK_TRUE */
	assert_int_equal(attribute_bool(&o, CKA_SIGN, &v), ATTRIBUTE_FOUND);
	assert_true(v);
	answer.len = 0;
	v = false;
	assert_int_equal(attribute_bool(&o, CKA_SIGN, &v), ATTRIBUTE_ERROR);
	answer.rv = CKR_GENERAL_ERROR;
	assert_int_equal(attribute_bool(&o, CKA_SIGN, &v), ATTRIBUTE_ERROR);
	assert_int_equal(o.rv, CKR_GENERAL_ERROR);
	assert_false(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_ulong),
		cmocka_unit_test(test_bool),
	};

	return cmocka_run_group_tests_name("attribute", tests, NULL, NULL);
}
