/* SPDX-License-Identifier: BSD-2-Clause */
#include "pkcs11/public-key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "tests/cmocka-all.h"

enum { RAW_MAX = 4096 };

struct raw {
	uint8_t p[RAW_MAX];
	size_t len;
};

static struct bytes
view(const struct raw *r)
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

/* What OpenSSL has and tokens give. */
static const struct made {
	const char *name; /* of EVP_PKEY_Q_keygen: RSA bits, else a curve */
	enum key_kind kind;
	const char *params; /* CKA_EC_PARAMS */
	const char *printable;
	size_t bits;
	enum sign_algorithm algorithm;
	size_t data_bytes;
} made[] = {
	{"RSA", KEY_RSA, "", "", 2048, SIGN_RSA_SHA256, 32},
	{"RSA", KEY_RSA, "", "", 3072, SIGN_RSA_SHA512, 64},
	{"P-256", KEY_EC_P256, "06082a8648ce3d030107",
	    "130a707269" "6d65323536" "7631", 0, SIGN_ECDSA, 32},
	{"P-384", KEY_EC_P384, "06052b81040022", "1309736563703338347231", 0,
	    SIGN_ECDSA, 48},
	{"P-521", KEY_EC_P521, "06052b81040023", "1309736563703532317231", 0,
	    SIGN_ECDSA, 64},
	{"ED25519", KEY_ED25519, "06032b6570",
	    "130c656477617264733235353139", 0, SIGN_ED25519, 100},
};
enum { N_MADE = sizeof(made) / sizeof(made[0]) };

static EVP_PKEY *
keygen(const struct made *m)
{
	EVP_PKEY *pkey;

	if (m->kind == KEY_RSA)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", m->bits);
	else if (m->kind == KEY_ED25519)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", m->name);
	assert_non_null(pkey);
	return pkey;
}

static struct raw
spki_of(EVP_PKEY *pkey)
{
	struct raw r;
	unsigned char *p = r.p;
	int len = i2d_PUBKEY(pkey, NULL);

	assert_in_range(len, 1, RAW_MAX);
	r.len = (size_t)i2d_PUBKEY(pkey, &p);
	return r;
}

static struct raw
certificate_of(EVP_PKEY *pkey)
{
	X509 *x = X509_new();
	struct raw r;
	unsigned char *p = r.p;
	bool edwards = EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519;

	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 60);
	assert_int_equal(X509_set_pubkey(x, pkey), 1);
	assert_int_not_equal(X509_sign(x, pkey,
	    edwards ? NULL : EVP_sha256()), 0);
	assert_in_range(i2d_X509(x, NULL), 1, RAW_MAX);
	r.len = (size_t)i2d_X509(x, &p);
	X509_free(x);
	return r;
}

/* ECDSA: r || s of an ECDSA-Sig-Value. */
static void
unwrap_ecdsa(struct raw *signature, size_t half)
{
	const unsigned char *p = signature->p;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)signature->len);

	assert_non_null(sig);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature->p,
	    (int)half), half);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig),
	    signature->p + half, (int)half), half);
	signature->len = 2 * half;
	ECDSA_SIG_free(sig);
}

static struct raw
sign(EVP_PKEY *pkey, const struct made *m, struct bytes data)
{
	struct raw r = {.len = RAW_MAX};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	if (m->kind == KEY_ED25519) {
		assert_int_equal(EVP_DigestSignInit(md, NULL, NULL, NULL,
		    pkey), 1);
		assert_int_equal(EVP_DigestSign(md, r.p, &r.len, data.p,
		    data.len), 1);
	} else {
		assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
		if (m->kind == KEY_RSA) {
			EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING);
			EVP_PKEY_CTX_set_signature_md(ctx,
			    m->algorithm == SIGN_RSA_SHA256 ? EVP_sha256() :
			    EVP_sha512());
		}
		assert_int_equal(EVP_PKEY_sign(ctx, r.p, &r.len, data.p,
		    data.len), 1);
	}
	EVP_PKEY_CTX_free(ctx);
	EVP_MD_CTX_free(md);
	return r;
}

static void
check_same(const struct key_value *a, const struct key_value *b,
    const char *name)
{
	if (a->key.kind == b->key.kind && bytes_equal(a->key.a, b->key.a) &&
	    bytes_equal(a->key.b, b->key.b) && b->reason[0] == '\0')
		return;
	fail_msg("%s: not the same key: %s", name, b->reason);
}

/* The point as tokens give it: bare, wrapped in tag and length. */
static struct raw
wrapped(struct bytes point, uint8_t tag)
{
	struct raw r = {.len = 0};
	size_t extra = tag == 0x03 ? 1 : 0; /* BIT STRING: unused bits */

	r.p[r.len++] = tag;
	if (point.len + extra >= 0x80)
		r.p[r.len++] = 0x81;
	r.p[r.len++] = (uint8_t)(point.len + extra);
	if (extra > 0)
		r.p[r.len++] = 0;
	memcpy(r.p + r.len, point.p, point.len);
	r.len += point.len;
	return r;
}

/* The curve of params, a name's, spelt out (libykcs11's CKA_EC_PARAMS). */
static struct raw
spelt_out(struct bytes params)
{
	const unsigned char *p = params.p;
	EC_GROUP *group = d2i_ECPKParameters(NULL, &p, (long)params.len);
	struct raw r = {.len = 0};
	unsigned char *at = r.p;

	assert_non_null(group);
	EC_GROUP_set_asn1_flag(group, OPENSSL_EC_EXPLICIT_CURVE);
	r.len = (size_t)i2d_ECPKParameters(group, &at);
	EC_GROUP_free(group);
	return r;
}

static void
check_explicit(const struct made *m, const struct key_value *want)
{
	struct raw params = from_hex(m->params);
	struct raw spelt = spelt_out(view(&params));
	struct key_value got;

	assert_int_equal(curve_kind(view(&spelt)), m->kind);
	assert_true(key_value_ec(view(&spelt), want->key.a, &got));
	check_same(want, &got, m->name);
	key_value_clear(&got);
	/* More than a curve, or another prime. */
	spelt.p[spelt.len++] = 0;
	assert_int_equal(curve_kind(view(&spelt)), KEY_OTHER);
	spelt.p[30] ^= 1;
	assert_int_equal(curve_kind(bytes_of(spelt.p, spelt.len - 1)),
	    KEY_OTHER);
}

static void
check_ec_forms(const struct made *m, const struct key_value *want)
{
	const struct raw params[] = {from_hex(m->params),
	    from_hex(m->printable)};
	const struct raw points[] = {wrapped(want->key.a, 0x04),
	    wrapped(want->key.a, 0x03)};

	for (size_t i = 0; i < 2; i++) {
		struct key_value got;

		assert_int_equal(curve_kind(view(&params[i])), m->kind);
		assert_true(key_value_ec(view(&params[i]), want->key.a, &got));
		check_same(want, &got, m->name);
		key_value_clear(&got);
		for (size_t j = 0; j < 2; j++) {
			assert_true(key_value_ec(view(&params[i]),
			    view(&points[j]), &got));
			check_same(want, &got, m->name);
			key_value_clear(&got);
		}
	}
}

static void
check_rsa_forms(const struct made *m, const struct key_value *want)
{
	struct raw padded = {.len = want->key.a.len + 1};
	struct key_value got;

	memcpy(padded.p + 1, want->key.a.p, want->key.a.len);
	assert_true(key_value_rsa(view(&padded), want->key.b, &got));
	check_same(want, &got, m->name);
	key_value_clear(&got);
}

static void
check_verify(EVP_PKEY *pkey, const struct made *m, const struct key_value *v)
{
	uint8_t data[128];
	struct bytes d = bytes_of(data, m->data_bytes);
	struct raw s;

	memset(data, 0x5a, sizeof(data));
	s = sign(pkey, m, d);
	if (m->algorithm == SIGN_ECDSA)
		unwrap_ecdsa(&s, (v->key.a.len - 1) / 2);
	assert_int_equal(public_key_signature_bytes(&v->key), s.len);
	assert_true(public_key_verify(&v->key, m->algorithm, d, view(&s)));
	for (int i = 1; i <= 4; i++)
		if ((enum sign_algorithm)i != m->algorithm)
			assert_false(public_key_verify(&v->key,
			    (enum sign_algorithm)i, d, view(&s)));
	s.p[s.len / 2] ^= 1;
	assert_false(public_key_verify(&v->key, m->algorithm, d, view(&s)));
	s.p[s.len / 2] ^= 1;
	data[0] ^= 1;
	assert_false(public_key_verify(&v->key, m->algorithm, d, view(&s)));
	data[0] ^= 1;
	for (size_t cut = 0; cut < s.len; cut++)
		assert_false(public_key_verify(&v->key, m->algorithm, d,
		    bytes_of(s.p, cut)));
}

static void
test_every_form_is_one_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_MADE; i++) {
		EVP_PKEY *pkey = keygen(&made[i]);
		struct raw spki = spki_of(pkey), cert = certificate_of(pkey);
		struct key_value v, from_cert;

		assert_true(key_value_spki(view(&spki), &v));
		assert_int_equal(v.key.kind, made[i].kind);
		assert_string_equal(v.reason, "");
		assert_true(key_value_certificate(view(&cert), &from_cert));
		check_same(&v, &from_cert, made[i].name);
		if (made[i].kind == KEY_RSA)
			check_rsa_forms(&made[i], &v);
		else
			check_ec_forms(&made[i], &v);
		if (made[i].algorithm == SIGN_ECDSA)
			check_explicit(&made[i], &v);
		check_verify(pkey, &made[i], &v);
		key_value_clear(&from_cert);
		key_value_clear(&v);
		EVP_PKEY_free(pkey);
	}
}

/* What is no SSH key says why; none of it fails. */
static void
test_reasons_of_ec(void **state)
{
	static const struct {
		const char *params, *point, *reason;
	} rows[] = {
		{"06052b8104000a", "04aa", "curve secp256k1 has no SSH "
		    "algorithm"},
		{"06092b2403030208010107", "04aa", "curve brainpoolP256r1 has "
		    "no SSH algorithm"},
		{"06032b6571", "00", "curve ED448 has no SSH algorithm"},
		{"06032b656e", "00", "curve X25519 has no SSH algorithm"},
		{"1309656477617264733434" "38", "00", "curve has no SSH "
		    "algorithm"},
		{"130a65647761726473343438", "00",
		    "curve edwards448 has no SSH algorithm"},
		{"", "", "curve has no SSH algorithm"},
		{"3003020101", "04aa", "curve has no SSH algorithm"},
		{"06082a8648ce3d030107", "", "its EC point is not on its "
		    "curve"},
		{"06082a8648ce3d030107", "00", "its EC point is not on its "
		    "curve"},
		{"06082a8648ce3d030107", "0401020304", "its EC point is not "
		    "on its curve"},
		{"06032b6570", "0420aa", "malformed Ed25519 public key"},
		{"06032b6570", "", "malformed Ed25519 public key"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct raw params = from_hex(rows[i].params);
		struct raw point = from_hex(rows[i].point);
		struct key_value v;

		assert_true(key_value_ec(view(&params), view(&point), &v));
		if (v.key.kind != KEY_OTHER ||
		    strcmp(v.reason, rows[i].reason) != 0)
			fail_msg("row %zu: kind %d, %s", i, v.key.kind,
			    v.reason);
		assert_int_equal(public_key_signature_bytes(&v.key), 0);
		key_value_clear(&v);
	}
}

/* A point that is nearly right: each other byte is off the curve. */
static void
test_point_off_curve(void **state)
{
	struct raw params = from_hex(made[2].params);
	EVP_PKEY *pkey = keygen(&made[2]);
	struct raw spki = spki_of(pkey);
	struct key_value v, other;
	uint8_t point[65];

	(void)state;
	assert_true(key_value_spki(view(&spki), &v));
	assert_int_equal(v.key.a.len, sizeof(point));
	memcpy(point, v.key.a.p, sizeof(point));
	point[64] ^= 1;
	assert_true(key_value_ec(view(&params),
	    bytes_of(point, sizeof(point)), &other));
	assert_int_equal(other.key.kind, KEY_OTHER);
	key_value_clear(&other);
	/* Compressed is as good; it comes out in the one form. */
	point[0] = (uint8_t)(2 + (v.key.a.p[64] & 1));
	assert_true(key_value_ec(view(&params), bytes_of(point, 33), &other));
	check_same(&v, &other, "compressed");
	key_value_clear(&other);
	key_value_clear(&v);
	EVP_PKEY_free(pkey);
}

static void
test_rsa_sizes(void **state)
{
	static const struct {
		size_t bytes;
		uint8_t top;
		const char *exponent;
		enum key_kind kind;
		const char *reason;
	} rows[] = {
		{256, 0x80, "010001", KEY_RSA, ""},
		{256, 0x80, "00010001", KEY_RSA, ""},
		{256, 0x80, "03", KEY_RSA, ""},
		{256, 0x7f, "010001", KEY_RSA,
		    "RSA with 2047 bits is too weak"},
		{128, 0x80, "010001", KEY_RSA,
		    "RSA with 1024 bits is too weak"},
		{64, 0x80, "010001", KEY_OTHER,
		    "RSA modulus of a length that SSH does not have"},
		{2048, 0x80, "010001", KEY_RSA, ""},
		{2049, 0x01, "010001", KEY_OTHER,
		    "RSA modulus of a length that SSH does not have"},
		{256, 0x80, "010000", KEY_OTHER, "malformed RSA public key"},
		{256, 0x80, "01", KEY_OTHER, "malformed RSA public key"},
		{256, 0x80, "", KEY_OTHER, "malformed RSA public key"},
		{256, 0x80, "010000000000000001", KEY_OTHER,
		    "malformed RSA public key"},
		{0, 0x80, "010001", KEY_OTHER, "malformed RSA public key"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct raw e = from_hex(rows[i].exponent);
		struct raw n = {.len = rows[i].bytes};
		struct key_value v;

		memset(n.p, 0x55, sizeof(n.p));
		n.p[0] = rows[i].top;
		assert_true(key_value_rsa(view(&n), view(&e), &v));
		if (v.key.kind != rows[i].kind ||
		    strcmp(v.reason, rows[i].reason) != 0)
			fail_msg("row %zu: kind %d, %s", i, v.key.kind,
			    v.reason);
		key_value_clear(&v);
	}
}

/* Each truncation of DER is malformed, and still told from the others. */
static void
test_der_cut(void **state)
{
	EVP_PKEY *pkey = keygen(&made[2]);
	struct raw spki = spki_of(pkey), cert = certificate_of(pkey);
	struct key_value v;

	(void)state;
	for (size_t cut = 0; cut < spki.len; cut++) {
		assert_true(key_value_spki(bytes_of(spki.p, cut), &v));
		assert_int_equal(v.key.kind, KEY_OTHER);
		assert_string_equal(v.reason, "malformed public key");
		key_value_clear(&v);
	}
	for (size_t cut = 0; cut < cert.len; cut++) {
		assert_true(key_value_certificate(bytes_of(cert.p, cut), &v));
		assert_string_equal(v.reason, "malformed X.509 certificate");
		key_value_clear(&v);
	}
	/* Bytes behind it: cards pad certificates, nobody pads the other. */
	spki.len++;
	assert_true(key_value_spki(view(&spki), &v));
	assert_int_equal(v.key.kind, KEY_OTHER);
	key_value_clear(&v);
	cert.len++;
	assert_true(key_value_certificate(view(&cert), &v));
	assert_int_equal(v.key.kind, KEY_EC_P256);
	key_value_clear(&v);
	EVP_PKEY_free(pkey);
}

static void
test_other_algorithms(void **state)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "X448");
	struct raw spki = spki_of(pkey);
	struct key_value v, again;

	(void)state;
	assert_true(key_value_spki(view(&spki), &v));
	assert_int_equal(v.key.kind, KEY_OTHER);
	assert_string_equal(v.reason, "X448 has no SSH algorithm");
	assert_true(key_value_other(bytes_str("01"), "why", &again));
	assert_string_equal(again.reason, "why");
	assert_false(bytes_equal(v.key.a, again.key.a));
	key_value_clear(&v);
	key_value_clear(&again);
	EVP_PKEY_free(pkey);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_form_is_one_key),
		cmocka_unit_test(test_reasons_of_ec),
		cmocka_unit_test(test_point_off_curve),
		cmocka_unit_test(test_rsa_sizes),
		cmocka_unit_test(test_der_cut),
		cmocka_unit_test(test_other_algorithms),
	};

	return cmocka_run_group_tests_name("public-key", tests, NULL, NULL);
}
