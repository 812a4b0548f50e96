/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agent-provider with a module that a script drives: the errors, flags
 * and odd objects that real tokens show one day.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pkcs11/error.h"
#include "pkcs11/public-key.h"
#include "tests/cmocka-all.h"
#include "tests/pkcs11/provider-process.h"

/* Points that are on their curves: the generators of P-256 and secp256k1. */
#define P256_PARAMS "06082a8648ce3d030107"
#define P256_POINT                                                     \
	"046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d8" \
	"98c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb640" \
	"6837bf51f5"
/* The same x, the other y. */
#define P256_OTHER                                                     \
	"046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d8" \
	"98c296b01cbd1c01e58065711814b583f061e9d431cca994cea1313449bf" \
	"97c840ae0a"
#define K1_PARAMS "06052b8104000a"
#define P256 "key_type=3 params=" P256_PARAMS " point=" P256_POINT
#define P256_B "key_type=3 params=" P256_PARAMS " point=" P256_OTHER
#define ED25519                                        \
	"key_type=0x40 params=06032b6570 point="       \
	"00112233445566778899aabbccddeeff"             \
	"00112233445566778899aabbccddeeff"
#define PUBLIC "object class=2 "
#define PRIVATE "object class=3 private=1 "
#define RSA_BYTES 256

/* An RSA modulus of 2048 bits, as a static text. */
static const char *
rsa(void)
{
	static char text[2 * RSA_BYTES + 32];

	memset(text, 'b', sizeof(text) - 1);
	memcpy(text, "key_type=0 modulus=", 19);
	text[19 + 2 * RSA_BYTES] = '\0';
	return text;
}

/* Each test has a script, and a log of the calls that it made. */
static char folder[64], script_path[128], log_path[128];

static int
setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/p11-agent-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(script_path, sizeof(script_path), "%s/script", folder);
	snprintf(log_path, sizeof(log_path), "%s/log", folder);
	assert_int_equal(setenv("P11_FAKE_SCRIPT", script_path, 1), 0);
	assert_int_equal(setenv("P11_FAKE_LOG", log_path, 1), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(script_path);
	unlink(log_path);
	return rmdir(folder);
}

static void
write_script(const char *text)
{
	FILE *f = fopen(script_path, "w");

	assert_non_null(f);
	assert_int_not_equal(fputs(text, f), EOF);
	assert_int_equal(fclose(f), 0);
	unlink(log_path);
}

/* Lines of the log that start so. */
static unsigned
count_calls(const char *start)
{
	FILE *f = fopen(log_path, "r");
	char line[256];
	unsigned n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strncmp(line, start, strlen(start)) == 0;
	fclose(f);
	return n;
}

static const struct token_id fake_id = {
	.manufacturer = {(const uint8_t *)"tests", 5},
	.model = {(const uint8_t *)"fake", 4},
	.serial = {(const uint8_t *)"0001", 4},
	.label = {(const uint8_t *)"fake", 4},
	.slot_description = {(const uint8_t *)"Fake reader 0", 13},
};

/* Start it as a token's process; the keys it shows, in *ret. */
static void
serve(struct provider_process *p, const char *script, struct wire_token *ret)
{
	write_script(script);
	provider_start(p, WIRE_ROLE_TOKEN, getenv("P11_TEST_MODULE"),
	    &fake_id);
	provider_expect_token(p, ret);
}

static struct wire_sign_result
sign_p256(struct provider_process *p, const uint8_t *ref, const char *pin)
{
	static const uint8_t digest[32];

	return provider_sign(p, ref, SIGN_ECDSA,
	    bytes_of(digest, sizeof(digest)), pin);
}

/* What keys are made of which objects, before and after a login. */
static const struct keys_row {
	const char *name;
	const char *script;
	bool login;
	struct {
		enum key_kind kind;
		uint32_t flags;
		const char *reason;
	} keys[3]; /* kind 0 ends them */
} keys_rows[] = {
	{"a pair, before the login",
	    "slot login=1\n" PUBLIC P256 " id=01\n" PRIVATE P256 " id=01\n",
	    false, {{KEY_EC_P256, KEY_FROM_PUBLIC, ""}}},
	{"a pair, after it",
	    "slot login=1\n" PUBLIC P256 " id=01\n" PRIVATE P256 " id=01\n",
	    true, {{KEY_EC_P256, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED, ""}}},
	{"a pair, no login needed",
	    "slot login=0\n" PUBLIC P256 " id=01\n" PRIVATE P256 " id=01\n",
	    false, {{KEY_EC_P256, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED | KEY_NO_LOGIN, ""}}},
	{"the private key shows before the login",
	    "slot login=1\n" PUBLIC P256 " id=01\n"
	    "object class=3 key_type=3 params=" P256_PARAMS " id=01\n",
	    false, {{KEY_EC_P256, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED | KEY_NO_LOGIN, ""}}},
	{"an orphan",
	    "slot login=1\n" PUBLIC P256 " id=01\n", true,
	    {{KEY_EC_P256, KEY_FROM_PUBLIC | KEY_PRIVATE_SETTLED,
	    "no private key with it on this token"}}},
	{"only a private key, which tells its point",
	    "slot login=1\n" PRIVATE P256 " id=01\n", true,
	    {{KEY_EC_P256, KEY_FROM_PRIVATE | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED, ""}}},
	{"only a private key, which tells nothing",
	    "slot login=1\n" PRIVATE "key_type=3 params=" P256_PARAMS
	    " id=01\n", true,
	    {{KEY_OTHER, KEY_FROM_PRIVATE | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED, "its public key is not on the token"}}},
	{"CKA_SIGN is false",
	    "slot login=1\n" PUBLIC P256 " id=01\n" PRIVATE P256
	    " id=01 sign=00\n", true,
	    {{KEY_EC_P256, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED, "CKA_SIGN is false"}}},
	{"CKA_VERIFY is false",
	    "slot login=1\n" PUBLIC P256 " id=01 verify=00\n", false,
	    {{KEY_EC_P256, KEY_FROM_PUBLIC, "CKA_VERIFY is false"}}},
	{"a curve that SSH does not have",
	    "slot login=1\n" PUBLIC "key_type=3 params=" K1_PARAMS
	    " point=04aa id=01\n", false,
	    {{KEY_OTHER, KEY_FROM_PUBLIC,
	    "curve secp256k1 has no SSH algorithm"}}},
	{"a key type that SSH does not have",
	    "slot login=1\n" PUBLIC "key_type=1 id=01\n", false,
	    {{KEY_OTHER, KEY_FROM_PUBLIC,
	    "key type 0x1 has no SSH algorithm"}}},
	{"a mechanism that the token does not have",
	    "slot login=1\n" PUBLIC ED25519 " id=01\n" PRIVATE ED25519
	    " id=01\n", true,
	    {{KEY_ED25519, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED, "the token does not sign with CKM_EDDSA"}}},
	{"a token that does not tell its mechanisms",
	    "slot login=1 mechanisms=0\n" PUBLIC ED25519 " id=01\n"
	    PRIVATE ED25519 " id=01\n", true,
	    {{KEY_ED25519, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED, ""}}},
	{"two keys with one CKA_ID, told apart by their points",
	    "slot login=1\n" PUBLIC P256 " id=01\n" PUBLIC P256_B " id=01\n"
	    PRIVATE P256_B " id=01 sign=00\n" PRIVATE P256 " id=01\n", true,
	    {{KEY_EC_P256, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED, ""},
	    {KEY_EC_P256, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED, "CKA_SIGN is false"}}},
	{"two keys with one CKA_ID, told apart by their labels",
	    "slot login=1\n" PUBLIC P256 " id=01 label=61\n"
	    PUBLIC P256_B " id=01 label=62\n"
	    PRIVATE "key_type=3 params=" P256_PARAMS " id=01 label=62 "
	    "sign=00\n" PRIVATE "key_type=3 params=" P256_PARAMS
	    " id=01 label=61\n", true,
	    {{KEY_EC_P256, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED, ""},
	    {KEY_EC_P256, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED, "CKA_SIGN is false"}}},
	{"another CKA_ID, the same point",
	    "slot login=1\n" PUBLIC P256 " id=01\n" PRIVATE P256 " id=02\n",
	    true, {{KEY_EC_P256, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED, ""}}},
	{"the same CKA_ID, another curve",
	    "slot login=1\n" PUBLIC P256 " id=01\n"
	    PRIVATE "key_type=3 params=06052b81040022 id=01\n", true,
	    {{KEY_EC_P256, KEY_FROM_PUBLIC | KEY_PRIVATE_SETTLED,
	    "no private key with it on this token"},
	    {KEY_OTHER, KEY_FROM_PRIVATE | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED, "its public key is not on the token"}}},
	{"one key, twice on the token",
	    "slot login=1\n" PUBLIC P256 " id=01\n" PUBLIC P256 " id=02\n",
	    false, {{KEY_EC_P256, KEY_FROM_PUBLIC, ""}}},
	{"each key its own login",
	    "slot login=1\n" PUBLIC P256 " id=01\n" PRIVATE P256
	    " id=01 always=01\n", true,
	    {{KEY_EC_P256, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED | KEY_ALWAYS_AUTHENTICATE, ""}}},
	{"an object without a key type, one with a broken value",
	    "slot login=1\n" PUBLIC "id=01\n" PUBLIC "key_type=3 params="
	    P256_PARAMS " point=0400 id=02\n", false,
	    {{KEY_OTHER, KEY_FROM_PUBLIC,
	    "its EC point is not on its curve"}}},
	{"a certificate of another kind, and a malformed one",
	    "slot login=1\nobject class=1 certificate_type=1 value=3000\n"
	    "object class=1 value=3000 id=01\n", false,
	    {{KEY_OTHER, KEY_FROM_CERTIFICATE,
	    "malformed X.509 certificate"}}},
	{"one object that fails, the others do not",
	    "slot login=1\n" PUBLIC P256 " id=01\n" PUBLIC P256_B " id=02\n"
	    "call C_GetAttributeValue rv=0x5 times=3\n", false,
	    {{KEY_EC_P256, KEY_FROM_PUBLIC, ""}}},
};

static void
check_keys(const struct keys_row *row, struct wire_token *t)
{
	struct wire_key k = {0};

	for (size_t i = 0; i < 3; i++) {
		if (row->keys[i].kind == 0) {
			if (wire_key_next(t, &k))
				fail_msg("%s: %u keys", row->name, t->n_keys);
			return;
		}
		if (!wire_key_next(t, &k) || k.key.kind != row->keys[i].kind ||
		    k.flags != row->keys[i].flags ||
		    !bytes_is(k.reason, row->keys[i].reason))
			fail_msg("%s: key %zu: kind %d, flags %#x, %.*s",
			    row->name, i, k.key.kind, k.flags,
			    (int)k.reason.len, (const char *)k.reason.p);
	}
}

static void
test_keys(void **state)
{
	struct provider_process p;
	struct wire_token t;
	struct bytes body;

	(void)state;
	for (size_t i = 0; i < sizeof(keys_rows) / sizeof(keys_rows[0]); i++) {
		serve(&p, keys_rows[i].script, &t);
		if (keys_rows[i].login) {
			provider_expect(&p, WIRE_DONE);
			provider_send_login(&p, "1234");
			body = provider_expect(&p, WIRE_TOKEN);
			assert_int_equal(wire_token_parse(body, &t),
			    PARSE_OK);
		}
		check_keys(&keys_rows[i], &t);
		assert_int_equal(provider_end(&p), 0);
	}
}

/* A certificate of a P-256 key, in hex, of at most 1 KiB. */
static void
certificate_hex(char *out, size_t size)
{
	FILE *f = fopen(getenv("P11_TEST_CERTIFICATE"), "r");
	size_t n = 0;
	int c;

	assert_non_null(f);
	while ((c = getc(f)) != EOF) {
		assert_in_range(n, 0, size - 3);
		n += (size_t)snprintf(out + n, size - n, "%02x", c);
	}
	fclose(f);
}

/* Cards that have the private key and a certificate, and no public key. */
static void
test_certificate(void **state)
{
	static const struct keys_row before = {"certificate", NULL, false,
	    {{KEY_EC_P256, KEY_FROM_CERTIFICATE, ""}}};
	static const struct keys_row after = {"certificate, login", NULL, true,
	    {{KEY_EC_P256, KEY_FROM_CERTIFICATE | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED, ""}}};
	char hex[2049], script[4096];
	struct wire_sign_result r;
	struct provider_process p;
	struct wire_token t;
	struct wire_key k;
	struct bytes body;

	(void)state;
	certificate_hex(hex, sizeof(hex));
	snprintf(script, sizeof(script), "slot login=1\n"
	    "object class=1 certificate_type=0 value=%s id=01 label=63\n"
	    PRIVATE "key_type=3 params=" P256_PARAMS " id=01\n", hex);
	serve(&p, script, &t);
	check_keys(&before, &t);
	provider_expect(&p, WIRE_DONE);
	provider_send_login(&p, "1234");
	body = provider_expect(&p, WIRE_TOKEN);
	assert_int_equal(wire_token_parse(body, &t), PARSE_OK);
	k = (struct wire_key){0};
	check_keys(&after, &(struct wire_token){t.id, t.flags, t.pin_min,
	    t.pin_max, t.n_keys, t.keys});
	assert_true(wire_key_next(&t, &k));
	assert_true(bytes_is(k.label, "c"));
	provider_expect(&p, WIRE_LOGIN_RESULT);
	/* The pair is only by its CKA_ID, and what it signs is no signature. */
	r = sign_p256(&p, k.ref, "");
	assert_int_equal(r.outcome, WIRE_KEY_UNUSABLE);
	assert_int_equal(provider_end(&p), 0);
}

static void
test_rsa(void **state)
{
	char script[4096];
	uint8_t data[64] = {0};
	struct wire_sign_result r;
	struct provider_process p;
	struct wire_token t;
	struct wire_key k;

	(void)state;
	/* The private key tells only the modulus: that is enough. */
	snprintf(script, sizeof(script), "slot\nsignature 256\n"
	    PUBLIC "%s exponent=010001 id=01\nobject class=3 %s id=09\n",
	    rsa(), rsa());
	serve(&p, script, &t);
	assert_true(wire_key_next(&t, &k));
	assert_false(wire_key_next(&t, &(struct wire_key){0}));
	assert_int_equal(k.key.kind, KEY_RSA);
	assert_int_equal(k.flags, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED | KEY_NO_LOGIN);
	provider_expect(&p, WIRE_DONE);
	r = provider_sign(&p, k.ref, SIGN_RSA_SHA256, bytes_of(data, 32), "");
	assert_int_equal(r.outcome, WIRE_OK);
	assert_int_equal(r.signature.len, RSA_BYTES);
	/* A DigestInfo is what the module got. */
	assert_int_equal(count_calls("C_Sign 51\n"), 1);
	r = provider_sign(&p, k.ref, SIGN_RSA_SHA512, bytes_of(data, 64), "");
	assert_int_equal(r.outcome, WIRE_OK);
	assert_int_equal(count_calls("C_Sign 83\n"), 1);
	/* What does not fit the key never gets there. */
	r = provider_sign(&p, k.ref, SIGN_ECDSA, bytes_of(data, 32), "");
	assert_int_equal(r.outcome, WIRE_ERROR);
	assert_int_equal(count_calls("C_SignInit"), 2);
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
	provider_start(&p, WIRE_ROLE_TOKEN, getenv("P11_TEST_MODULE"),
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

/* A token that forgets the login: told, and it can be had again. */
static void
test_login_lost(void **state)
{
	struct wire_sign_result r;
	struct provider_process p;
	struct wire_token t;
	struct wire_key k;

	(void)state;
	serve(&p, "slot login=1\n" PUBLIC P256 " id=01\n" PRIVATE P256
	    " id=01\ncall C_Sign rv=0x101\n"
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
	assert_int_equal(provider_login(&p, "1234").outcome, WIRE_LOST);
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
	} rows[] = {
		{"slot login=1\n", "1234", WIRE_OK, 1},
		{"slot login=1\n", "12345", WIRE_PIN_REFUSED, 1},
		{"slot login=1\n", "", WIRE_ERROR, 0},
		{"slot login=1 pad=1\n", "", WIRE_OK, 1},
		{"slot login=1 locked=1\n", "1234", WIRE_PIN_LOCKED, 0},
		{"slot login=1\ncall C_Login rv=0xa4\n", "1234",
		    WIRE_PIN_LOCKED, 1},
		{"slot login=1\ncall C_Login rv=0x50\n", "1234",
		    WIRE_CANCELLED, 1},
		{"slot login=1\ncall C_Login rv=0x32\n", "1234",
		    WIRE_LOST, 1},
		{"slot login=1\ncall C_Login rv=0x100\n", "1234",
		    WIRE_OK, 1}, /* the module itself has logged in */
		{"slot login=1\ncall C_Login rv=0x54\n", "1234",
		    WIRE_ERROR, 1},
		{"slot login=1\ncall C_GetTokenInfo rv=0x32 skip=2\n", "1234",
		    WIRE_LOST, 0},
		{"slot login=1\ncall C_FindObjects rv=0x30 skip=3\n", "1234",
		    WIRE_LOST, 1},
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
	FILE *f = fopen(log_path, "r");
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
	unlink(log_path);
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

/* A private key that only its CKA_ID gives to a public key must prove it. */
static void
test_wrong_pair(void **state)
{
	struct wire_sign_result r;
	struct provider_process p;
	struct wire_token t;
	struct wire_key k;

	(void)state;
	serve(&p, "slot\n" PUBLIC P256 " id=01\n"
	    "object class=3 key_type=3 params=" P256_PARAMS " id=01\n", &t);
	assert_true(wire_key_next(&t, &k));
	provider_expect(&p, WIRE_DONE);
	for (int i = 0; i < 2; i++) {
		r = sign_p256(&p, k.ref, "");
		assert_int_equal(r.outcome, WIRE_KEY_UNUSABLE);
		assert_int_equal(r.signature.len, 0);
		assert_true(bytes_is(r.error.text,
		    "its private key does not fit its public key"));
	}
	assert_int_equal(provider_end(&p), 0);
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

/* A key it does not know: looked for once, then it says so. */
static void
test_unknown_key(void **state)
{
	static const uint8_t ref[KEY_REF_BYTES] = {1};
	struct wire_sign_result r;
	struct provider_process p;
	struct wire_token t;

	(void)state;
	serve(&p, "slot login=1\n" PUBLIC P256 " id=01\n", &t);
	provider_expect(&p, WIRE_DONE);
	r = sign_p256(&p, ref, "");
	assert_int_equal(r.outcome, WIRE_NEED_LOGIN); /* it may show then */
	assert_int_equal(count_calls("C_FindObjectsInit"), 3);
	assert_int_equal(provider_login(&p, "1234").outcome, WIRE_OK);
	r = sign_p256(&p, ref, "");
	assert_int_equal(r.outcome, WIRE_KEY_UNUSABLE);
	assert_int_equal(count_calls("C_FindObjectsInit"), 9);
	assert_int_equal(count_calls("C_FindObjectsFinal"), 9);
	assert_int_equal(provider_end(&p), 0);
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
	provider_start(&p, WIRE_ROLE_TOKEN, getenv("P11_TEST_MODULE"), &id);
	provider_expect_token(&p, &t);
	assert_true(bytes_is(t.id.slot_description, "Fake reader 1"));
	assert_int_equal(provider_end(&p), 0);
	id.slot_description = bytes_str("Fake reader 7");
	provider_start(&p, WIRE_ROLE_TOKEN, getenv("P11_TEST_MODULE"), &id);
	provider_expect(&p, WIRE_MODULE);
	assert_int_equal(wire_failed_parse(provider_expect(&p, WIRE_FAILED),
	    &err), PARSE_OK);
	assert_int_equal(provider_end(&p), 0);
	/* Only one of its kind: it moved to another reader. */
	write_script("slot initialized=0\nslot\n");
	provider_start(&p, WIRE_ROLE_TOKEN, getenv("P11_TEST_MODULE"), &id);
	provider_expect_token(&p, &t);
	assert_true(bytes_is(t.id.slot_description, "Fake reader 1"));
	assert_int_equal(provider_end(&p), 0);
}

/* One token that fails does not hide the others. */
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
	provider_start(&p, WIRE_ROLE_SCAN, getenv("P11_TEST_MODULE"), NULL);
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
	assert_int_equal(count_calls("C_CloseSession"), 2);
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
	expect_failed(getenv("P11_TEST_MODULE"), "call C_Initialize rv=0x5\n",
	    "C_Initialize");
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_keys),
		TEST(test_certificate),
		TEST(test_rsa),
		TEST(test_early_requests),
		TEST(test_operation_active),
		TEST(test_sign_errors),
		TEST(test_login_lost),
		TEST(test_login_errors),
		TEST(test_always_authenticate),
		TEST(test_context_pin_refused_then_good),
		TEST(test_wrong_pair),
		TEST(test_wrong_length),
		TEST(test_unknown_key),
		TEST(test_same_twice),
		TEST(test_scan),
		TEST(test_module_failures),
		TEST(test_nonsense),
		TEST(test_end_while_signing),
	};

	return cmocka_run_group_tests_name("provider", tests, NULL, NULL);
}
