/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agent-provider: its roles from the first message to the last. */
#include "tests/pkcs11/fake-script.h"

/* One token that fails, or is not initialised, does not hide the others. */
static void
test_scan(void **state)
{
	struct provider_process p;
	struct wire_token t;
	struct bytes body;

	(void)state;
	write_script("slot label=a\nslot label=b\nslot label=c initialized=0\n"
	    "slot label=d\nslot label=e present=0\n"
	    "call C_OpenSession rv=0xe1\n");
	provider_start(&p, WIRE_ROLE_SCAN, fake_module(), NULL);
	provider_expect(&p, WIRE_MODULE);
	body = provider_expect(&p, WIRE_TOKEN);
	assert_int_equal(wire_token_parse(body, &t), PARSE_OK);
	assert_true(bytes_is(t.id.label, "b"));
	body = provider_expect(&p, WIRE_TOKEN);
	assert_int_equal(wire_token_parse(body, &t), PARSE_OK);
	assert_true(bytes_is(t.id.label, "d"));
	provider_expect(&p, WIRE_DONE);
	provider_expect_end(&p);
	assert_int_equal(provider_end(&p), 0);
	assert_int_equal(count_calls("C_Login"), 0);
	assert_int_equal(count_calls("C_CloseSession"), 3);
}

static void
expect_failed(const char *module, const char *script, const char *call)
{
	struct provider_process p;
	struct wire_error err;

	write_script(script);
	provider_start(&p, WIRE_ROLE_SCAN, module, NULL);
	assert_int_equal(wire_failed_parse(provider_expect(&p, WIRE_FAILED),
	    &err), PARSE_OK);
	assert_true(bytes_is(err.call, call));
	assert_true(err.text.len > 0 || err.rv_name.len > 0);
	provider_expect_end(&p);
	assert_int_equal(provider_end(&p), 0);
}

static void
test_module_failures(void **state)
{
	(void)state;
	expect_failed("no-such-module.so", "", "");
	expect_failed("/etc/passwd", "", "");
	expect_failed(fake_module(), "call C_Initialize rv=0x5\n",
	    "C_Initialize");
}

/* Tokens that look the same are told apart by their slots. */
static void
test_same_twice(void **state)
{
	struct provider_process p;
	struct wire_error err;
	struct token_id id = fake_id;
	struct wire_token t;

	(void)state;
	write_script("slot\nslot\n");
	id.slot_description = bytes_str("Fake reader 1");
	provider_start(&p, WIRE_ROLE_TOKEN, fake_module(), &id);
	provider_expect_token(&p, &t);
	assert_true(bytes_is(t.id.slot_description, "Fake reader 1"));
	assert_int_equal(provider_end(&p), 0);
	id.slot_description = bytes_str("Fake reader 7");
	provider_start(&p, WIRE_ROLE_TOKEN, fake_module(), &id);
	provider_expect(&p, WIRE_MODULE);
	assert_int_equal(wire_failed_parse(provider_expect(&p, WIRE_FAILED),
	    &err), PARSE_OK);
	assert_int_equal(provider_end(&p), 0);
	/* Only one of its kind: it moved to another reader. */
	write_script("slot initialized=0\nslot\n");
	provider_start(&p, WIRE_ROLE_TOKEN, fake_module(), &id);
	provider_expect_token(&p, &t);
	assert_true(bytes_is(t.id.slot_description, "Fake reader 1"));
	assert_int_equal(provider_end(&p), 0);
}

/* Requests may come before it is ready: they wait. */
static void
test_early_requests(void **state)
{
	struct wire_sign_result r;
	struct provider_process p;
	struct wire_token t;
	struct wire_key k;
	uint32_t login, sign;

	(void)state;
	serve(&p, "slot\n" PUBLIC P256 " id=01\n", &t);
	assert_true(wire_key_next(&t, &k));
	assert_int_equal(provider_end(&p), 0);
	write_script("slot login=1\n" PUBLIC P256 " id=01\n"
	    PRIVATE P256 " id=01\ncall C_Initialize rv=0 ms=50\n");
	provider_start(&p, WIRE_ROLE_TOKEN, fake_module(),
	    &fake_id);
	login = provider_send_login(&p, "1234");
	sign = provider_send_sign(&p, k.ref, SIGN_ECDSA,
	    bytes_of((const uint8_t[32]){0}, 32), "");
	provider_expect_token(&p, &t);
	provider_expect(&p, WIRE_DONE);
	provider_expect(&p, WIRE_TOKEN);
	assert_int_equal(provider_login_result(&p, login).outcome, WIRE_OK);
	r = provider_sign_result(&p, sign);
	assert_int_equal(r.outcome, WIRE_OK);
	assert_int_equal(provider_end(&p), 0);
}

/* What the daemon would never send ends it, with code 1. */
static void
test_nonsense(void **state)
{
	static const struct {
		const char *name;
		uint8_t p[16];
		size_t len;
	} rows[] = {
		{"a reply", {0, 0, 0, 1, WIRE_DONE}, 5},
		{"a second start", {0, 0, 0, 2, WIRE_START, 1}, 6},
		{"a short login", {0, 0, 0, 3, WIRE_LOGIN, 0, 0}, 7},
		{"an empty frame", {0, 0, 0, 0}, 4},
		{"a huge frame", {0xff, 0xff, 0xff, 0xff}, 4},
	};
	struct provider_process p;
	struct wire_token t;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer out = BUFFER_INIT(64);

		serve(&p, "slot\n", &t);
		provider_expect(&p, WIRE_DONE);
		buffer_put(&out, bytes_of(rows[i].p, rows[i].len));
		provider_send(&p, &out);
		provider_expect_end(&p);
		if (provider_end(&p) != 1)
			fail_msg("%s: it went on", rows[i].name);
		buffer_clear(&out);
	}
}

/* The socket's end is the end, also beside a call that hangs. */
static void
test_end_while_signing(void **state)
{
	static const uint8_t digest[32];
	struct provider_process p;
	struct wire_token t;
	struct wire_key k;

	(void)state;
	serve(&p, "slot removable=1 hw=1\n" PUBLIC P256 " id=01\n"
	    "object class=3 " P256 " id=01\ncall C_Sign ms=600000\n", &t);
	assert_true(wire_key_next(&t, &k));
	provider_expect(&p, WIRE_DONE);
	for (int i = 0; i < 10; i++)
		provider_send_sign(&p, k.ref, SIGN_ECDSA,
		    bytes_of(digest, sizeof(digest)), "");
	assert_int_equal(provider_end(&p), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_scan),
		TEST(test_module_failures),
		TEST(test_same_twice),
		TEST(test_early_requests),
		TEST(test_nonsense),
		TEST(test_end_while_signing),
	};

	return cmocka_run_group_tests_name("provider", tests, NULL, NULL);
}
