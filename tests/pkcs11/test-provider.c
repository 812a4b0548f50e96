/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agent-provider: its roles from the first message to the last. */
#include <stdio.h>

#include "tests/pkcs11/fake-script.h"

/* A token that fails, or is not initialised, does not hide the others. */
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

/* The next step of a scan: which slot, and whether it has said who it is. */
static void
expect_slot(struct provider_process *p, uint32_t at, const char *label,
    uint32_t waiting, bool last)
{
	struct wire_slot w;

	assert_int_equal(wire_slot_parse(provider_expect(p, WIRE_SLOT), &w),
	    PARSE_OK);
	assert_int_equal(w.place.at, at);
	assert_true(bytes_is(w.id.label, label));
	assert_int_equal(w.waiting, waiting);
	assert_int_equal(w.last, last);
}

static void
expect_token(struct provider_process *p, const char *label)
{
	struct wire_token t;

	assert_int_equal(wire_token_parse(provider_expect(p, WIRE_TOKEN),
	    &t), PARSE_OK);
	assert_true(bytes_is(t.id.label, label));
}

/* Whoever listens knows where it died. */
static void
test_scan_says_what_it_touches(void **state)
{
	static const struct {
		const char *call, *label;
	} rows[] = {
		{"C_GetSlotInfo of=1 crash=1", ""},
		{"C_GetTokenInfo of=1 crash=1", ""},
		{"C_OpenSession of=1 crash=1", "b"},
	};
	struct provider_process p;
	char script[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(script, sizeof(script), "slot label=a\nslot label=b\n"
		    "slot label=c\ncall %s\n", rows[i].call);
		write_script(script);
		provider_start(&p, WIRE_ROLE_SCAN, fake_module(), NULL);
		provider_expect(&p, WIRE_MODULE);
		expect_slot(&p, 0, "", 2, false);
		expect_slot(&p, 0, "a", 2, false);
		expect_token(&p, "a");
		expect_slot(&p, 1, "", 1, false);
		if (rows[i].label[0] != '\0')
			expect_slot(&p, 1, rows[i].label, 1, false);
		provider_expect_end(&p);
		assert_int_equal(provider_end(&p), -1);
	}
}

/* By its place it is not touched at all, by its texts not further. */
static void
test_scan_leaves_out(void **state)
{
	struct token_id id = fake_id;
	struct wire_start start = {
		.role = WIRE_ROLE_SCAN,
		.module = bytes_str(fake_module()),
		.n_left_out = 2,
		.left_out = {{.place = {0, 3}}, {.place = {7, 9}}},
	};
	struct provider_process p;

	(void)state;
	id.label = bytes_str("b");
	id.slot_description = bytes_str("Fake reader 1");
	start.left_out[1].id = id;
	write_script("slot label=a\nslot label=b\nslot label=c\n");
	provider_start_with(&p, &start);
	provider_expect(&p, WIRE_MODULE);
	expect_slot(&p, 1, "", 1, false);
	expect_slot(&p, 2, "", 0, false);
	expect_slot(&p, 2, "c", 0, false);
	expect_token(&p, "c");
	provider_expect(&p, WIRE_DONE);
	assert_int_equal(provider_end(&p), 0);
	assert_int_equal(count_calls("C_GetSlotInfo 0"), 0);
	assert_int_equal(count_calls("C_OpenSession 1"), 0);
	/* Another look, when all others are done. */
	start.left_out[0].last = start.left_out[1].last = true;
	write_script("slot label=a\nslot label=b\nslot label=c\n");
	provider_start_with(&p, &start);
	provider_expect(&p, WIRE_MODULE);
	expect_slot(&p, 1, "", 1, false);
	expect_slot(&p, 2, "", 0, false);
	expect_slot(&p, 2, "c", 0, false);
	expect_token(&p, "c");
	expect_slot(&p, 0, "", 0, true);
	expect_slot(&p, 0, "a", 0, true);
	expect_token(&p, "a");
	expect_slot(&p, 1, "", 0, true);
	expect_slot(&p, 1, "b", 0, true);
	expect_token(&p, "b");
	provider_expect(&p, WIRE_DONE);
	assert_int_equal(provider_end(&p), 0);
}

/* Nor does the process of the token beside it touch it. */
static void
test_token_leaves_out(void **state)
{
	struct wire_start start = {
		.role = WIRE_ROLE_TOKEN,
		.module = bytes_str(fake_module()),
		.token = fake_id,
		.n_left_out = 1,
		.left_out = {{.place = {0, 2}}},
	};
	struct provider_process p;
	struct wire_token t;

	(void)state;
	start.token.slot_description = bytes_str("Fake reader 1");
	for (uint32_t hint = 0; hint < 2; hint++) {
		start.place = (struct slot_place){hint, hint * 2};
		write_script("slot label=bad\nslot\n" PUBLIC P256 "\n"
		    "call C_GetSlotInfo of=0 crash=1\n");
		provider_start_with(&p, &start);
		provider_expect_token(&p, &t);
		assert_int_equal(t.n_keys, 1);
		assert_int_equal(t.place.at, 1);
		assert_int_equal(provider_end(&p), 0);
	}
}

/* Two that are alike in all they say: the one that has the key. */
static void
test_alike(void **state)
{
	struct wire_start start = {
		.role = WIRE_ROLE_TOKEN,
		.module = bytes_str(fake_module()),
		.token = fake_id,
		.n_refs = 1,
	};
	const char *script = "slot reader=same\n" PUBLIC P256 " id=01\n"
	    "slot reader=same\n" PUBLIC P256_B " id=01\n";
	uint8_t refs[2][KEY_REF_BYTES];
	struct provider_process p;
	struct wire_token t;
	struct wire_key k;

	(void)state;
	write_script(script);
	provider_start(&p, WIRE_ROLE_SCAN, fake_module(), NULL);
	provider_expect(&p, WIRE_MODULE);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(wire_token_parse(provider_expect(&p,
		    WIRE_TOKEN), &t), PARSE_OK);
		assert_int_equal(t.place.at, i);
		assert_true(wire_key_next(&t, &k));
		memcpy(refs[i], k.ref, sizeof(refs[i]));
	}
	provider_expect(&p, WIRE_DONE);
	assert_int_equal(provider_end(&p), 0);
	assert_memory_not_equal(refs[0], refs[1], KEY_REF_BYTES);
	/* Whatever the place that it is said to be in. */
	start.token.slot_description = bytes_str("same");
	for (uint32_t i = 0; i < 4; i++) {
		start.place = (struct slot_place){i / 2, 2};
		memcpy(start.refs[0], refs[i % 2], KEY_REF_BYTES);
		write_script(script);
		provider_start_with(&p, &start);
		provider_expect_token(&p, &t);
		assert_int_equal(t.place.at, i % 2);
		assert_true(wire_key_next(&t, &k));
		assert_memory_equal(k.ref, refs[i % 2], KEY_REF_BYTES);
		assert_int_equal(provider_end(&p), 0);
	}
	/* The key is a new one: it is served all the same, in its place. */
	memset(start.refs[0], 7, KEY_REF_BYTES);
	start.place = (struct slot_place){1, 2};
	write_script(script);
	provider_start_with(&p, &start);
	provider_expect_token(&p, &t);
	assert_int_equal(t.place.at, 1);
	assert_int_equal(provider_end(&p), 0);
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
		TEST(test_scan_says_what_it_touches),
		TEST(test_scan_leaves_out),
		TEST(test_token_leaves_out),
		TEST(test_alike),
		TEST(test_module_failures),
		TEST(test_same_twice),
		TEST(test_early_requests),
		TEST(test_nonsense),
		TEST(test_end_while_signing),
	};

	return cmocka_run_group_tests_name("provider", tests, NULL, NULL);
}
