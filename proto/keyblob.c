/* SPDX-License-Identifier: BSD-2-Clause */
/* SSH public key blobs and signature blobs. */
#include "proto/keyblob.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "proto/message.h"

enum {
	/*
	 * What OpenSSH takes. One RSA key outside of these limits, or a point
	 * off its curve, makes ssh drop the whole list, good keys and all.
	 */
	SSH_RSA_MIN_BITS = 1024,
	SSH_RSA_MAX_BITS = RSA_MAX_BITS,

	ED25519_KEY_BYTES = 32,
	ED25519_SIGNATURE_BYTES = 64,
	POINT_UNCOMPRESSED = 4, /* SEC 1 section 2.3.3 */
};

static const struct key_type {
	enum ssh_key_type type;
	const char *name;
	const char *curve;   /* RFC 5656 section 6.1; NULL unless ECDSA */
	int nid;	     /* OpenSSL's name of the curve */
	size_t number_bytes; /* of x, y, r and s */
} key_types[] = {
    {SSH_KEY_RSA, "ssh-rsa", NULL, NID_undef, 0},
    {SSH_KEY_ECDSA_P256, "ecdsa-sha2-nistp256", "nistp256",
	NID_X9_62_prime256v1, 32},
    {SSH_KEY_ECDSA_P384, "ecdsa-sha2-nistp384", "nistp384", NID_secp384r1, 48},
    {SSH_KEY_ECDSA_P521, "ecdsa-sha2-nistp521", "nistp521", NID_secp521r1, 66},
    {SSH_KEY_ED25519, "ssh-ed25519", NULL, NID_undef, 0},
};
enum { N_KEY_TYPES = sizeof(key_types) / sizeof(key_types[0]) };

/* Where a key has several, the first whose flag is set wins. */
static const struct signature_type {
	enum ssh_signature algorithm;
	const char *name;
	enum ssh_key_type key;
	uint32_t flag; /* that must ask for it; 0: none needs to */
} signature_types[] = {
    {SSH_SIG_RSA_SHA256, "rsa-sha2-256", SSH_KEY_RSA, SSH_AGENT_RSA_SHA2_256},
    {SSH_SIG_RSA_SHA512, "rsa-sha2-512", SSH_KEY_RSA, SSH_AGENT_RSA_SHA2_512},
    {SSH_SIG_ECDSA_P256, "ecdsa-sha2-nistp256", SSH_KEY_ECDSA_P256, 0},
    {SSH_SIG_ECDSA_P384, "ecdsa-sha2-nistp384", SSH_KEY_ECDSA_P384, 0},
    {SSH_SIG_ECDSA_P521, "ecdsa-sha2-nistp521", SSH_KEY_ECDSA_P521, 0},
    {SSH_SIG_ED25519, "ssh-ed25519", SSH_KEY_ED25519, 0},
};
enum {
	N_SIGNATURE_TYPES = sizeof(signature_types) / sizeof(signature_types[0])
};

static const struct key_type *
key_type_find(enum ssh_key_type type)
{
	for (size_t i = 0; i < N_KEY_TYPES; i++)
		if (key_types[i].type == type)
			return &key_types[i];
	return NULL;
}

static const struct signature_type *
signature_type_find(enum ssh_signature algorithm)
{
	for (size_t i = 0; i < N_SIGNATURE_TYPES; i++)
		if (signature_types[i].algorithm == algorithm)
			return &signature_types[i];
	return NULL;
}

const char *
ssh_key_type_name(enum ssh_key_type type)
{
	const struct key_type *t = key_type_find(type);

	return t == NULL ? "" : t->name;
}

enum ssh_key_type
key_blob_type(struct bytes blob)
{
	struct reader r = reader_of(blob);
	struct bytes name = reader_string(&r);

	for (size_t i = 0; i < N_KEY_TYPES; i++)
		if (bytes_is(name, key_types[i].name))
			return key_types[i].type;
	return SSH_KEY_UNKNOWN;
}

/* RFC 4253 section 6.6: exponent before modulus. */
static enum parse_err
rsa_put(struct buffer *b, struct bytes modulus, struct bytes exponent)
{
	size_t bits = bytes_number_bits(modulus);
	size_t exponent_bits = bytes_number_bits(exponent);

	if (bits < SSH_RSA_MIN_BITS || bits > SSH_RSA_MAX_BITS ||
	    exponent_bits == 0 || exponent_bits > bits)
		return PARSE_VALUE;
	buffer_put_cstring(b, ssh_key_type_name(SSH_KEY_RSA));
	buffer_put_mpint(b, exponent);
	buffer_put_mpint(b, modulus);
	return PARSE_OK;
}

static void
group_cleanup(EC_GROUP **group)
{
	EC_GROUP_free(*group);
}

static void
point_cleanup(EC_POINT **point)
{
	EC_POINT_free(*point);
}

static void
number_cleanup(BIGNUM **n)
{
	BN_free(*n);
}

/*
 * OpenSSH asks of each coordinate that it has more than half the bits of the
 * group's order n and is less than n - 1.
 */
static enum parse_err
coordinate_check(const BIGNUM *order, struct bytes coordinate)
{
	CLEANUP(number_cleanup) BIGNUM *n = NULL;

	n = BN_bin2bn(coordinate.p, (int)coordinate.len, NULL);
	if (n == NULL || BN_add_word(n, 1) != 1)
		return PARSE_MEMORY;
	if (bytes_number_bits(coordinate) <= (size_t)BN_num_bits(order) / 2 ||
	    BN_cmp(n, order) >= 0)
		return PARSE_VALUE;
	return PARSE_OK;
}

/* 04 || x || y, on the curve, and such that OpenSSH takes it. */
static enum parse_err
point_check(const struct key_type *t, struct bytes point)
{
	CLEANUP(group_cleanup) EC_GROUP *group = NULL;
	CLEANUP(point_cleanup) EC_POINT *q = NULL;
	const BIGNUM *order;
	enum parse_err err;
	bool on_curve;

	if (point.len != 1 + 2 * t->number_bytes ||
	    point.p[0] != POINT_UNCOMPRESSED)
		return PARSE_VALUE;
	group = EC_GROUP_new_by_curve_name(t->nid);
	if (group == NULL || (q = EC_POINT_new(group)) == NULL)
		return PARSE_MEMORY;
	ERR_set_mark();
	on_curve = EC_POINT_oct2point(group, q, point.p, point.len, NULL) == 1;
	ERR_pop_to_mark();
	if (!on_curve)
		return PARSE_VALUE;
	order = EC_GROUP_get0_order(group);
	err = coordinate_check(order, bytes_of(point.p + 1, t->number_bytes));
	if (err != PARSE_OK)
		return err;
	return coordinate_check(
	    order, bytes_of(point.p + 1 + t->number_bytes, t->number_bytes));
}

/* RFC 5656 section 3.1 */
static enum parse_err
ecdsa_put(struct buffer *b, const struct key_type *t, struct bytes point)
{
	enum parse_err err = point_check(t, point);

	if (err != PARSE_OK)
		return err;
	buffer_put_cstring(b, t->name);
	buffer_put_cstring(b, t->curve);
	buffer_put_string(b, point);
	return PARSE_OK;
}

/* RFC 8709 section 4 */
static enum parse_err
ed25519_put(struct buffer *b, struct bytes key)
{
	if (key.len != ED25519_KEY_BYTES)
		return PARSE_VALUE;
	buffer_put_cstring(b, ssh_key_type_name(SSH_KEY_ED25519));
	buffer_put_string(b, key);
	return PARSE_OK;
}

enum parse_err
key_blob_put(struct buffer *b, enum ssh_key_type type, struct bytes a,
    struct bytes b_exponent)
{
	enum parse_err err = PARSE_VALUE;

	if (type != SSH_KEY_RSA && b_exponent.len != 0)
		return PARSE_VALUE;
	switch (type) {
	case SSH_KEY_RSA:
		err = rsa_put(b, a, b_exponent);
		break;
	case SSH_KEY_ECDSA_P256:
	case SSH_KEY_ECDSA_P384:
	case SSH_KEY_ECDSA_P521:
		err = ecdsa_put(b, key_type_find(type), a);
		break;
	case SSH_KEY_ED25519:
		err = ed25519_put(b, a);
		break;
	case SSH_KEY_UNKNOWN:
		break;
	}
	return err == PARSE_OK && b->failed ? PARSE_MEMORY : err;
}

bool
key_blob_fingerprint(struct bytes blob, char ret[static FINGERPRINT_BYTES])
{
	static const char prefix[] = "SHA256:";
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char *base64 = ret + sizeof(prefix) - 1;
	int len;

	if (SHA256(blob.p, blob.len, digest) == NULL)
		return false;
	memcpy(ret, prefix, sizeof(prefix) - 1);
	len = EVP_EncodeBlock((unsigned char *)base64, digest, sizeof(digest));
	base64[len - 1] = '\0'; /* 32 bytes end in one '=' */
	return true;
}

const char *
ssh_signature_name(enum ssh_signature algorithm)
{
	const struct signature_type *t = signature_type_find(algorithm);

	return t == NULL ? "" : t->name;
}

bool
ssh_signature_choose(
    enum ssh_key_type type, uint32_t flags, enum ssh_signature *ret)
{
	for (size_t i = 0; i < N_SIGNATURE_TYPES; i++) {
		const struct signature_type *t = &signature_types[i];

		if (t->key == type &&
		    (t->flag == 0 || (t->flag & flags) != 0)) {
			*ret = t->algorithm;
			return true;
		}
	}
	return false;
}

/* RFC 8332 section 3: as long as the modulus. */
static enum parse_err
rsa_signature_put(
    struct buffer *b, const char *name, struct bytes raw, size_t modulus_bytes)
{
	size_t mark;

	if (raw.len == 0 || raw.len > modulus_bytes ||
	    modulus_bytes > SSH_RSA_MAX_BITS / 8)
		return PARSE_VALUE;
	buffer_put_cstring(b, name);
	mark = buffer_begin(b);
	for (size_t n = raw.len; n < modulus_bytes; n++)
		buffer_put_u8(b, 0);
	buffer_put(b, raw);
	buffer_end(b, mark);
	return PARSE_OK;
}

/* RFC 5656 section 3.1.2 */
static enum parse_err
ecdsa_signature_put(
    struct buffer *b, const char *name, struct bytes raw, size_t number_bytes)
{
	size_t half = raw.len / 2;
	struct bytes r, s;
	size_t mark;

	if (half == 0 || half > number_bytes || raw.len % 2 != 0)
		return PARSE_VALUE;
	r = bytes_of(raw.p, half);
	s = bytes_of(raw.p + half, half);
	if (bytes_number_bits(r) == 0 || bytes_number_bits(s) == 0)
		return PARSE_VALUE;
	buffer_put_cstring(b, name);
	mark = buffer_begin(b);
	buffer_put_mpint(b, r);
	buffer_put_mpint(b, s);
	buffer_end(b, mark);
	return PARSE_OK;
}

/* RFC 8709 section 6 */
static enum parse_err
ed25519_signature_put(struct buffer *b, const char *name, struct bytes raw)
{
	if (raw.len != ED25519_SIGNATURE_BYTES)
		return PARSE_VALUE;
	buffer_put_cstring(b, name);
	buffer_put_string(b, raw);
	return PARSE_OK;
}

enum parse_err
signature_blob_put(struct buffer *b, enum ssh_signature algorithm,
    struct bytes raw, size_t modulus_bytes)
{
	const struct signature_type *t = signature_type_find(algorithm);
	enum parse_err err = PARSE_VALUE;

	if (t == NULL)
		return PARSE_VALUE;
	switch (t->key) {
	case SSH_KEY_RSA:
		err = rsa_signature_put(b, t->name, raw, modulus_bytes);
		break;
	case SSH_KEY_ECDSA_P256:
	case SSH_KEY_ECDSA_P384:
	case SSH_KEY_ECDSA_P521:
		err = ecdsa_signature_put(
		    b, t->name, raw, key_type_find(t->key)->number_bytes);
		break;
	case SSH_KEY_ED25519:
		err = ed25519_signature_put(b, t->name, raw);
		break;
	case SSH_KEY_UNKNOWN:
		break;
	}
	return err == PARSE_OK && b->failed ? PARSE_MEMORY : err;
}
