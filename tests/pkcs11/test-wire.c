/* SPDX-License-Identifier: BSD-2-Clause */
#include "pkcs11/wire.h"

#include "common/frame.h"
#include "tests/cmocka-all.h"
#include "tests/proto/every-cut.h"

#define LITERAL(s) bytes_of(s, sizeof(s) - 1)
#define CONSTANT(s) {(const uint8_t *)(s), sizeof(s) - 1}

DEFINE_PARSE_FN(parse_start, struct wire_start, wire_start_parse(body, &m))
DEFINE_PARSE_FN(parse_login, struct wire_login, wire_login_parse(body, &m))
DEFINE_PARSE_FN(parse_sign, struct wire_sign, wire_sign_parse(body, &m))
DEFINE_PARSE_FN(parse_module, struct wire_module, wire_module_parse(body, &m))
DEFINE_PARSE_FN(parse_token, struct wire_token, wire_token_parse(body, &m))
DEFINE_PARSE_FN(parse_failed, struct wire_error, wire_failed_parse(body, &m))
DEFINE_PARSE_FN(parse_login_result, struct wire_login_result,
    wire_login_result_parse(body, &m))
DEFINE_PARSE_FN(parse_sign_result, struct wire_sign_result,
    wire_sign_result_parse(body, &m))
DEFINE_PARSE_FN(parse_registered, struct wire_registered,
    wire_registered_parse(body, &m))

/* Enough for any key part or text of a test, and not all the same byte. */
static uint8_t pattern[ATTRIBUTE_MAX_BYTES + 1];

static int
make_pattern(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i % 251 + 4); /* a point's 04 first */
	return 0;
}

static struct bytes
some(size_t len)
{
	return bytes_of(pattern, len);
}

static const struct token_id token_id = {
	.manufacturer = CONSTANT("Yubico"),
	.model = CONSTANT("YubiKey YK5"),
	.serial = CONSTANT("10112904"),
	.label = CONSTANT("work"),
	.slot_description = CONSTANT("Yubico YubiKey CCID 00 00"),
};

static const struct wire_error error = {
	.call = CONSTANT("C_Login"),
	.rv = 0x1800000a0,
	.rv_name = CONSTANT("CKR_PIN_INCORRECT"),
	.text = CONSTANT("no more words"),
};

static void
assert_bytes(struct bytes got, struct bytes want)
{
	assert_int_equal(got.len, want.len);
	if (want.len > 0)
		assert_memory_equal(got.p, want.p, want.len);
}

static void
assert_token_id(const struct token_id *got)
{
	assert_bytes(got->manufacturer, token_id.manufacturer);
	assert_bytes(got->model, token_id.model);
	assert_bytes(got->serial, token_id.serial);
	assert_bytes(got->label, token_id.label);
	assert_bytes(got->slot_description, token_id.slot_description);
}

static void
assert_error(const struct wire_error *got)
{
	assert_bytes(got->call, error.call);
	assert_true(got->rv == error.rv);
	assert_bytes(got->rv_name, error.rv_name);
	assert_bytes(got->text, error.text);
}

/* The body of the one frame in b, which is of this type. */
static struct bytes
body_of(const struct buffer *b, enum wire_type type)
{
	struct bytes frame;

	assert_false(b->failed);
	assert_int_equal(
	    frame_peek(b, WIRE_REPLY_MAX_BYTES, &frame), FRAME_READY);
	assert_int_equal(frame.len + 4, b->len);
	assert_int_equal(frame.p[0], type);
	return bytes_of(frame.p + 1, frame.len - 1);
}

static void
start(void **state)
{
	struct wire_start m = {
		.role = WIRE_ROLE_TOKEN,
		.module = LITERAL("opensc-pkcs11.so"),
		.remote = true,
		.init_args = LITERAL("configdir='/x'"),
		.provider = LITERAL("work token"),
		.token = token_id,
		.n_ignored = WIRE_READERS_MAX,
	};
	struct buffer b = BUFFER_INIT(WIRE_REQUEST_MAX_BYTES);
	struct wire_start got;
	struct bytes body;

	(void)state;
	for (size_t i = 0; i < m.n_ignored; i++)
		m.ignored_readers[i] = some(i % 3);
	wire_start_put(&b, &m);
	body = body_of(&b, WIRE_START);
	check_every_cut("start", parse_start, body, body.len, false);
	assert_int_equal(wire_start_parse(body, &got), PARSE_OK);
	assert_int_equal(got.role, m.role);
	assert_bytes(got.module, m.module);
	assert_int_equal(got.remote, m.remote);
	assert_bytes(got.init_args, m.init_args);
	assert_bytes(got.provider, m.provider);
	assert_token_id(&got.token);
	assert_int_equal(got.n_ignored, m.n_ignored);
	for (size_t i = 0; i < m.n_ignored; i++)
		assert_bytes(got.ignored_readers[i], m.ignored_readers[i]);
	buffer_clear(&b);
}

static void
start_refused(void **state)
{
	const struct {
		const char *name;
		struct wire_start m;
		enum parse_err want;
	} cases[] = {
		{"least", {.role = WIRE_ROLE_SCAN}, PARSE_OK},
		{"role 0", {.role = (enum wire_role)0}, PARSE_VALUE},
		{"watch", {.role = WIRE_ROLE_WATCH}, PARSE_OK},
		{"role 5", {.role = (enum wire_role)5}, PARSE_VALUE},
		{"longest module", {.role = WIRE_ROLE_SCAN,
		    .module = some(WIRE_TEXT_MAX_BYTES)}, PARSE_OK},
		{"long module", {.role = WIRE_ROLE_SCAN,
		    .module = some(WIRE_TEXT_MAX_BYTES + 1)}, PARSE_LIMIT},
		{"long slot description", {.role = WIRE_ROLE_SCAN,
		    .token.slot_description =
			some(SLOT_DESCRIPTION_MAX_BYTES + 1)}, PARSE_LIMIT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buffer b = BUFFER_INIT(WIRE_REQUEST_MAX_BYTES);
		enum parse_err got;

		wire_start_put(&b, &cases[i].m);
		got = parse_copy(parse_start, body_of(&b, WIRE_START));
		if (got != cases[i].want)
			fail_msg("%s: %s", cases[i].name, parse_err_text(got));
		buffer_clear(&b);
	}
}

static void
login(void **state)
{
	struct wire_login m = {0xfffffffe, LITERAL("123456"), true, false};
	struct buffer b = BUFFER_INIT(WIRE_REQUEST_MAX_BYTES);
	struct wire_login got;
	struct bytes body;

	(void)state;
	wire_login_put(&b, &m);
	body = body_of(&b, WIRE_LOGIN);
	check_every_cut("login", parse_login, body, body.len, false);
	assert_int_equal(wire_login_parse(body, &got), PARSE_OK);
	assert_true(got.id == m.id);
	assert_bytes(got.pin, m.pin);
	assert_true(got.person && !got.told);
	buffer_clear(&b);

	m.pin = some(SECRET_MAX_BYTES + 1);
	wire_login_put(&b, &m);
	assert_int_equal(
	    wire_login_parse(body_of(&b, WIRE_LOGIN), &got), PARSE_LIMIT);
	buffer_clear(&b);
}

static void
sign(void **state)
{
	const struct {
		int algorithm;
		size_t data_len;
		enum parse_err want;
	} cases[] = {
		{0, 32, PARSE_VALUE},
		{SIGN_RSA_SHA256, 32, PARSE_OK},
		{SIGN_RSA_SHA256, 64, PARSE_VALUE},
		{SIGN_RSA_SHA256, 0, PARSE_VALUE},
		{SIGN_RSA_SHA512, 64, PARSE_OK},
		{SIGN_RSA_SHA512, 32, PARSE_VALUE},
		{SIGN_ECDSA, 32, PARSE_OK},
		{SIGN_ECDSA, 48, PARSE_OK},
		{SIGN_ECDSA, 64, PARSE_OK},
		{SIGN_ECDSA, 20, PARSE_VALUE},
		{SIGN_ECDSA, 0, PARSE_VALUE},
		{SIGN_ED25519, 0, PARSE_OK},
		{SIGN_ED25519, 4097, PARSE_OK},
		{SIGN_ED25519 + 1, 32, PARSE_VALUE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_sign m = {
			.id = 7,
			.algorithm = (enum sign_algorithm)cases[i].algorithm,
			.data = some(cases[i].data_len),
			.login = true, .pin = LITERAL("0000"),
			.renew = i % 2 == 0,
		};
		struct buffer b = BUFFER_INIT(WIRE_REQUEST_MAX_BYTES);
		struct wire_sign got;
		struct bytes body;

		memcpy(m.ref, pattern, sizeof(m.ref));
		wire_sign_put(&b, &m);
		body = body_of(&b, WIRE_SIGN);
		if (parse_copy(parse_sign, body) != cases[i].want)
			fail_msg("algorithm %d, %zu bytes", cases[i].algorithm,
			    cases[i].data_len);
		if (cases[i].want == PARSE_OK) {
			check_every_cut(
			    "sign", parse_sign, body, body.len, false);
			wire_sign_parse(body, &got);
			assert_int_equal(got.renew, m.renew);
			assert_int_equal(got.id, 7);
			assert_memory_equal(got.ref, m.ref, sizeof(m.ref));
			assert_int_equal(got.algorithm, m.algorithm);
			assert_bytes(got.data, m.data);
			assert_bytes(got.pin, m.pin);
		}
		buffer_clear(&b);
	}
}

static void
module(void **state)
{
	const struct wire_module m = {
		.real_path = LITERAL("/usr/lib/opensc-pkcs11.so"),
		.description = LITERAL("OpenSC smartcard framework"),
		.manufacturer = LITERAL("OpenSC Project"), .pcsc = true,
	};
	struct buffer b = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	struct wire_module got;
	struct bytes body;

	(void)state;
	wire_module_put(&b, &m);
	body = body_of(&b, WIRE_MODULE);
	check_every_cut("module", parse_module, body, body.len, false);
	assert_int_equal(wire_module_parse(body, &got), PARSE_OK);
	assert_bytes(got.real_path, m.real_path);
	assert_bytes(got.description, m.description);
	assert_bytes(got.manufacturer, m.manufacturer);
	assert_true(got.pcsc);
	buffer_clear(&b);
}

static void
done_and_failed(void **state)
{
	struct buffer b = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	struct wire_error got;
	struct bytes body;

	(void)state;
	wire_done_put(&b);
	assert_int_equal(body_of(&b, WIRE_DONE).len, 0);
	buffer_clear(&b);

	wire_failed_put(&b, &error);
	body = body_of(&b, WIRE_FAILED);
	check_every_cut("failed", parse_failed, body, body.len, false);
	assert_int_equal(wire_failed_parse(body, &got), PARSE_OK);
	assert_error(&got);
	buffer_clear(&b);
}

static void
registered(void **state)
{
	const struct {
		const char *name;
		struct wire_registered m;
		enum parse_err want;
	} cases[] = {
		{"all", {.name = LITERAL("nss"),
		    .module = LITERAL("/usr/lib/libsoftokn3.so"),
		    .init_args = LITERAL("configdir='/x'")}, PARSE_OK},
		{"trust", {.name = LITERAL("ca"), .module = LITERAL("/ca.so"),
		    .trust_policy = true}, PARSE_OK},
		{"a command", {.name = some(1), .remote = LITERAL("|ssh host"),
		    .of_system = true}, PARSE_OK},
		{"a command of a person's", {.name = some(1),
		    .remote = LITERAL("|x")}, PARSE_OK},
		{"a command and a file", {.name = some(1), .module = some(1),
		    .remote = some(1)}, PARSE_VALUE},
		{"a file of the system's", {.name = some(1), .module = some(1),
		    .of_system = true}, PARSE_VALUE},
		{"longest", {.name = some(WIRE_TEXT_MAX_BYTES),
		    .module = some(1)}, PARSE_OK},
		{"no name", {.module = some(1)}, PARSE_VALUE},
		{"no module", {.name = some(1)}, PARSE_VALUE},
		{"long module", {.name = some(1),
		    .module = some(WIRE_TEXT_MAX_BYTES + 1)}, PARSE_LIMIT},
		{"long command", {.name = some(1),
		    .remote = some(WIRE_TEXT_MAX_BYTES + 1)}, PARSE_LIMIT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wire_registered *m = &cases[i].m;
		struct buffer b = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
		struct wire_registered got;
		struct bytes body;
		enum parse_err err;

		wire_registered_put(&b, m);
		body = body_of(&b, WIRE_REGISTERED);
		err = parse_copy(parse_registered, body);
		if (err != cases[i].want)
			fail_msg("%s: %s", cases[i].name, parse_err_text(err));
		if (err == PARSE_OK) {
			check_every_cut(cases[i].name, parse_registered, body,
			    body.len, false);
			wire_registered_parse(body, &got);
			assert_bytes(got.name, m->name);
			assert_bytes(got.module, m->module);
			assert_bytes(got.remote, m->remote);
			assert_int_equal(got.of_system, m->of_system);
			assert_bytes(got.init_args, m->init_args);
			assert_int_equal(got.trust_policy, m->trust_policy);
		}
		/* A truth value is 0 or 1. */
		b.p[b.len - 1] = 2;
		assert_int_not_equal(parse_copy(parse_registered, body),
		    PARSE_OK);
		buffer_clear(&b);
	}
}

static void
login_result(void **state)
{
	(void)state;
	for (int outcome = WIRE_OK; outcome <= WIRE_PIN_EXPIRED + 1; outcome++) {
		const struct wire_login_result m = {
			.id = 3,
			.outcome = (enum wire_outcome)outcome,
			.flags = TOKEN_PIN_FINAL_TRY,
			.pin_in_doubt = true,
			.error = error,
		};
		struct buffer b = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
		struct wire_login_result got;
		struct bytes body;

		wire_login_result_put(&b, &m);
		body = body_of(&b, WIRE_LOGIN_RESULT);
		if (outcome > WIRE_PIN_EXPIRED) {
			assert_int_equal(parse_copy(parse_login_result, body),
			    PARSE_VALUE);
			buffer_clear(&b);
			continue;
		}
		check_every_cut("login result", parse_login_result, body,
		    body.len, false);
		wire_login_result_parse(body, &got);
		assert_int_equal(got.id, 3);
		assert_int_equal(got.outcome, outcome);
		assert_int_equal(got.flags, TOKEN_PIN_FINAL_TRY);
		assert_true(got.pin_in_doubt);
		assert_error(&got.error);
		buffer_clear(&b);
	}
}

static void
sign_result(void **state)
{
	const struct {
		const char *name;
		int outcome;
		uint32_t flags;
		size_t signature_len;
		enum parse_err want;
	} cases[] = {
		{"good", WIRE_OK, 0, 64, PARSE_OK},
		{"longest", WIRE_OK, 0x1ff, WIRE_SIGNATURE_MAX_BYTES, PARSE_OK},
		{"lost", WIRE_LOST, TOKEN_REMOVABLE, 0, PARSE_OK},
		{"too long", WIRE_OK, 0, WIRE_SIGNATURE_MAX_BYTES + 1,
		    PARSE_LIMIT},
		{"good without one", WIRE_OK, 0, 0, PARSE_VALUE},
		{"lost with one", WIRE_LOST, 0, 64, PARSE_VALUE},
		{"outcome 12", WIRE_PIN_EXPIRED + 1, 0, 0, PARSE_VALUE},
		{"flag 9", WIRE_OK, 0x200, 64, PARSE_VALUE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wire_sign_result m = {
			.id = 0x80000001,
			.outcome = (enum wire_outcome)cases[i].outcome,
			.flags = cases[i].flags,
			.renewed = i % 2 == 0,
			.pin = (enum wire_pin)(i % 3),
			.error = error,
			.signature = some(cases[i].signature_len),
		};
		struct buffer b = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
		struct wire_sign_result got;
		struct bytes body;
		enum parse_err err;

		wire_sign_result_put(&b, &m);
		body = body_of(&b, WIRE_SIGN_RESULT);
		err = parse_copy(parse_sign_result, body);
		if (err != cases[i].want)
			fail_msg("%s: %s", cases[i].name, parse_err_text(err));
		if (err == PARSE_OK) {
			check_every_cut(cases[i].name, parse_sign_result, body,
			    body.len, false);
			wire_sign_result_parse(body, &got);
			assert_true(got.id == m.id);
			assert_int_equal(got.outcome, m.outcome);
			assert_int_equal(got.flags, m.flags);
			assert_int_equal(got.renewed, m.renewed);
			assert_int_equal(got.pin, m.pin);
			assert_error(&got.error);
			assert_bytes(got.signature, m.signature);
		}
		buffer_clear(&b);
	}
}

static struct wire_key
key_of(enum key_kind kind, struct bytes a, struct bytes b)
{
	struct wire_key k = {
		.key = {kind, a, b},
		.id = LITERAL("\1"),
		.label = LITERAL("PIV AUTH pubkey"),
		.other_labels = {LITERAL("PIV AUTH key")},
		.flags = KEY_FROM_PUBLIC | KEY_NO_LOGIN,
	};

	if (kind == KEY_OTHER)
		k.reason = bytes_str("curve secp256k1 has no SSH algorithm");
	assert_true(key_ref(&k.key, k.ref));
	return k;
}

static void
put_token(struct buffer *b, const struct wire_key *keys, uint32_t n_keys)
{
	const struct wire_token m = {
		.id = token_id,
		.flags = TOKEN_LOGIN_REQUIRED | TOKEN_PIN_NOT_SET,
		.pin_min = 6,
		.pin_max = 8,
		.n_keys = n_keys,
	};
	size_t mark = wire_token_begin(b, &m);

	for (uint32_t i = 0; i < n_keys; i++)
		wire_key_put(b, &keys[i]);
	wire_token_end(b, mark);
}

static void
assert_key(const struct wire_key *got, const struct wire_key *want)
{
	assert_memory_equal(got->ref, want->ref, KEY_REF_BYTES);
	assert_int_equal(got->key.kind, want->key.kind);
	assert_bytes(got->key.a, want->key.a);
	assert_bytes(got->key.b, want->key.b);
	assert_bytes(got->id, want->id);
	assert_bytes(got->label, want->label);
	for (size_t i = 0; i < KEY_OTHER_LABELS; i++)
		assert_bytes(got->other_labels[i], want->other_labels[i]);
	assert_int_equal(got->flags, want->flags);
	assert_bytes(got->reason, want->reason);
}

static void
token(void **state)
{
	const struct wire_key keys[] = {
		key_of(KEY_RSA, some(256), LITERAL("\1\0\1")),
		key_of(KEY_EC_P256, some(65), BYTES_NONE),
		key_of(KEY_EC_P384, some(97), BYTES_NONE),
		key_of(KEY_EC_P521, some(133), BYTES_NONE),
		key_of(KEY_ED25519, some(32), BYTES_NONE),
		key_of(KEY_OTHER, some(5), BYTES_NONE),
	};
	enum { N_KEYS = sizeof(keys) / sizeof(keys[0]) };
	struct buffer b = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	struct wire_token got;
	struct wire_key k;
	struct bytes body;

	(void)state;
	put_token(&b, keys, N_KEYS);
	body = body_of(&b, WIRE_TOKEN);
	check_every_cut("token", parse_token, body, body.len, false);
	assert_int_equal(wire_token_parse(body, &got), PARSE_OK);
	assert_token_id(&got.id);
	assert_int_equal(got.flags, TOKEN_LOGIN_REQUIRED | TOKEN_PIN_NOT_SET);
	assert_int_equal(got.pin_min, 6);
	assert_int_equal(got.pin_max, 8);
	assert_int_equal(got.n_keys, N_KEYS);
	for (size_t i = 0; i < N_KEYS; i++) {
		assert_true(wire_key_next(&got, &k));
		assert_key(&k, &keys[i]);
	}
	assert_false(wire_key_next(&got, &k));
	assert_false(wire_key_next(&got, &k));
	buffer_clear(&b);
}

static void
number_of_keys(void **state)
{
	struct wire_key key = key_of(KEY_ED25519, some(32), BYTES_NONE);
	struct wire_key keys[KEYS_ON_WIRE_MAX + 1];
	struct buffer b = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	struct wire_token got;
	struct wire_key k;

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		keys[i] = key;
	put_token(&b, NULL, 0);
	assert_int_equal(
	    wire_token_parse(body_of(&b, WIRE_TOKEN), &got), PARSE_OK);
	assert_false(wire_key_next(&got, &k));
	buffer_clear(&b);
	put_token(&b, keys, KEYS_ON_WIRE_MAX);
	assert_int_equal(
	    wire_token_parse(body_of(&b, WIRE_TOKEN), &got), PARSE_OK);
	buffer_clear(&b);
	put_token(&b, keys, KEYS_ON_WIRE_MAX + 1);
	assert_int_equal(
	    wire_token_parse(body_of(&b, WIRE_TOKEN), &got), PARSE_LIMIT);
	buffer_clear(&b);
}

/* One key that must not be believed makes the whole token refused. */
static void
key_forms(void **state)
{
	const struct {
		const char *name;
		enum key_kind kind;
		struct bytes a, b;
		enum parse_err want;
	} cases[] = {
		{"RSA of 16384 bits", KEY_RSA, some(2048), some(3), PARSE_OK},
		{"RSA longer than that", KEY_RSA, some(2049), some(3),
		    PARSE_VALUE},
		{"RSA, leading zero", KEY_RSA, LITERAL("\0\1\1"), some(1),
		    PARSE_VALUE},
		{"RSA, exponent with zero", KEY_RSA, some(256),
		    LITERAL("\0\3"), PARSE_VALUE},
		{"RSA without modulus", KEY_RSA, BYTES_NONE, some(1),
		    PARSE_VALUE},
		{"RSA without exponent", KEY_RSA, some(256), BYTES_NONE,
		    PARSE_VALUE},
		{"RSA, exponent longer", KEY_RSA, some(3), some(4),
		    PARSE_VALUE},
		{"P-256, short", KEY_EC_P256, some(64), BYTES_NONE,
		    PARSE_VALUE},
		{"P-256, long", KEY_EC_P256, some(66), BYTES_NONE,
		    PARSE_VALUE},
		{"P-256, compressed", KEY_EC_P256,
		    bytes_of(pattern + 1, 65), BYTES_NONE, PARSE_VALUE},
		{"P-256 with b", KEY_EC_P256, some(65), some(1), PARSE_VALUE},
		{"P-384 as P-256", KEY_EC_P256, some(97), BYTES_NONE,
		    PARSE_VALUE},
		{"Ed25519, short", KEY_ED25519, some(31), BYTES_NONE,
		    PARSE_VALUE},
		{"other, longest", KEY_OTHER, some(ATTRIBUTE_MAX_BYTES),
		    some(ATTRIBUTE_MAX_BYTES), PARSE_OK},
		{"kind 0", (enum key_kind)0, some(32), BYTES_NONE,
		    PARSE_VALUE},
		{"kind 7", (enum key_kind)(KEY_OTHER + 1), some(32),
		    BYTES_NONE, PARSE_VALUE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_key k =
		    key_of(cases[i].kind, cases[i].a, cases[i].b);
		struct buffer b = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
		enum parse_err got;

		put_token(&b, &k, 1);
		got = parse_copy(parse_token, body_of(&b, WIRE_TOKEN));
		if (got != cases[i].want)
			fail_msg("%s: %s", cases[i].name, parse_err_text(got));
		buffer_clear(&b);
	}
}

static enum parse_err
parse_one_key(const struct wire_key *k)
{
	struct buffer b = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	enum parse_err err;

	put_token(&b, k, 1);
	err = parse_copy(parse_token, body_of(&b, WIRE_TOKEN));
	buffer_clear(&b);
	return err;
}

static void
key_fields(void **state)
{
	const struct wire_key good = key_of(KEY_ED25519, some(32), BYTES_NONE);
	struct wire_key k = good;

	(void)state;
	assert_int_equal(parse_one_key(&k), PARSE_OK);
	k.ref[31] ^= 1;
	assert_int_equal(parse_one_key(&k), PARSE_VALUE);
	k = good;
	k.flags = 1 << 7;
	assert_int_equal(parse_one_key(&k), PARSE_VALUE);
	k = good;
	k.id = some(KEY_ID_MAX_BYTES + 1);
	assert_int_equal(parse_one_key(&k), PARSE_LIMIT);
	k = good;
	k.label = some(KEY_LABEL_MAX_BYTES + 1);
	assert_int_equal(parse_one_key(&k), PARSE_LIMIT);
	k = good;
	k.other_labels[1] = some(KEY_LABEL_MAX_BYTES + 1);
	assert_int_equal(parse_one_key(&k), PARSE_LIMIT);
	k = good;
	k.reason = some(WIRE_TEXT_MAX_BYTES + 1);
	assert_int_equal(parse_one_key(&k), PARSE_LIMIT);
	k = key_of(KEY_OTHER, some(1), BYTES_NONE);
	k.reason = BYTES_NONE;
	assert_int_equal(parse_one_key(&k), PARSE_VALUE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start),
		cmocka_unit_test(start_refused),
		cmocka_unit_test(login),
		cmocka_unit_test(sign),
		cmocka_unit_test(module),
		cmocka_unit_test(done_and_failed),
		cmocka_unit_test(registered),
		cmocka_unit_test(login_result),
		cmocka_unit_test(sign_result),
		cmocka_unit_test(token),
		cmocka_unit_test(number_of_keys),
		cmocka_unit_test(key_forms),
		cmocka_unit_test(key_fields),
	};

	return cmocka_run_group_tests_name(
	    "pkcs11/wire", tests, make_pattern, NULL);
}
