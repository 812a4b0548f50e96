/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/keyblob.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "proto/message.h"
#include "tests/cmocka-all.h"
#include "tests/proto/openssh-made.h"

enum { RAW_MAX = 4096 };

struct raw {
	uint8_t p[RAW_MAX];
	size_t len;
};

static struct bytes
bytes_raw(const struct raw *r)
{
	return bytes_of(r->p, r->len);
}

static struct raw
from_hex(const char *hex)
{
	struct raw r = {.len = strlen(hex) / 2};

	for (size_t i = 0; i < r.len; i++) {
		const char digits[] = {hex[2 * i], hex[2 * i + 1], '\0'};

		r.p[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return r;
}

static struct raw
from_base64(const char *base64)
{
	struct raw r;
	size_t len = strlen(base64);
	int n = EVP_DecodeBlock(r.p, (const unsigned char *)base64, (int)len);

	assert_true(n > 0);
	r.len = (size_t)n;
	while (base64[--len] == '=')
		r.len--;
	return r;
}

/* n bytes: the first as given, the others 0x55. */
static struct raw
number_of(uint8_t first, size_t n)
{
	struct raw r = {.len = n};

	memset(r.p, 0x55, n);
	r.p[0] = first;
	return r;
}

static void
keys_as_ssh_keygen_writes_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_MADE_KEYS; i++) {
		const struct made_key *k = &made_keys[i];
		struct raw a = from_hex(k->a), e = from_hex(k->b);
		struct raw want = from_base64(k->blob);
		struct buffer b = BUFFER_INIT(RAW_MAX);

		if (key_blob_put(&b, k->type, bytes_raw(&a), bytes_raw(&e)) !=
			PARSE_OK ||
		    !bytes_equal(buffer_bytes(&b), bytes_raw(&want)))
			fail_msg("%s", k->name);
		assert_int_equal(key_blob_type(buffer_bytes(&b)), k->type);
		buffer_clear(&b);
	}
}

static void
fingerprints_as_ssh_keygen_prints_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_MADE_KEYS; i++) {
		struct raw blob = from_base64(made_keys[i].blob);
		char text[FINGERPRINT_BYTES];

		assert_true(key_blob_fingerprint(bytes_raw(&blob), text));
		assert_string_equal(text, made_keys[i].fingerprint);
	}
}

static void
fingerprint_of_nothing(void **state)
{
	char text[FINGERPRINT_BYTES];

	(void)state;
	assert_true(key_blob_fingerprint(BYTES_NONE, text));
	assert_string_equal(text,
	    "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
}

/* Tokens give numbers with zeros in front, and with none where SSH has one. */
static void
leading_zeros_make_no_other_key(void **state)
{
	struct raw n = from_hex(made_keys[0].a);
	struct raw want = from_base64(made_keys[0].blob);
	struct raw padded = {.len = n.len + 2};
	struct buffer b = BUFFER_INIT(RAW_MAX);

	(void)state;
	memcpy(padded.p + 2, n.p, n.len);
	assert_int_equal(key_blob_put(&b, SSH_KEY_RSA, bytes_raw(&padded),
	    bytes_of("\0\1\0\1", 4)), PARSE_OK);
	assert_true(bytes_equal(buffer_bytes(&b), bytes_raw(&want)));
	buffer_clear(&b);
}

static enum parse_err
rsa_put(struct raw n, struct raw e)
{
	struct buffer b = BUFFER_INIT(2 * RAW_MAX);
	enum parse_err err;

	err = key_blob_put(&b, SSH_KEY_RSA, bytes_raw(&n), bytes_raw(&e));
	assert_int_equal(b.len == 0, err != PARSE_OK);
	assert_false(b.failed);
	buffer_clear(&b);
	return err;
}

static void
rsa_sizes(void **state)
{
	static const struct {
		const char *name;
		uint8_t first;
		size_t bytes;
		size_t exponent_bytes;
		enum parse_err want;
	} cases[] = {
	    {"1024 bits", 0x80, 128, 3, PARSE_OK},
	    {"1023 bits", 0x40, 128, 3, PARSE_VALUE},
	    {"1023 bits and a zero", 0, 128, 3, PARSE_VALUE},
	    {"1025 bits", 0x01, 129, 3, PARSE_OK},
	    {"16384 bits", 0xff, 2048, 3, PARSE_OK},
	    {"16385 bits", 0x01, 2049, 3, PARSE_VALUE},
	    {"no modulus", 0, 0, 3, PARSE_VALUE},
	    {"no exponent", 0x80, 256, 0, PARSE_VALUE},
	    {"exponent as long", 0x80, 256, 256, PARSE_OK},
	    {"exponent longer", 0x80, 256, 257, PARSE_VALUE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (rsa_put(number_of(cases[i].first, cases[i].bytes),
			number_of(1, cases[i].exponent_bytes)) != cases[i].want)
			fail_msg("%s", cases[i].name);
	assert_int_equal(rsa_put(number_of(0x80, 256), (struct raw){.len = 3}),
	    PARSE_VALUE);
}

/* Every one of them was shown to ssh-add -l: OpenSSH 9.2 agrees. */
static void
points(void **state)
{
	static const struct {
		const char *name;
		const char *hex;
		enum parse_err want;
	} cases[] = {
	    {"x = 2^128",
		"04000000000000000000000000000000010000000000000000000000000000"
		"00004d8531d11aecbfe7bc2c6f48e2a1a3fd264a9165a891001f9b7c2d4a19"
		"d9d622",
		PARSE_OK},
	    {"the same, compressed",
		"02000000000000000000000000000000010000000000000000000000000000"
		"0000",
		PARSE_VALUE},
	    {"the same, hybrid",
		"06000000000000000000000000000000010000000000000000000000000000"
		"00004d8531d11aecbfe7bc2c6f48e2a1a3fd264a9165a891001f9b7c2d4a19"
		"d9d622",
		PARSE_VALUE},
	    {"off the curve by one bit",
		"04000000000000000000000000000000010000000000000000000000000000"
		"00004d8531d11aecbfe7bc2c6f48e2a1a3fd264a9165a891001f9b7c2d4a19"
		"d9d623",
		PARSE_VALUE},
	    {"a byte short",
		"04000000000000000000000000000000010000000000000000000000000000"
		"00004d8531d11aecbfe7bc2c6f48e2a1a3fd264a9165a891001f9b7c2d4a19"
		"d9d6",
		PARSE_VALUE},
	    {"a byte long",
		"04000000000000000000000000000000010000000000000000000000000000"
		"00004d8531d11aecbfe7bc2c6f48e2a1a3fd264a9165a891001f9b7c2d4a19"
		"d9d62200",
		PARSE_VALUE},
	    {"x = 5",
		"04000000000000000000000000000000000000000000000000000000000000"
		"0005459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c0832"
		"48fbcc",
		PARSE_VALUE},
	    {"x over the order",
		"04ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63"
		"2554484f0c0fda434ef0a808458914f328715d7a545e198ac7eee31dffe861"
		"b5d23f",
		PARSE_VALUE},
	    {"x just under the order",
		"04ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63"
		"254e9f0e256f9d768aaa9cd0ebc9e8e945c7ff330abc5c6f6b43c786b4dbac"
		"9fcd3e",
		PARSE_OK},
	    {"infinity", "00", PARSE_VALUE},
	    {"nothing", "", PARSE_VALUE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct raw point = from_hex(cases[i].hex);
		struct buffer b = BUFFER_INIT(RAW_MAX);

		if (key_blob_put(&b, SSH_KEY_ECDSA_P256, bytes_raw(&point),
			BYTES_NONE) != cases[i].want)
			fail_msg("%s", cases[i].name);
		assert_int_equal(b.len == 0, cases[i].want != PARSE_OK);
		buffer_clear(&b);
	}
	assert_int_equal(ERR_peek_error(), 0);
}

/* Each made key as each type: only its own takes it. */
static void
keys_fit_their_own_type_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_MADE_KEYS; i++)
		for (int type = 0; type <= SSH_KEY_UNKNOWN + 1; type++) {
			struct raw a = from_hex(made_keys[i].a);
			struct raw e = from_hex(made_keys[i].b);
			struct buffer b = BUFFER_INIT(RAW_MAX);
			enum parse_err want = PARSE_VALUE;

			if (type == (int)made_keys[i].type)
				want = PARSE_OK;
			assert_int_equal(key_blob_put(&b,
			    (enum ssh_key_type)type, bytes_raw(&a),
			    bytes_raw(&e)), want);
			assert_int_equal(b.len == 0, want != PARSE_OK);
			buffer_clear(&b);
		}
}

static void
only_rsa_has_an_exponent(void **state)
{
	struct buffer b = BUFFER_INIT(RAW_MAX);
	struct raw key = number_of(1, 32);

	(void)state;
	assert_int_equal(key_blob_put(&b, SSH_KEY_ED25519, bytes_raw(&key),
	    bytes_of("\3", 1)), PARSE_VALUE);
	key.len = 31;
	assert_int_equal(key_blob_put(&b, SSH_KEY_ED25519, bytes_raw(&key),
	    BYTES_NONE), PARSE_VALUE);
	assert_int_equal(b.len, 0);
	buffer_clear(&b);
}

static void
says_when_memory_is_out(void **state)
{
	struct raw key = number_of(1, 32), sig = number_of(1, 64);
	struct buffer b = BUFFER_INIT(50);

	(void)state;
	assert_int_equal(key_blob_put(&b, SSH_KEY_ED25519, bytes_raw(&key),
	    BYTES_NONE), PARSE_MEMORY);
	assert_true(b.failed);
	b = BUFFER_INIT(82);
	assert_int_equal(signature_blob_put(&b, SSH_SIG_ED25519,
	    bytes_raw(&sig), 0), PARSE_MEMORY);
	assert_true(b.failed);
	b = BUFFER_INIT(83);
	assert_int_equal(signature_blob_put(&b, SSH_SIG_ED25519,
	    bytes_raw(&sig), 0), PARSE_OK);
	buffer_clear(&b);
}

static void
types_by_name(void **state)
{
	static const struct {
		struct bytes blob;
		enum ssh_key_type want;
	} cases[] = {
	    {{(const uint8_t *)"\0\0\0\7ssh-rsa", 11}, SSH_KEY_RSA},
	    {{(const uint8_t *)"\0\0\0\7ssh-rsa", 10}, SSH_KEY_UNKNOWN},
	    {{(const uint8_t *)"\0\0\0\7ssh-dss", 11}, SSH_KEY_UNKNOWN},
	    {{(const uint8_t *)"\0\0\0\6ssh-rsa", 11}, SSH_KEY_UNKNOWN},
	    {{(const uint8_t *)"\0\0\0\x0bssh-ed25519", 15}, SSH_KEY_ED25519},
	    {{(const uint8_t *)"\0\0\0\x1cssh-rsa-cert-v01@openssh.com", 32},
		SSH_KEY_UNKNOWN},
	    {{(const uint8_t *)"\0\0\0\0", 4}, SSH_KEY_UNKNOWN},
	    {{NULL, 0}, SSH_KEY_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(key_blob_type(cases[i].blob), cases[i].want);
	assert_string_equal(ssh_key_type_name(SSH_KEY_ECDSA_P384),
	    "ecdsa-sha2-nistp384");
	assert_string_equal(ssh_key_type_name(SSH_KEY_UNKNOWN), "");
}

static void
algorithm_by_flags(void **state)
{
	static const struct {
		enum ssh_key_type type;
		uint32_t flags;
		const char *want; /* NULL: refused */
	} cases[] = {
	    {SSH_KEY_RSA, 0, NULL},
	    {SSH_KEY_RSA, 1, NULL},
	    {SSH_KEY_RSA, 8, NULL},
	    {SSH_KEY_RSA, SSH_AGENT_RSA_SHA2_256, "rsa-sha2-256"},
	    {SSH_KEY_RSA, SSH_AGENT_RSA_SHA2_512, "rsa-sha2-512"},
	    {SSH_KEY_RSA, SSH_AGENT_RSA_SHA2_256 | SSH_AGENT_RSA_SHA2_512,
		"rsa-sha2-256"},
	    {SSH_KEY_RSA, UINT32_MAX, "rsa-sha2-256"},
	    {SSH_KEY_ECDSA_P256, 0, "ecdsa-sha2-nistp256"},
	    {SSH_KEY_ECDSA_P384, 4, "ecdsa-sha2-nistp384"},
	    {SSH_KEY_ECDSA_P521, UINT32_MAX, "ecdsa-sha2-nistp521"},
	    {SSH_KEY_ED25519, 0, "ssh-ed25519"},
	    {SSH_KEY_ED25519, 6, "ssh-ed25519"},
	    {SSH_KEY_UNKNOWN, 6, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum ssh_signature got = (enum ssh_signature)0;
		bool found = ssh_signature_choose(cases[i].type,
		    cases[i].flags, &got);

		assert_int_equal(found, cases[i].want != NULL);
		assert_string_equal(ssh_signature_name(got),
		    found ? cases[i].want : "");
	}
}

static void
signatures_as_openssh_writes_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_MADE_SIGNATURES; i++) {
		const struct made_signature *s = &made_signatures[i];
		struct raw raw = from_hex(s->raw);
		struct raw want = from_base64(s->blob);
		struct buffer b = BUFFER_INIT(RAW_MAX);

		if (signature_blob_put(&b, s->algorithm, bytes_raw(&raw),
			s->modulus_bytes) != PARSE_OK ||
		    !bytes_equal(buffer_bytes(&b), bytes_raw(&want)))
			fail_msg("%s", s->name);
		buffer_clear(&b);
	}
}

static void
signatures_that_do_not_fit(void **state)
{
	static const struct {
		const char *name;
		enum ssh_signature algorithm;
		size_t bytes;
		size_t modulus_bytes;
		enum parse_err want;
	} cases[] = {
	    {"RSA of full length", SSH_SIG_RSA_SHA256, 256, 256, PARSE_OK},
	    {"RSA too long", SSH_SIG_RSA_SHA256, 257, 256, PARSE_VALUE},
	    {"RSA of one byte", SSH_SIG_RSA_SHA512, 1, 256, PARSE_OK},
	    {"RSA of none", SSH_SIG_RSA_SHA512, 0, 256, PARSE_VALUE},
	    {"RSA without a modulus", SSH_SIG_RSA_SHA256, 1, 0, PARSE_VALUE},
	    {"RSA over the limit", SSH_SIG_RSA_SHA256, 1, 2049, PARSE_VALUE},
	    {"P-256", SSH_SIG_ECDSA_P256, 64, 0, PARSE_OK},
	    {"P-256 of shorter halves", SSH_SIG_ECDSA_P256, 62, 0, PARSE_OK},
	    {"P-256 of odd length", SSH_SIG_ECDSA_P256, 63, 0, PARSE_VALUE},
	    {"P-256 too long", SSH_SIG_ECDSA_P256, 66, 0, PARSE_VALUE},
	    {"P-256 of none", SSH_SIG_ECDSA_P256, 0, 0, PARSE_VALUE},
	    {"P-256 of one byte", SSH_SIG_ECDSA_P256, 1, 0, PARSE_VALUE},
	    {"P-384", SSH_SIG_ECDSA_P384, 96, 0, PARSE_OK},
	    {"P-384 too long", SSH_SIG_ECDSA_P384, 98, 0, PARSE_VALUE},
	    {"P-521", SSH_SIG_ECDSA_P521, 132, 0, PARSE_OK},
	    {"P-521 too long", SSH_SIG_ECDSA_P521, 134, 0, PARSE_VALUE},
	    {"Ed25519 short", SSH_SIG_ED25519, 63, 0, PARSE_VALUE},
	    {"Ed25519 long", SSH_SIG_ED25519, 65, 0, PARSE_VALUE},
	    {"no algorithm", (enum ssh_signature)0, 64, 0, PARSE_VALUE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct raw raw = number_of(1, cases[i].bytes);
		struct buffer b = BUFFER_INIT(RAW_MAX);

		if (signature_blob_put(&b, cases[i].algorithm, bytes_raw(&raw),
			cases[i].modulus_bytes) != cases[i].want)
			fail_msg("%s", cases[i].name);
		assert_int_equal(b.len == 0, cases[i].want != PARSE_OK);
		buffer_clear(&b);
	}
}

/* A zero r or s verifies nowhere: the token failed. */
static void
zero_halves_are_refused(void **state)
{
	struct raw raw = {.len = 64};
	struct buffer b = BUFFER_INIT(RAW_MAX);

	(void)state;
	raw.p[0] = 1;
	assert_int_equal(signature_blob_put(&b, SSH_SIG_ECDSA_P256,
	    bytes_raw(&raw), 0), PARSE_VALUE);
	raw.p[0] = 0;
	raw.p[63] = 1;
	assert_int_equal(signature_blob_put(&b, SSH_SIG_ECDSA_P256,
	    bytes_raw(&raw), 0), PARSE_VALUE);
	raw.p[31] = 1;
	assert_int_equal(signature_blob_put(&b, SSH_SIG_ECDSA_P256,
	    bytes_raw(&raw), 0), PARSE_OK);
	buffer_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_as_ssh_keygen_writes_them),
		cmocka_unit_test(fingerprints_as_ssh_keygen_prints_them),
		cmocka_unit_test(fingerprint_of_nothing),
		cmocka_unit_test(leading_zeros_make_no_other_key),
		cmocka_unit_test(rsa_sizes),
		cmocka_unit_test(points),
		cmocka_unit_test(keys_fit_their_own_type_only),
		cmocka_unit_test(only_rsa_has_an_exponent),
		cmocka_unit_test(says_when_memory_is_out),
		cmocka_unit_test(types_by_name),
		cmocka_unit_test(algorithm_by_flags),
		cmocka_unit_test(signatures_as_openssh_writes_them),
		cmocka_unit_test(signatures_that_do_not_fit),
		cmocka_unit_test(zero_halves_are_refused),
	};

	return cmocka_run_group_tests_name("proto/keyblob", tests, NULL, NULL);
}
