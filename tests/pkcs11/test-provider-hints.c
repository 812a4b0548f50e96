/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agent-provider: what a module says of itself is a hint, what a call
 * answers is a fact; and locks that a module keeps.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkcs11/error.h"
#include "tests/pkcs11/fake-script.h"

#define OPEN "slot\n" PUBLIC P256 " id=01\nobject class=3 " P256 " id=01\n"
#define CARD "slot login=1 hw=1 removable=1\n" PUBLIC P256 " id=01\n" \
	PRIVATE P256 " id=01\n"

/* Ready to sign; the reference of its key. */
static void
serve_ref(struct provider_process *p, const char *script,
    uint8_t ref[static KEY_REF_BYTES])
{
	struct wire_token t;
	struct wire_key k;

	serve(p, script, &t);
	assert_true(wire_key_next(&t, &k));
	memcpy(ref, k.ref, KEY_REF_BYTES);
	provider_expect(p, WIRE_DONE);
}

static void
expect_signature(const char *name, const char *script)
{
	uint8_t ref[KEY_REF_BYTES];
	struct provider_process p;

	serve_ref(&p, script, ref);
	if (sign_p256(&p, ref, "").outcome != WIRE_OK)
		fail_msg("%s: no signature", name);
	assert_int_equal(provider_end(&p), 0);
}

/* The version of its list, and functions that signing can do without. */
static void
test_function_lists(void **state)
{
	static const char *const lines[] = {
		"version=0", "version=1", "version=2", "version=3",
		"null=C_GetInfo", "null=C_GetSlotInfo",
		"null=C_GetMechanismList null=C_GetMechanismInfo",
		"null=C_WaitForSlotEvent", "null=C_CloseSession",
		"null=C_GetSessionInfo", "null=C_Login",
		"null=C_FindObjectsFinal",
	};
	char script[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		/* Without an end the next search would be the second. */
		bool no_end = strstr(lines[i], "FindObjectsFinal") != NULL;

		snprintf(script, sizeof(script), "module %s\n%s%s", lines[i],
		    OPEN, no_end ? "loose\n" : "");
		expect_signature(lines[i], script);
	}
}

/* Functions that the process cannot do without are named. */
static void
test_function_is_missing(void **state)
{
	static const char *const names[] = {"C_OpenSession", "C_SignInit",
	    "C_Sign"};
	char script[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct provider_process p;
		struct wire_error err;

		snprintf(script, sizeof(script), "module null=%s\n", names[i]);
		write_script(script);
		provider_start(&p, WIRE_ROLE_SCAN, fake_module(), NULL);
		assert_int_equal(wire_failed_parse(provider_expect(&p,
		    WIRE_FAILED), &err), PARSE_OK);
		snprintf(script, sizeof(script), "the module has no %s, and "
		    "cannot sign without", names[i]);
		assert_true(bytes_is(err.text, script));
		assert_int_equal(provider_end(&p), 0);
	}
}

/* Without a function a login is an error, and no crash. */
static void
test_no_login_at_all(void **state)
{
	uint8_t ref[KEY_REF_BYTES];
	struct wire_login_result r;
	struct provider_process p;

	(void)state;
	serve_ref(&p, "module null=C_Login\n" CARD, ref);
	r = provider_login(&p, "1234");
	assert_int_equal(r.outcome, WIRE_ERROR);
	assert_true(bytes_is(r.error.rv_name, "CKR_FUNCTION_NOT_SUPPORTED"));
	assert_int_equal(provider_end(&p), 0);
}

/* A slot without texts is one all the same; a slot that is gone is not. */
static void
test_no_slot_info(void **state)
{
	struct provider_process p;
	struct wire_token t;

	(void)state;
	expect_signature("CKR_FUNCTION_FAILED of none", "call C_GetSlotInfo "
	    "rv=CKR_FUNCTION_NOT_SUPPORTED times=always\n" OPEN);
	write_script("slot\ncall C_GetSlotInfo rv=CKR_SLOT_ID_INVALID\n");
	provider_start(&p, WIRE_ROLE_SCAN, fake_module(), NULL);
	provider_expect(&p, WIRE_MODULE);
	provider_expect(&p, WIRE_DONE);
	assert_int_equal(provider_end(&p), 0);
	serve(&p, "module null=C_GetSlotInfo\nslot\n", &t);
	assert_int_equal(t.id.slot_description.len, 0);
	assert_int_equal(provider_end(&p), 0);
}

/* Read/write where there is nothing else; read-only is tried first. */
static void
test_no_read_only_session(void **state)
{
	struct provider_process p;
	struct wire_token t;

	(void)state;
	expect_signature("read-write", "module read-write=1\n" CARD
	    "object class=3 " P256 " id=01\n");
	assert_int_equal(count_calls("C_OpenSession"), 2);
	/* Nor does the scan lose it. */
	write_script("module read-write=1\n" OPEN);
	provider_start(&p, WIRE_ROLE_SCAN, fake_module(), NULL);
	provider_expect(&p, WIRE_MODULE);
	assert_int_equal(wire_token_parse(provider_expect(&p, WIRE_TOKEN),
	    &t), PARSE_OK);
	assert_int_equal(t.n_keys, 1);
	assert_int_equal(provider_end(&p), 0);
	/* A token that has gone is no session's fault: it is asked once. */
	write_script("call C_OpenSession rv=CKR_TOKEN_NOT_PRESENT "
	    "times=always\nslot\n");
	provider_start(&p, WIRE_ROLE_SCAN, fake_module(), NULL);
	provider_expect(&p, WIRE_MODULE);
	provider_expect(&p, WIRE_DONE);
	assert_int_equal(count_calls("C_OpenSession"), 1);
	assert_int_equal(provider_end(&p), 0);
}

static void
start_with_args(struct provider_process *p, const char *script)
{
	const struct wire_start start = {
		.role = WIRE_ROLE_TOKEN,
		.module = bytes_str(fake_module()),
		.init_args = bytes_str("a=b"),
		.token = fake_id,
	};
	struct wire_token t;

	write_script(script);
	provider_start_with(p, &start);
	provider_expect_token(p, &t);
}

#define NO_OURS "call C_Initialize of=3 rv=CKR_CANT_LOCK\n"
#define NO_LOCKS NO_OURS "call C_Initialize of=2 rv=CKR_CANT_LOCK\n"

/* Our mutexes, its own, none: and then one lane. pReserved stays. */
static void
test_locks(void **state)
{
	struct provider_process p;

	(void)state;
	expect_signature("ours", OPEN);
	assert_int_equal(count_calls("C_Initialize 3"), 1);
	expect_signature("its own", NO_OURS OPEN);
	assert_int_equal(count_calls("C_Initialize 2"), 1);
	expect_signature("none", NO_LOCKS OPEN);
	assert_int_equal(count_calls("C_Initialize 0"), 1);
	assert_int_equal(count_calls("C_OpenSession"), 1);
	start_with_args(&p, NO_LOCKS OPEN);
	assert_int_equal(count_calls("reserved a=b"), 3);
	assert_int_equal(provider_end(&p), 0);
	/* An answer that is not about locks brings no second try. */
	write_script("call C_Initialize rv=CKR_DEVICE_ERROR\n");
	provider_start(&p, WIRE_ROLE_SCAN, fake_module(), NULL);
	provider_expect(&p, WIRE_FAILED);
	assert_int_equal(count_calls("C_Initialize"), 1);
	assert_int_equal(provider_end(&p), 0);
}

/* A token that says that it is not initialised, and shows keys. */
static void
test_not_initialized(void **state)
{
	struct provider_process p;
	struct wire_token t;

	(void)state;
	write_script("slot initialized=0\n" PUBLIC P256 " id=01\n");
	provider_start(&p, WIRE_ROLE_SCAN, fake_module(), NULL);
	provider_expect(&p, WIRE_MODULE);
	assert_int_equal(wire_token_parse(provider_expect(&p, WIRE_TOKEN),
	    &t), PARSE_OK);
	assert_int_equal(t.n_keys, 1);
	assert_int_equal(provider_end(&p), 0);
	expect_signature("not initialised", "slot initialized=0\n" PUBLIC
	    P256 " id=01\nobject class=3 " P256 " id=01\n");
}

/* The token says that no PIN was set; C_Login knows better. */
static void
test_pin_not_set(void **state)
{
	struct provider_process p;
	struct wire_token t;

	(void)state;
	serve(&p, "slot login=1 unset=1\n", &t);
	assert_int_equal(t.flags, TOKEN_LOGIN_REQUIRED | TOKEN_PIN_NOT_SET);
	provider_expect(&p, WIRE_DONE);
	assert_int_equal(provider_login(&p, "1234").outcome, WIRE_OK);
	assert_int_equal(provider_end(&p), 0);
}

/* The process says why, and ends. */
static void
expect_kept_lock(struct provider_process *p)
{
	struct wire_error err;

	assert_int_equal(wire_failed_parse(provider_expect(p, WIRE_FAILED),
	    &err), PARSE_OK);
	assert_true(bytes_is(err.text, "the module kept a lock after a call; "
	    "its next one would never return"));
	provider_expect_end(p);
	assert_int_equal(provider_end(p), 0);
}

/*
 * As OpenSC 0.23 does when a card leaves: no second rung in this process,
 * whose next call might be another thread's and never return.
 */
static void
test_kept_lock(void **state)
{
	static const struct {
		const char *rv;
		enum wire_outcome outcome;
	} rows[] = {
		{"CKR_GENERAL_ERROR", WIRE_LOST},
		{"CKR_DEVICE_REMOVED", WIRE_LOST},
		{"CKR_USER_NOT_LOGGED_IN", WIRE_LOST},
		{"CKR_FUNCTION_NOT_SUPPORTED", WIRE_LOST},
		{"CKR_OK", WIRE_OK},
	};
	char script[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t ref[KEY_REF_BYTES];
		struct wire_sign_result r;
		struct provider_process p;

		snprintf(script, sizeof(script), "module mutex=1\n" CARD
		    "call C_Sign rv=%s keep=1\n", rows[i].rv);
		serve_ref(&p, script, ref);
		assert_int_equal(provider_login(&p, "1234").outcome, WIRE_OK);
		p.renew = true;
		r = sign_p256(&p, ref, "");
		if (r.outcome != rows[i].outcome || r.renewed)
			fail_msg("%s: outcome %d", rows[i].rv, r.outcome);
		expect_kept_lock(&p);
		assert_int_equal(count_calls("C_Sign "), 1);
	}
}

/* The module's answer about a PIN is told before it is given up. */
static void
test_kept_lock_at_a_login(void **state)
{
	uint8_t ref[KEY_REF_BYTES];
	struct wire_login_result r;
	struct provider_process p;

	(void)state;
	serve_ref(&p, "module mutex=1\n" CARD
	    "call C_Login rv=CKR_PIN_INCORRECT keep=1\n", ref);
	r = provider_login(&p, "1234");
	assert_int_equal(r.outcome, WIRE_PIN_REFUSED);
	expect_kept_lock(&p);
	assert_int_equal(count_calls("C_Login"), 1);
}

/* Before it serves: the daemon hears why it does not. */
static void
test_kept_lock_at_the_start(void **state)
{
	struct provider_process p;

	(void)state;
	write_script("module mutex=1\n" CARD "call C_FindObjectsFinal "
	    "keep=1\n");
	provider_start(&p, WIRE_ROLE_TOKEN, fake_module(), &fake_id);
	provider_expect(&p, WIRE_MODULE);
	expect_kept_lock(&p);
}

/* A token that was read as the card left is none: nobody would look again. */
static void
test_kept_lock_at_a_scan(void **state)
{
	struct provider_process p;
	struct bytes body;
	uint8_t type;

	(void)state;
	write_script("module mutex=1\n" CARD "call C_FindObjectsFinal "
	    "keep=1\n");
	provider_start(&p, WIRE_ROLE_SCAN, fake_module(), &fake_id);
	while ((type = provider_receive(&p, &body)) != WIRE_DONE)
		assert_int_not_equal(type, WIRE_TOKEN);
	assert_int_equal(count_calls("C_FindObjectsFinal"), 3);
	assert_int_equal(provider_end(&p), 0);
}

/* Of the slot where it happened: the token beside it is as it was. */
static void
test_kept_lock_beside_a_token(void **state)
{
	struct provider_process p;
	struct wire_token t;
	struct bytes body;
	uint8_t type;
	unsigned n = 0;

	(void)state;
	write_script("module mutex=1\n" CARD CARD "call C_FindObjectsFinal "
	    "keep=1\n");
	provider_start(&p, WIRE_ROLE_SCAN, fake_module(), &fake_id);
	while ((type = provider_receive(&p, &body)) != WIRE_DONE) {
		if (type != WIRE_TOKEN)
			continue;
		n++;
		assert_int_equal(wire_token_parse(body, &t), PARSE_OK);
		assert_int_equal(t.place.at, 1);
		assert_int_equal(t.n_keys, 1);
	}
	assert_int_equal(n, 1);
	assert_int_equal(provider_end(&p), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_function_lists),
		TEST(test_function_is_missing),
		TEST(test_no_login_at_all),
		TEST(test_no_slot_info),
		TEST(test_no_read_only_session),
		TEST(test_locks),
		TEST(test_not_initialized),
		TEST(test_pin_not_set),
		TEST(test_kept_lock),
		TEST(test_kept_lock_at_a_login),
		TEST(test_kept_lock_at_the_start),
		TEST(test_kept_lock_at_a_scan),
		TEST(test_kept_lock_beside_a_token),
	};

	return cmocka_run_group_tests_name("provider-hints", tests, NULL,
	    NULL);
}
