/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agent-provider: signatures and logins that a token refuses, forgets or
 * wants each time.
 */
#include <stdio.h>
#include <unistd.h>

#include "pkcs11/error.h"
#include "tests/pkcs11/fake-script.h"

/* How each CK_RV of a signature comes back, and that nothing is repeated. */
static void
test_sign_errors(void **state)
{
	static const struct {
		const char *call;
		CK_RV rv;
		enum wire_outcome outcome;
	} rows[] = {
		{"C_SignInit", CKR_SESSION_HANDLE_INVALID, WIRE_LOST},
		{"C_SignInit", CKR_KEY_HANDLE_INVALID, WIRE_LOST},
		{"C_SignInit", CKR_USER_NOT_LOGGED_IN, WIRE_NEED_LOGIN},
		{"C_SignInit", CKR_MECHANISM_INVALID, WIRE_KEY_UNUSABLE},
		{"C_SignInit", CKR_KEY_FUNCTION_NOT_PERMITTED,
		    WIRE_KEY_UNUSABLE},
		{"C_Sign", CKR_DEVICE_REMOVED, WIRE_LOST},
		{"C_Sign", CKR_DEVICE_ERROR, WIRE_LOST},
		{"C_Sign", CKR_GENERAL_ERROR, WIRE_LOST},
		{"C_Sign", CKR_TOKEN_NOT_PRESENT, WIRE_LOST},
		{"C_Sign", CKR_USER_NOT_LOGGED_IN, WIRE_NEED_LOGIN},
		{"C_Sign", CKR_FUNCTION_NOT_SUPPORTED, WIRE_KEY_UNUSABLE},
		{"C_Sign", CKR_FUNCTION_CANCELED, WIRE_CANCELLED},
		{"C_Sign", CKR_PIN_LOCKED, WIRE_PIN_LOCKED},
		{"C_Sign", 0x80000001, WIRE_ERROR},
	};
	char script[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_sign_result r;
		struct provider_process p;
		struct wire_token t;
		struct wire_key k;

		snprintf(script, sizeof(script), "slot\n"
		    PUBLIC P256 " id=01\nobject class=3 " P256 " id=01\n"
		    "call %s rv=%#lx\n", rows[i].call, rows[i].rv);
		serve(&p, script, &t);
		assert_true(wire_key_next(&t, &k));
		provider_expect(&p, WIRE_DONE);
		r = sign_p256(&p, k.ref, "");
		if (r.outcome != rows[i].outcome || r.error.rv != rows[i].rv ||
		    !bytes_is(r.error.call, rows[i].call))
			fail_msg("%s %#lx: outcome %d", rows[i].call,
			    rows[i].rv, r.outcome);
		assert_int_equal(count_calls("C_SignInit"), 1);
		assert_int_equal(count_calls("C_Login"), 0);
		/* What was lost is not asked again. */
		assert_int_equal(count_calls("C_GetTokenInfo"),
		    r.outcome == WIRE_LOST ? 2 : 3);
		/* The error was this one's alone. */
		r = sign_p256(&p, k.ref, "");
		assert_int_equal(r.outcome, WIRE_OK);
		assert_int_equal(provider_end(&p), 0);
	}
}

/* A module that keeps a failed signature open gets a new session. */
static void
test_operation_active(void **state)
{
	struct provider_process p;
	struct wire_token t;
	struct wire_key k;

	(void)state;
	serve(&p, "slot login=1 hw=1 removable=1\n" PUBLIC P256 " id=01\n"
	    PRIVATE P256 " id=01\ncall C_SignInit rv=0x90\n", &t);
	assert_true(wire_key_next(&t, &k));
	provider_expect(&p, WIRE_DONE);
	assert_int_equal(provider_login(&p, "1234").outcome, WIRE_OK);
	assert_int_equal(sign_p256(&p, k.ref, "").outcome, WIRE_OK);
	assert_int_equal(count_calls("C_OpenSession"), 2);
	assert_int_equal(count_calls("C_CloseSession"), 1);
	assert_int_equal(count_calls("C_Login"), 1);
	assert_int_equal(provider_end(&p), 0);
}

/* A token that forgets the login: told, and it can be had again. */
static void
test_login_lost(void **state)
{
	struct wire_login_result again;
	struct wire_sign_result r;
	struct provider_process p;
	struct wire_token t;
	struct wire_key k;

	(void)state;
	serve(&p, "slot login=1\n" PUBLIC P256 " id=01\n" PRIVATE P256
	    " id=01\ncall C_Sign rv=0x101\n"
	    "call C_GetSessionInfo rv=0x54 times=always\n"
	    "call C_Login rv=0 times=1\ncall C_Login rv=0x100 times=1\n", &t);
	assert_true(wire_key_next(&t, &k));
	provider_expect(&p, WIRE_DONE);
	r = sign_p256(&p, k.ref, "");
	assert_int_equal(r.outcome, WIRE_NEED_LOGIN);
	assert_int_equal(count_calls("C_SignInit"), 0);
	assert_int_equal(provider_login(&p, "1234").outcome, WIRE_OK);
	r = sign_p256(&p, k.ref, "");
	assert_int_equal(r.outcome, WIRE_NEED_LOGIN);
	assert_int_equal(r.flags, TOKEN_LOGIN_REQUIRED);
	r = sign_p256(&p, k.ref, "");
	assert_int_equal(r.outcome, WIRE_NEED_LOGIN);
	assert_int_equal(count_calls("C_SignInit"), 1);
	/* The module believes in the old login: nothing here is to be
	 * believed. */
	again = provider_login(&p, "1234");
	assert_int_equal(again.outcome, WIRE_LOST);
	assert_true(again.pin_in_doubt);
	assert_int_equal(count_calls("C_Login"), 2);
	assert_int_equal(provider_end(&p), 0);
}

/* One C_Login a request, whatever it says; and none where it is a waste. */
static void
test_login_errors(void **state)
{
	static const struct {
		const char *script, *pin;
		enum wire_outcome outcome;
		unsigned calls;
		bool in_doubt;
	} rows[] = {
		{"slot login=1\n", "1234", WIRE_OK, 1, false},
		{"slot login=1\n", "12345", WIRE_PIN_REFUSED, 1, true},
		{"slot login=1\n", "", WIRE_ERROR, 0, false},
		{"slot login=1 pad=1\n", "", WIRE_OK, 1, false},
		{"slot login=1 locked=1\n", "1234", WIRE_PIN_LOCKED, 0,
		    false},
		{"slot login=1\ncall C_Login rv=0xa4\n", "1234",
		    WIRE_PIN_LOCKED, 1, true},
		{"slot login=1\ncall C_Login rv=0x50\n", "1234",
		    WIRE_CANCELLED, 1, true},
		/* Not wrong: said at once, or (openCryptoki) after it. */
		{"slot login=1 change=1\n", "1234", WIRE_OK, 1, false},
		{"slot login=1 change=1\ncall C_Login rv=0xa3\n", "1234",
		    WIRE_PIN_EXPIRED, 1, true},
		{"slot login=1\ncall C_FindObjectsInit rv=0xa3 skip=3 "
		    "times=always\n", "1234", WIRE_PIN_EXPIRED, 1, false},
		{"slot login=1\ncall C_Login rv=0x32\n", "1234",
		    WIRE_LOST, 1, true},
		/* By the module itself; or so it says, and knows better. */
		{"slot login=1 in=1\n", "1234", WIRE_LOGGED_IN, 1, true},
		{"slot login=1\ncall C_Login rv=0x100\n", "1234",
		    WIRE_LOST, 1, true},
		{"slot login=1\ncall C_Login rv=0x54\n", "1234",
		    WIRE_ERROR, 1, true},
		/* What was lost before the PIN was sent is looked for anew. */
		{"slot login=1\ncall C_GetTokenInfo rv=0x32 skip=2\n",
		    "1234", WIRE_OK, 1, false},
		{"slot login=1\ncall C_GetSessionInfo rv=0xb3\n", "1234",
		    WIRE_OK, 1, false},
		{"slot login=1\ncall C_GetTokenInfo rv=0x32 skip=2 "
		    "times=always\n", "1234", WIRE_LOST, 0, false},
		/* The PIN is right, whatever else is not. */
		{"slot login=1\ncall C_FindObjects rv=0x30 skip=3\n", "1234",
		    WIRE_LOST, 1, false},
		{"slot login=1\n" PUBLIC P256 " id=01\n"
		    "call C_GetAttributeValue rv=0x54 times=always\n", "1234",
		    WIRE_LOST, 1, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_login_result r;
		struct provider_process p;
		struct wire_token t;

		serve(&p, rows[i].script, &t);
		provider_expect(&p, WIRE_DONE);
		r = provider_login(&p, rows[i].pin);
		if (r.outcome != rows[i].outcome ||
		    r.pin_in_doubt != rows[i].in_doubt ||
		    count_calls("C_Login") != rows[i].calls)
			fail_msg("row %zu: outcome %d after %u C_Login", i,
			    r.outcome, count_calls("C_Login"));
		assert_int_equal(provider_end(&p), 0);
	}
}

/* SignInit, C_Login, Sign, and nothing of the other requests in between. */
static void
check_context_order(void)
{
	FILE *f = fopen(script_log(), "r");
	char line[256];
	unsigned at = 0, found = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (at == 1)
			at = strncmp(line, "C_Sign ", 7) == 0 ? 0 : 99;
		assert_int_not_equal(at, 99);
		if (strncmp(line, "C_Login 2", 9) == 0) {
			at = 1;
			found++;
		}
	}
	fclose(f);
	assert_int_equal(found, 20);
}

static void
test_always_authenticate(void **state)
{
	static const uint8_t digest[32];
	struct wire_sign_result r;
	struct provider_process p;
	struct wire_token t;
	struct wire_key k[2];

	(void)state;
	serve(&p, "slot\n" PUBLIC P256 " id=01\n" PUBLIC P256_B " id=02\n"
	    "object class=3 " P256 " id=01 always=01\n"
	    "object class=3 " P256_B " id=02\n", &t);
	assert_true(wire_key_next(&t, &k[0]) && wire_key_next(&t, &k[1]));
	provider_expect(&p, WIRE_DONE);
	r = sign_p256(&p, k[0].ref, "");
	assert_int_equal(r.outcome, WIRE_NEED_CONTEXT);
	assert_int_equal(count_calls("C_SignInit"), 0);
	/* A wrong PIN leaves nothing behind that is in the next one's way. */
	r = sign_p256(&p, k[0].ref, "0000");
	assert_int_equal(r.outcome, WIRE_PIN_REFUSED);
	assert_int_equal(count_calls("C_Login"), 1);
	unlink(script_log());
	assert_int_equal(provider_end(&p), 0);

	serve(&p, "slot\n" PUBLIC P256 " id=01\n" PUBLIC P256_B " id=02\n"
	    "object class=3 " P256 " id=01 always=01\n"
	    "object class=3 " P256_B " id=02\n"
	    "call C_Login rv=0 ms=2 times=20\n", &t);
	provider_expect(&p, WIRE_DONE);
	for (unsigned i = 0; i < 40; i++)
		provider_send_sign(&p, k[i % 2].ref, SIGN_ECDSA,
		    bytes_of(digest, sizeof(digest)), i % 2 ? "" : "1234");
	for (unsigned i = 0; i < 40; i++) {
		struct bytes body = provider_expect(&p, WIRE_SIGN_RESULT);

		assert_int_equal(wire_sign_result_parse(body, &r), PARSE_OK);
		assert_int_equal(r.outcome, WIRE_OK);
	}
	check_context_order();
	assert_int_equal(provider_end(&p), 0);
}

static void
test_context_pin_refused_then_good(void **state)
{
	struct wire_sign_result r;
	struct provider_process p;
	struct wire_token t;
	struct wire_key k;

	(void)state;
	serve(&p, "slot removable=1 hw=1 login=1\n" PUBLIC P256 " id=01\n"
	    PRIVATE P256 " id=01 always=01\n", &t);
	assert_int_equal(t.flags, TOKEN_LOGIN_REQUIRED | TOKEN_REMOVABLE);
	assert_true(wire_key_next(&t, &k));
	provider_expect(&p, WIRE_DONE);
	assert_int_equal(count_calls("C_OpenSession"), 1); /* a card */
	r = sign_p256(&p, k.ref, "1234");
	assert_int_equal(r.outcome, WIRE_NEED_LOGIN);
	assert_int_equal(provider_login(&p, "1234").outcome, WIRE_OK);
	r = sign_p256(&p, k.ref, "0000");
	assert_int_equal(r.outcome, WIRE_PIN_REFUSED);
	assert_int_equal(r.flags, TOKEN_LOGIN_REQUIRED | TOKEN_LOGGED_IN |
	    TOKEN_REMOVABLE);
	/* The session is a new one, the login is the same. */
	r = sign_p256(&p, k.ref, "1234");
	assert_int_equal(r.outcome, WIRE_OK);
	assert_int_equal(provider_end(&p), 0);
}

/* With a login of its own; an empty PIN is one for the pad. */
static struct wire_sign_result
sign_p256_with(struct provider_process *p, const uint8_t *ref,
    const char *pin, bool person, bool told)
{
	static const uint8_t digest[32];
	struct buffer out = BUFFER_INIT(WIRE_REQUEST_MAX_BYTES);
	struct wire_sign m = {
		.id = ++p->next_id,
		.algorithm = SIGN_ECDSA,
		.data = bytes_of(digest, sizeof(digest)),
		.login = true,
		.pin = bytes_str(pin),
		.person = person,
		.told = told,
	};

	memcpy(m.ref, ref, sizeof(m.ref));
	wire_sign_put(&out, &m);
	provider_send(p, &out);
	buffer_clear(&out);
	return provider_sign_result(p, m.id);
}

/* Each PIN that the token's flags forbid is not sent; a pad wants none. */
static void
test_context_login(void **state)
{
	static const struct {
		const char *slot, *calls, *pin;
		bool person, told;
		enum wire_outcome outcome;
		enum wire_pin result;
		unsigned logins;
	} rows[] = {
		{"", "", "1234", false, false, WIRE_OK, WIRE_PIN_GOOD, 1},
		{"", "", "0000", true, true, WIRE_PIN_REFUSED,
		    WIRE_PIN_TRIED, 1},
		{"", "", "", true, true, WIRE_ERROR, WIRE_PIN_UNSEEN, 0},
		{"locked=1", "", "1234", true, true, WIRE_PIN_LOCKED,
		    WIRE_PIN_UNSEEN, 0},
		{"low=1", "", "1234", false, false, WIRE_PIN_HELD,
		    WIRE_PIN_UNSEEN, 0},
		{"low=1", "", "1234", true, false, WIRE_OK, WIRE_PIN_GOOD,
		    1},
		{"final=1", "", "1234", true, false, WIRE_PIN_HELD,
		    WIRE_PIN_UNSEEN, 0},
		{"final=1", "", "1234", true, true, WIRE_OK, WIRE_PIN_GOOD,
		    1},
		{"pad=1", "", "", true, false, WIRE_OK, WIRE_PIN_GOOD, 1},
		{"pad=1 final=1", "", "", true, false, WIRE_PIN_HELD,
		    WIRE_PIN_UNSEEN, 0},
		{"pad=1", "call C_Login rv=0x50\n", "", true, false,
		    WIRE_CANCELLED, WIRE_PIN_TRIED, 1},
		{"", "call C_Login rv=0xa3\n", "1234", true, true,
		    WIRE_PIN_EXPIRED, WIRE_PIN_TRIED, 1},
		{"", "call C_SignInit rv=0xa3\n", "1234", true, true,
		    WIRE_PIN_EXPIRED, WIRE_PIN_UNSEEN, 0},
		{"", "call C_Login rv=0x91\n", "1234", true, true,
		    WIRE_NEED_LOGIN, WIRE_PIN_TRIED, 1},
		{"", "call C_Login rv=0x100\n", "1234", true, true,
		    WIRE_NEED_LOGIN, WIRE_PIN_UNSEEN, 1},
		{"", "call C_Login rv=0x32\n", "1234", true, true, WIRE_LOST,
		    WIRE_PIN_TRIED, 1},
		{"", "call C_Sign rv=0x32\n", "1234", true, true, WIRE_LOST,
		    WIRE_PIN_GOOD, 1},
		{"", "call C_GetSessionInfo rv=0xb3\n", "1234", true, true,
		    WIRE_OK, WIRE_PIN_GOOD, 1},
		{"", "call C_SignInit rv=0xe0\n", "1234", true, true,
		    WIRE_LOST, WIRE_PIN_UNSEEN, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_sign_result r;
		struct provider_process p;
		struct wire_token t;
		struct wire_key k;
		char script[1024];

		snprintf(script, sizeof(script), "slot %s\n" PUBLIC P256
		    " id=01\nobject class=3 " P256 " id=01 always=01\n%s",
		    rows[i].slot, rows[i].calls);
		serve(&p, script, &t);
		assert_true(wire_key_next(&t, &k));
		provider_expect(&p, WIRE_DONE);
		r = sign_p256_with(&p, k.ref, rows[i].pin,
		    rows[i].person, rows[i].told);
		if (r.outcome != rows[i].outcome ||
		    r.pin != rows[i].result ||
		    count_calls("C_Login") != rows[i].logins)
			fail_msg("row %zu: outcome %d, PIN %d after %u "
			    "C_Login", i, r.outcome, r.pin,
			    count_calls("C_Login"));
		assert_int_equal(provider_end(&p), 0);
	}
}

static void
test_wrong_length(void **state)
{
	static const unsigned lengths[] = {0, 1, 63, 65, 66, 128, 4096};
	char script[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct wire_sign_result r;
		struct provider_process p;
		struct wire_token t;
		struct wire_key k;

		snprintf(script, sizeof(script), "slot\nsignature %u\n"
		    PUBLIC P256 " id=01\nobject class=3 " P256 " id=01\n",
		    lengths[i]);
		serve(&p, script, &t);
		assert_true(wire_key_next(&t, &k));
		provider_expect(&p, WIRE_DONE);
		r = sign_p256(&p, k.ref, "");
		assert_int_equal(r.outcome, WIRE_ERROR);
		assert_int_equal(provider_end(&p), 0);
	}
}

/* Of a card; elliptic curves in software are not checked. */
static void
test_wrong_signature(void **state)
{
	static const struct {
		const char *slot, *private;
		enum wire_outcome outcome;
		bool renewed;
	} rows[] = {
		{"slot", P256, WIRE_OK, false},
		{"slot hw=1", P256, WIRE_OK, false},
		{"slot hw=1 removable=1", P256, WIRE_LOST, true},
		/* Where only CKA_ID makes the pair, that may be wrong. */
		{"slot hw=1 removable=1", "key_type=3 params=" P256_PARAMS,
		    WIRE_KEY_UNUSABLE, false},
	};
	char script[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_sign_result r;
		struct provider_process p;
		struct wire_token t;
		struct wire_key k;

		snprintf(script, sizeof(script), "%s\nsignature 64\n" PUBLIC
		    P256 " id=01\nobject class=3 %s id=01\n", rows[i].slot,
		    rows[i].private);
		serve(&p, script, &t);
		assert_true(wire_key_next(&t, &k));
		provider_expect(&p, WIRE_DONE);
		p.renew = true;
		r = sign_p256(&p, k.ref, "");
		if (r.outcome != rows[i].outcome ||
		    r.renewed != rows[i].renewed)
			fail_msg("row %zu: outcome %d", i, r.outcome);
		assert_int_equal(count_calls("C_Sign "), 1 + r.renewed);
		assert_int_equal(provider_end(&p), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sign_errors),
		TEST(test_operation_active),
		TEST(test_login_lost),
		TEST(test_login_errors),
		TEST(test_always_authenticate),
		TEST(test_context_pin_refused_then_good),
		TEST(test_context_login),
		TEST(test_wrong_length),
		TEST(test_wrong_signature),
	};

	return cmocka_run_group_tests_name("provider-sign", tests, NULL, NULL);
}
