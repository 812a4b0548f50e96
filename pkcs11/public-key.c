/* SPDX-License-Identifier: BSD-2-Clause */
/* Public keys from what tokens say of them, checked. */
#include "pkcs11/public-key.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "common/text.h"

enum {
	DER_OCTET_STRING = 0x04,
	DER_BIT_STRING = 0x03,
	DER_OBJECT = 0x06,
	DER_PRINTABLE_STRING = 0x13,
	DER_SEQUENCE = 0x30,
	/* A longer name of a KEY_OTHER is hashed. */
	OTHER_NAME_MAX_BYTES = 256,
	EXPONENT_MAX_BYTES = 8,
	/* Below this OpenSSH calls the blob malformed, not weak. */
	RSA_SHORTEST_BITS = 1024,
};

void
key_value_clear(struct key_value *v)
{
	free(v->mem);
	*v = (struct key_value){0};
}

/* A copy of both parts behind one another, without a reason. */
static bool
key_value_set(struct key_value *ret, enum key_kind kind, struct bytes a,
    struct bytes b)
{
	*ret = (struct key_value){0};
	if ((ret->mem = malloc(a.len + b.len + 1)) == NULL)
		return false;
	if (a.len > 0)
		memcpy(ret->mem, a.p, a.len);
	if (b.len > 0)
		memcpy(ret->mem + a.len, b.p, b.len);
	ret->key.kind = kind;
	ret->key.a = bytes_of(ret->mem, a.len);
	ret->key.b = bytes_of(ret->mem + a.len, b.len);
	return true;
}

bool
key_value_dup(const struct key_value *from, struct key_value *ret)
{
	if (!key_value_set(ret, from->key.kind, from->key.a, from->key.b))
		return false;
	memcpy(ret->reason, from->reason, sizeof(ret->reason));
	return true;
}

bool
key_value_other(struct bytes name, const char *reason, struct key_value *ret)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	if (name.len > OTHER_NAME_MAX_BYTES) {
		SHA256(name.p, name.len, digest);
		name = bytes_of(digest, sizeof(digest));
	}
	if (!key_value_set(ret, KEY_OTHER, name, BYTES_NONE))
		return false;
	snprintf(ret->reason, sizeof(ret->reason), "%s", reason);
	return true;
}

/* The same, named by two values. */
static bool
key_value_other_pair(struct bytes a, struct bytes b, const char *reason,
    struct key_value *ret)
{
	CLEANUP(buffer_cleanup) struct buffer name =
	    BUFFER_INIT(a.len + b.len);

	*ret = (struct key_value){0};
	buffer_put(&name, a);
	buffer_put(&name, b);
	return !name.failed &&
	    key_value_other(buffer_bytes(&name), reason, ret);
}

bool
key_value_rsa(struct bytes modulus, struct bytes exponent,
    struct key_value *ret)
{
	struct bytes n = bytes_number(modulus), e = bytes_number(exponent);
	size_t bits;

	*ret = (struct key_value){0};
	if (n.len == 0 || e.len == 0 || e.len > EXPONENT_MAX_BYTES ||
	    (n.p[n.len - 1] & 1) == 0 || (e.p[e.len - 1] & 1) == 0 ||
	    (e.len == 1 && e.p[0] == 1))
		return key_value_other_pair(modulus, exponent,
		    "malformed RSA public key", ret);
	bits = bytes_number_bits(n);
	if (bits > RSA_MAX_BITS || bits < RSA_SHORTEST_BITS)
		return key_value_other_pair(modulus, exponent,
		    "RSA modulus of a length that SSH does not have", ret);
	if (!key_value_set(ret, KEY_RSA, n, e))
		return false;
	if (bits < RSA_MIN_BITS)
		snprintf(ret->reason, sizeof(ret->reason),
		    "RSA with %zu bits is too weak", bits);
	return true;
}

/* The curves that SSH has, and what tokens call them in CKA_EC_PARAMS. */
static const struct curve {
	enum key_kind kind;
	int nid;
	size_t field_bytes;
	const char *names[3]; /* of a PrintableString; NULL ends it early */
} curves[] = {
	{KEY_EC_P256, NID_X9_62_prime256v1, 32,
	    {"secp256r1", "prime256v1", "P-256"}},
	{KEY_EC_P384, NID_secp384r1, 48, {"secp384r1", "P-384"}},
	{KEY_EC_P521, NID_secp521r1, 66, {"secp521r1", "P-521"}},
	{KEY_ED25519, NID_ED25519, 32, {"edwards25519", "Ed25519"}},
};
enum { N_CURVES = sizeof(curves) / sizeof(curves[0]) };

static const struct curve *
curve_of_kind(enum key_kind kind)
{
	for (size_t i = 0; i < N_CURVES; i++)
		if (curves[i].kind == kind)
			return &curves[i];
	return NULL;
}

/* The content of one short DER item that fills `der`; empty if it is none. */
static struct bytes
der_content(struct bytes der, uint8_t tag)
{
	size_t head = 2;

	if (der.len < 2 || der.p[0] != tag)
		return BYTES_NONE;
	if (der.p[1] == 0x81)
		head = 3;
	if (der.len < head || (head == 2 && der.p[1] >= 0x80) ||
	    der.p[head - 1] != der.len - head)
		return BYTES_NONE;
	return bytes_of(der.p + head, der.len - head);
}

/* The OpenSSL number of an OBJECT IDENTIFIER in DER; NID_undef if unknown. */
static int
object_nid(struct bytes der)
{
	const unsigned char *p = der.p;
	ASN1_OBJECT *object;
	int nid;

	if (der.len == 0 || der.p[0] != DER_OBJECT)
		return NID_undef;
	object = d2i_ASN1_OBJECT(NULL, &p, (long)der.len);
	nid = object == NULL || p != der.p + der.len ? NID_undef :
	    OBJ_obj2nid(object);
	ASN1_OBJECT_free(object);
	ERR_clear_error();
	return nid;
}

/* The same of explicit parameters, such as libykcs11's, of a named curve. */
static int
explicit_nid(struct bytes der)
{
	const unsigned char *p = der.p;
	EC_GROUP *group;
	int nid;

	if (der.len == 0 || der.p[0] != DER_SEQUENCE)
		return NID_undef;
	group = d2i_ECPKParameters(NULL, &p, (long)der.len);
	nid = group == NULL || p != der.p + der.len ? NID_undef :
	    EC_GROUP_get_curve_name(group);
	EC_GROUP_free(group);
	ERR_clear_error();
	return nid;
}

static bool
curve_has_name(const struct curve *c, struct bytes name)
{
	size_t n = sizeof(c->names) / sizeof(c->names[0]);

	for (size_t i = 0; i < n && c->names[i] != NULL; i++)
		if (bytes_is(name, c->names[i]))
			return true;
	return false;
}

static const struct curve *
curve_of_params(struct bytes params)
{
	/* GnuPG's number for the curve, from before RFC 8410. */
	static const uint8_t gnu_ed25519[] = {0x06, 0x09, 0x2b, 0x06, 0x01,
	    0x04, 0x01, 0xda, 0x47, 0x0f, 0x01};
	struct bytes name = der_content(params, DER_PRINTABLE_STRING);
	int nid = object_nid(params);

	if (nid == NID_undef)
		nid = explicit_nid(params);
	if (bytes_equal(params, bytes_of(gnu_ed25519, sizeof(gnu_ed25519))))
		return curve_of_kind(KEY_ED25519);
	for (size_t i = 0; i < N_CURVES; i++) {
		if (nid != NID_undef && nid == curves[i].nid)
			return &curves[i];
		if (curve_has_name(&curves[i], name))
			return &curves[i];
	}
	return NULL;
}

enum key_kind
curve_kind(struct bytes params)
{
	const struct curve *c = curve_of_params(params);

	return c == NULL ? KEY_OTHER : c->kind;
}

/* "curve secp256k1 has no SSH algorithm" */
static void
curve_reason(struct bytes params, char *out, size_t size)
{
	struct bytes printable = der_content(params, DER_PRINTABLE_STRING);
	char name[64] = "";
	int nid = object_nid(params);

	if (nid != NID_undef)
		snprintf(name, sizeof(name), " %s", OBJ_nid2sn(nid));
	else if (printable.len > 0) {
		name[0] = ' ';
		text_printable(printable, name + 1, sizeof(name) - 1);
	}
	snprintf(out, size, "curve%s has no SSH algorithm", name);
}

/*
 * The point itself: tokens give it bare, in an OCTET STRING (PKCS#11 2.40
 * section 2.3.3), and some Edwards points in a BIT STRING. No wrapped form
 * is as long as a bare one.
 */
static struct bytes
point_unwrap(struct bytes point, size_t bare_bytes)
{
	struct bytes content = der_content(point, DER_OCTET_STRING);

	if (point.len == bare_bytes)
		return point;
	if (content.len > 0)
		return content;
	content = der_content(point, DER_BIT_STRING);
	if (content.len > 1 && content.p[0] == 0)
		return bytes_of(content.p + 1, content.len - 1);
	return point;
}

/*
 * Check that the point is on the curve and write it uncompressed. Returns
 * its length; 0 if it is not.
 */
static size_t
ec_point_check(const struct curve *c, struct bytes point, uint8_t *out,
    size_t size)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(c->nid);
	EC_POINT *p = group == NULL ? NULL : EC_POINT_new(group);
	size_t len = 0;

	if (p != NULL &&
	    EC_POINT_oct2point(group, p, point.p, point.len, NULL) == 1 &&
	    EC_POINT_is_at_infinity(group, p) == 0)
		len = EC_POINT_point2oct(group, p,
		    POINT_CONVERSION_UNCOMPRESSED, out, size, NULL);
	EC_POINT_free(p);
	EC_GROUP_free(group);
	ERR_clear_error();
	return len;
}

bool
key_value_ec(struct bytes params, struct bytes point, struct key_value *ret)
{
	const struct curve *c = curve_of_params(params);
	char reason[KEY_REASON_BYTES];
	uint8_t checked[1 + 2 * 66];
	struct bytes bare;
	size_t len;

	if (c == NULL) {
		curve_reason(params, reason, sizeof(reason));
		return key_value_other_pair(params, point, reason, ret);
	}
	if (c->kind == KEY_ED25519) {
		bare = point_unwrap(point, c->field_bytes);
		if (bare.len == c->field_bytes)
			return key_value_set(ret, c->kind, bare, BYTES_NONE);
		return key_value_other_pair(params, point,
		    "malformed Ed25519 public key", ret);
	}
	bare = point_unwrap(point, 1 + 2 * c->field_bytes);
	len = ec_point_check(c, bare, checked, sizeof(checked));
	if (len == 0)
		return key_value_other_pair(params, point,
		    "its EC point is not on its curve", ret);
	return key_value_set(ret, c->kind, bytes_of(checked, len), BYTES_NONE);
}
