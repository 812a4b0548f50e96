/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agent-provider: what is lost in a signature is opened anew, once, and
 * no PIN is sent for it.
 */
#include <stdio.h>

#include "pkcs11/error.h"
#include "tests/pkcs11/fake-script.h"

#define CARD "slot login=1 hw=1 removable=1\n" PUBLIC P256 " id=01\n" \
	PRIVATE P256 " id=01\n"

/* A card that is logged in; the reference of its key. */
static void
serve_card(struct provider_process *p, const char *script,
    uint8_t ref[static KEY_REF_BYTES])
{
	struct wire_token t;
	struct wire_key k;

	serve(p, script, &t);
	assert_true(wire_key_next(&t, &k));
	memcpy(ref, k.ref, KEY_REF_BYTES);
	provider_expect(p, WIRE_DONE);
	assert_int_equal(provider_login(p, "1234").outcome, WIRE_OK);
	p->renew = true;
}

/* The login survives, as the new session is opened before the old is closed. */
static void
test_lost_once(void **state)
{
	static const struct {
		const char *call;
		CK_RV rv;
	} rows[] = {
		{"C_SignInit", CKR_SESSION_HANDLE_INVALID},
		{"C_SignInit", CKR_KEY_HANDLE_INVALID},
		{"C_SignInit", CKR_DEVICE_ERROR},
		{"C_Sign", CKR_GENERAL_ERROR},
		{"C_Sign", CKR_DEVICE_REMOVED},
		{"C_Sign", CKR_TOKEN_NOT_PRESENT},
		{"C_Sign", CKR_CRYPTOKI_NOT_INITIALIZED},
	};
	uint8_t ref[KEY_REF_BYTES];
	char script[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_sign_result r;
		struct provider_process p;
		unsigned lists;

		snprintf(script, sizeof(script), CARD "call %s rv=%#lx\n",
		    rows[i].call, rows[i].rv);
		serve_card(&p, script, ref);
		lists = count_calls("C_GetSlotList 0");
		r = sign_p256(&p, ref, "");
		if (r.outcome != WIRE_OK || !r.renewed ||
		    !bytes_is(r.error.call, rows[i].call))
			fail_msg("%s %#lx: outcome %d", rows[i].call,
			    rows[i].rv, r.outcome);
		assert_int_equal(count_calls("C_SignInit"), 2);
		assert_int_equal(count_calls("C_GetSlotList 0"), lists + 1);
		assert_int_equal(count_calls("C_OpenSession"), 2);
		assert_int_equal(count_calls("C_CloseSession"), 1);
		assert_int_equal(count_calls("C_Login"), 1);
		r = sign_p256(&p, ref, "");
		assert_int_equal(r.outcome, WIRE_OK);
		assert_false(r.renewed);
		assert_int_equal(provider_end(&p), 0);
	}
}

static void
test_lost_for_ever(void **state)
{
	uint8_t ref[KEY_REF_BYTES];
	struct wire_sign_result r;
	struct provider_process p;

	(void)state;
	serve_card(&p, CARD "call C_Sign rv=CKR_DEVICE_ERROR times=always\n",
	    ref);
	r = sign_p256(&p, ref, "");
	assert_int_equal(r.outcome, WIRE_LOST);
	assert_true(r.renewed);
	assert_int_equal(count_calls("C_Sign "), 2);
	/* Not where the daemon says that the request has had its. */
	p.renew = false;
	r = sign_p256(&p, ref, "");
	assert_int_equal(r.outcome, WIRE_LOST);
	assert_false(r.renewed);
	assert_int_equal(count_calls("C_Sign "), 3);
	assert_int_equal(count_calls("C_OpenSession"), 2);
	assert_int_equal(count_calls("C_Login"), 1);
	assert_int_equal(provider_end(&p), 0);
}

/* What fails on the way is what is told. */
static void
test_lost_on_the_way(void **state)
{
	static const struct {
		const char *call, *when;
		enum wire_outcome outcome;
	} rows[] = {
		{"C_GetSlotList", "skip=2", WIRE_LOST},
		{"C_GetTokenInfo", "skip=5", WIRE_LOST},
		/* Read-only and read/write, beside the old ones and after. */
		{"C_OpenSession", "skip=1 times=4", WIRE_LOST},
		{"C_FindObjectsInit", "skip=6", WIRE_LOST},
		{"C_CloseSession", "", WIRE_OK},
		{"C_GetSessionInfo", "skip=1", WIRE_OK},
	};
	uint8_t ref[KEY_REF_BYTES];
	char script[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_sign_result r;
		struct provider_process p;

		snprintf(script, sizeof(script), CARD
		    "call C_SignInit rv=CKR_DEVICE_ERROR\n"
		    "call %s rv=CKR_GENERAL_ERROR %s\n", rows[i].call,
		    rows[i].when);
		serve_card(&p, script, ref);
		r = sign_p256(&p, ref, "");
		if (r.outcome != rows[i].outcome || !r.renewed ||
		    (r.outcome == WIRE_LOST &&
		    !bytes_is(r.error.call, rows[i].call)))
			fail_msg("%s: outcome %d", rows[i].call, r.outcome);
		assert_int_equal(count_calls("C_Login"), 1);
		assert_int_equal(provider_end(&p), 0);
	}
}

/* A card that pcscd has not looked at yet, after a short absence. */
static void
test_a_token_may_come(void **state)
{
	struct provider_process p;
	struct wire_error err;
	struct wire_token t;

	(void)state;
	serve(&p, "call C_GetTokenInfo rv=CKR_TOKEN_NOT_RECOGNIZED times=2\n"
	    CARD, &t);
	assert_int_equal(t.n_keys, 1);
	assert_int_equal(count_calls("C_GetSlotList 0"), 3);
	assert_int_equal(provider_end(&p), 0);
	/* Not for ever, and not after another error. */
	write_script("call C_GetTokenInfo rv=CKR_TOKEN_NOT_PRESENT "
	    "times=always\n" CARD);
	provider_start(&p, WIRE_ROLE_TOKEN, fake_module(), &fake_id);
	provider_expect(&p, WIRE_MODULE);
	assert_int_equal(wire_failed_parse(provider_expect(&p, WIRE_FAILED),
	    &err), PARSE_OK);
	assert_int_equal(provider_end(&p), 0);
	write_script("call C_GetTokenInfo rv=CKR_DEVICE_ERROR\n" CARD);
	provider_start(&p, WIRE_ROLE_TOKEN, fake_module(), &fake_id);
	provider_expect(&p, WIRE_MODULE);
	provider_expect(&p, WIRE_FAILED);
	assert_int_equal(count_calls("C_GetSlotList 0"), 1);
	assert_int_equal(provider_end(&p), 0);
}

/* Where there is no room for two sessions the login goes with the old one. */
static void
test_login_is_lost_too(void **state)
{
	uint8_t ref[KEY_REF_BYTES];
	struct wire_sign_result r;
	struct provider_process p;

	(void)state;
	serve_card(&p, CARD "call C_Sign rv=CKR_DEVICE_ERROR\n"
	    "call C_OpenSession rv=CKR_SESSION_COUNT skip=1\n", ref);
	r = sign_p256(&p, ref, "");
	assert_int_equal(r.outcome, WIRE_NEED_LOGIN);
	assert_true(r.renewed);
	assert_int_equal(r.flags, TOKEN_LOGIN_REQUIRED | TOKEN_REMOVABLE);
	assert_int_equal(count_calls("C_Login"), 1);
	assert_int_equal(provider_login(&p, "1234").outcome, WIRE_OK);
	r = sign_p256(&p, ref, "");
	assert_int_equal(r.outcome, WIRE_OK);
	assert_int_equal(count_calls("C_Login"), 2);
	assert_int_equal(provider_end(&p), 0);
}

/*
 * A module that shows less than to one who is logged in, whatever it says of
 * the login: it wants one, and the key stays on the list.
 */
static void
test_stale_login(void **state)
{
	uint8_t ref[KEY_REF_BYTES];
	struct wire_login_result l;
	struct wire_sign_result r;
	struct provider_process p;

	(void)state;
	serve_card(&p, CARD "call C_Sign rv=CKR_DEVICE_ERROR\n"
	    "call C_OpenSession rv=CKR_SESSION_COUNT skip=1\n"
	    "call C_GetSessionInfo rv=0x54 skip=1 times=always\n", ref);
	r = sign_p256(&p, ref, "");
	assert_int_equal(r.outcome, WIRE_NEED_LOGIN);
	assert_int_equal(provider_login(&p, "1234").outcome, WIRE_OK);
	assert_int_equal(provider_end(&p), 0);

	/* One that forgot the login and does not say so gets no PIN for it. */
	serve_card(&p, CARD "call C_Sign rv=0x101 times=always\n", ref);
	for (unsigned i = 0; i < 3; i++) {
		r = sign_p256(&p, ref, "");
		assert_int_equal(r.outcome, WIRE_NEED_LOGIN);
		assert_false(r.renewed);
		l = provider_login(&p, "1234");
		assert_int_equal(l.outcome, WIRE_LOST);
		assert_false(l.pin_in_doubt);
	}
	assert_int_equal(count_calls("C_Login"), 1);
	assert_int_equal(provider_end(&p), 0);
}

/* Several at once: each gets its answer, whoever looks for the token. */
static void
test_several_lost_at_once(void **state)
{
	static const uint8_t digest[32];
	uint8_t ref[KEY_REF_BYTES];
	struct provider_process p;
	struct wire_token t;
	struct wire_key k;
	unsigned answers = 0;

	(void)state;
	serve(&p, "slot\n" PUBLIC P256 " id=01\nobject class=3 " P256
	    " id=01\ncall C_Sign rv=CKR_DEVICE_ERROR ms=20 times=6\n", &t);
	assert_true(wire_key_next(&t, &k));
	memcpy(ref, k.ref, sizeof(ref));
	provider_expect(&p, WIRE_DONE);
	p.renew = true;
	for (unsigned i = 0; i < 20; i++)
		provider_send_sign(&p, ref, SIGN_ECDSA,
		    bytes_of(digest, sizeof(digest)), "");
	while (answers < 20) {
		struct wire_sign_result r;
		struct bytes body;

		if (provider_receive(&p, &body) == WIRE_TOKEN)
			continue;
		assert_int_equal(wire_sign_result_parse(body, &r), PARSE_OK);
		assert_true(r.outcome == WIRE_OK || r.outcome == WIRE_LOST);
		assert_true(r.outcome == WIRE_OK || r.renewed);
		answers++;
	}
	assert_int_equal(provider_end(&p), 0);
}

/* A PIN for one signature is not sent twice when it is not known to be right. */
static void
test_context_pin(void **state)
{
	uint8_t ref[KEY_REF_BYTES];
	struct wire_sign_result r;
	struct provider_process p;
	struct wire_token t;
	struct wire_key k;

	(void)state;
	serve(&p, "slot\n" PUBLIC P256 " id=01\nobject class=3 " P256
	    " id=01 always=01\ncall C_Login rv=CKR_DEVICE_ERROR\n"
	    "call C_Sign rv=CKR_DEVICE_ERROR\n", &t);
	assert_true(wire_key_next(&t, &k));
	memcpy(ref, k.ref, sizeof(ref));
	provider_expect(&p, WIRE_DONE);
	p.renew = true;
	r = sign_p256(&p, ref, "1234");
	assert_int_equal(r.outcome, WIRE_LOST);
	assert_int_equal(r.pin, WIRE_PIN_TRIED);
	assert_false(r.renewed);
	assert_int_equal(count_calls("C_Login"), 1);
	/* One that was right is. */
	r = sign_p256(&p, ref, "1234");
	assert_int_equal(r.outcome, WIRE_OK);
	assert_true(r.renewed);
	assert_int_equal(count_calls("C_Login"), 3);
	assert_int_equal(provider_end(&p), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lost_once),
		TEST(test_a_token_may_come),
		TEST(test_lost_for_ever),
		TEST(test_lost_on_the_way),
		TEST(test_login_is_lost_too),
		TEST(test_stale_login),
		TEST(test_several_lost_at_once),
		TEST(test_context_pin),
	};

	return cmocka_run_group_tests_name("provider-renew", tests, NULL,
	    NULL);
}
