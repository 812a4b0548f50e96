/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agent-provider: which objects a token's keys are made of, and which of
 * them may sign.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/pkcs11/fake-script.h"

enum { RSA_BYTES = 256 };

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
	{"private keys may not be looked for before it",
	    "slot login=1\n" PUBLIC P256 " id=01\n" PRIVATE P256 " id=01\n"
	    "call C_FindObjectsInit rv=0x101 skip=1\n",
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
	{"CKA_VERIFY is false, but CKA_SIGN is not",
	    "slot login=1\n" PUBLIC P256 " id=01 verify=00\n" PRIVATE P256
	    " id=01 sign=01\n", true,
	    {{KEY_EC_P256, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED, ""}}},
	{"a curve that SSH does not have",
	    "slot login=1\n" PUBLIC "key_type=3 params=" K1_PARAMS
	    " point=04aa id=01\n", false,
	    {{KEY_OTHER, KEY_FROM_PUBLIC,
	    "curve secp256k1 has no SSH algorithm"}}},
	{"a key type that SSH does not have",
	    "slot login=1\n" PUBLIC "key_type=1 id=01\n", false,
	    {{KEY_OTHER, KEY_FROM_PUBLIC,
	    "key type 0x1 has no SSH algorithm"}}},
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
	    "lists refuse\ncall C_GetAttributeValue rv=0x5 times=12\n", false,
	    {{KEY_EC_P256, KEY_FROM_PUBLIC, ""}}},
	{"a fault that passes",
	    "slot login=1\n" PUBLIC P256 " id=01\n" PUBLIC P256_B " id=02\n"
	    "call C_GetAttributeValue rv=0x5 times=6\n", false,
	    {{KEY_EC_P256, KEY_FROM_PUBLIC, ""},
	    {KEY_EC_P256, KEY_FROM_PUBLIC, ""}}},
	{"faults that pass, in what is not needed of each object",
	    "slot login=0\n" PUBLIC P256 " id=01\n"
	    "object class=3 key_type=3 params=" P256_PARAMS
	    " id=01 always=01\nlists refuse\n"
	    "call C_GetAttributeValue of=0x102 rv=0x5\n"
	    "call C_GetAttributeValue of=0x202 rv=0x5\n", false,
	    {{KEY_EC_P256, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED | KEY_NO_LOGIN | KEY_ALWAYS_AUTHENTICATE, ""}}},
	{"nothing that can be read, before the login",
	    "slot login=1\n" PUBLIC P256 " id=01\n"
	    "call C_GetAttributeValue rv=0x5 times=always\n", false, {{0}}},
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

/* The view of a token, whatever its module does with lists. */
static void
test_lists(void **state)
{
	static const struct {
		const char *lists;
		unsigned calls; /* at most, for four objects */
	} rows[] = {
		{"as it should", 4},
		/* Asked for one by one then: it does not say what it lacks. */
		{"stop", 4 + 4 * 16}, {"void", 4 + 4 * 16},
		{"refuse", 2 + 4 * 16},
	};
	static const struct keys_row want = {"lists", NULL, false, {
	    {KEY_EC_P256, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED | KEY_NO_LOGIN, ""},
	    {KEY_RSA, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED | KEY_NO_LOGIN | KEY_ALWAYS_AUTHENTICATE,
	    "CKA_SIGN is false"}}};
	char script[8192];
	struct provider_process p;
	struct wire_token t;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(script, sizeof(script), "slot\nlists %s\n"
		    PUBLIC P256 " id=01 label=61\n"
		    "object class=3 " P256 " id=01 sign=01\n"
		    PUBLIC "%s exponent=010001 id=02\n"
		    "object class=3 %s id=02 sign=00 always=01\n",
		    rows[i].lists, rsa(), rsa());
		serve(&p, script, &t);
		check_keys(&want, &t);
		assert_in_range(count_calls("C_GetAttributeValue"), 4,
		    rows[i].calls);
		assert_int_equal(provider_end(&p), 0);
	}
}

/* Behind a login only what it may show is read: not the public objects. */
static void
test_login_reads_what_is_new(void **state)
{
	struct provider_process p;
	struct wire_token t;
	struct bytes body;

	(void)state;
	serve(&p, "slot login=1\n" PUBLIC P256 " id=01\n" PUBLIC P256_B
	    " id=02\n" PRIVATE P256 " id=01\n" PRIVATE P256_B " id=02\n",
	    &t);
	assert_int_equal(t.n_keys, 2);
	provider_expect(&p, WIRE_DONE);
	assert_int_equal(count_calls("C_GetAttributeValue"), 2);
	provider_send_login(&p, "1234");
	body = provider_expect(&p, WIRE_TOKEN);
	assert_int_equal(wire_token_parse(body, &t), PARSE_OK);
	check_keys(&(struct keys_row){"login", NULL, true, {
	    {KEY_EC_P256, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED, ""},
	    {KEY_EC_P256, KEY_FROM_PUBLIC | KEY_HAS_PRIVATE |
	    KEY_PRIVATE_SETTLED, ""}}}, &t);
	assert_int_equal(count_calls("C_GetAttributeValue"), 4);
	assert_int_equal(provider_end(&p), 0);
}

/* Many calls that take long, none too long: the daemon hears of it. */
static void
test_progress(void **state)
{
	struct provider_process p;
	struct wire_token t;
	struct bytes body;
	uint8_t type;
	unsigned n = 0;

	(void)state;
	write_script("slot login=1\n" PUBLIC P256 " id=01\n" PUBLIC P256_B
	    " id=02\ncall C_GetAttributeValue ms=2100 times=always\n");
	provider_start(&p, WIRE_ROLE_TOKEN, fake_module(), &fake_id);
	provider_expect(&p, WIRE_MODULE);
	while ((type = provider_receive(&p, &body)) == WIRE_PROGRESS) {
		assert_int_equal(body.len, 0);
		n++;
	}
	assert_int_equal(type, WIRE_TOKEN);
	assert_int_equal(wire_token_parse(body, &t), PARSE_OK);
	assert_int_equal(t.n_keys, 2);
	assert_in_range(n, 1, 4);
	assert_int_equal(provider_end(&p), 0);
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
	struct wire_token t, copy;
	struct wire_key k;
	struct bytes body;

	(void)state;
	certificate_hex(hex, sizeof(hex));
	snprintf(script, sizeof(script), "slot login=1\n"
	    "object class=1 certificate_type=0 value=%s id=01 label=63\n"
	    PRIVATE "key_type=3 params=" P256_PARAMS " id=01 label=64\n",
	    hex);
	serve(&p, script, &t);
	check_keys(&before, &t);
	provider_expect(&p, WIRE_DONE);
	provider_send_login(&p, "1234");
	body = provider_expect(&p, WIRE_TOKEN);
	assert_int_equal(wire_token_parse(body, &t), PARSE_OK);
	k = (struct wire_key){0};
	copy = t;
	check_keys(&after, &copy);
	assert_true(wire_key_next(&t, &k));
	assert_true(bytes_is(k.label, "c"));
	assert_true(bytes_is(k.other_labels[0], "d"));
	assert_int_equal(k.other_labels[1].len, 0);
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

/* A private key that only its CKA_ID gives to a public key must prove it. */
static void
test_wrong_pair(void **state)
{
	struct wire_sign_result r;
	struct provider_process p;
	struct wire_token t;
	struct wire_key k;

	(void)state;
	serve(&p, "slot\nsignature 64\n" PUBLIC P256 " id=01\n"
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_keys),
		TEST(test_lists),
		TEST(test_login_reads_what_is_new),
		TEST(test_progress),
		TEST(test_certificate),
		TEST(test_rsa),
		TEST(test_wrong_pair),
		TEST(test_unknown_key),
	};

	return cmocka_run_group_tests_name("provider-keys", tests, NULL, NULL);
}
