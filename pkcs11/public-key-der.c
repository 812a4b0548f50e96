/* SPDX-License-Identifier: BSD-2-Clause */
/* Public keys out of SubjectPublicKeyInfo and X.509 (RFC 5280, RFC 8410). */
#include "pkcs11/public-key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "common/cleanup.h"

static void
bn_cleanup(BIGNUM **n)
{
	BN_free(*n);
}

static bool
bn_put(struct buffer *b, const BIGNUM *n)
{
	size_t len = (size_t)BN_num_bytes(n);
	uint8_t *room = buffer_room(b, len + 1);

	if (room != NULL)
		buffer_added(b, (size_t)BN_bn2bin(n, room));
	return room != NULL;
}

static bool
from_rsa(struct bytes der, const EVP_PKEY *pkey, struct key_value *ret)
{
	CLEANUP(buffer_cleanup) struct buffer n =
	    BUFFER_INIT(ATTRIBUTE_MAX_BYTES);
	CLEANUP(buffer_cleanup) struct buffer e =
	    BUFFER_INIT(ATTRIBUTE_MAX_BYTES);
	CLEANUP(bn_cleanup) BIGNUM *bn_n = NULL;
	CLEANUP(bn_cleanup) BIGNUM *bn_e = NULL;

	if (pkey == NULL ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &bn_n) != 1 ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &bn_e) != 1)
		return key_value_other(der, "malformed RSA public key", ret);
	if (!bn_put(&n, bn_n) || !bn_put(&e, bn_e))
		return false;
	return key_value_rsa(buffer_bytes(&n), buffer_bytes(&e), ret);
}

/* What would be CKA_EC_PARAMS of a key with this algorithm. */
static bool
curve_params(const X509_ALGOR *algorithm, struct buffer *ret)
{
	const ASN1_OBJECT *object;
	const void *value;
	unsigned char *der = NULL;
	int type, len;

	X509_ALGOR_get0(&object, &type, &value, algorithm);
	if (OBJ_obj2nid(object) != NID_X9_62_id_ecPublicKey)
		len = i2d_ASN1_OBJECT(object, &der); /* RFC 8410 */
	else if (type == V_ASN1_OBJECT)
		len = i2d_ASN1_OBJECT(value, &der);
	else
		return true; /* explicit parameters: no named curve */
	if (len > 0)
		buffer_put(ret, bytes_of(der, (size_t)len));
	OPENSSL_free(der);
	return len > 0 && !ret->failed;
}

static bool
from_curve(const X509_ALGOR *algorithm, struct bytes point,
    struct key_value *ret)
{
	CLEANUP(buffer_cleanup) struct buffer params =
	    BUFFER_INIT(ATTRIBUTE_MAX_BYTES);

	return curve_params(algorithm, &params) &&
	    key_value_ec(buffer_bytes(&params), point, ret);
}

static bool
from_other(struct bytes der, int nid, struct key_value *ret)
{
	char reason[KEY_REASON_BYTES];

	snprintf(reason, sizeof(reason), "%s has no SSH algorithm",
	    nid == NID_undef ? "its kind of key" : OBJ_nid2sn(nid));
	return key_value_other(der, reason, ret);
}

static bool
from_public_key(struct bytes der, X509_PUBKEY *spki, struct key_value *ret)
{
	ASN1_OBJECT *object = NULL;
	X509_ALGOR *algorithm = NULL;
	const unsigned char *bits = NULL;
	struct bytes point;
	int len = 0, nid;

	if (spki == NULL || X509_PUBKEY_get0_param(&object, &bits, &len,
	    &algorithm, spki) != 1 || len < 0)
		return key_value_other(der, "malformed public key", ret);
	point = bytes_of(bits, (size_t)len);
	nid = OBJ_obj2nid(object);
	switch (nid) {
	case NID_rsaEncryption:
		return from_rsa(der, X509_PUBKEY_get0(spki), ret);
	case NID_X9_62_id_ecPublicKey:
	case NID_ED25519:
	case NID_ED448:
		return from_curve(algorithm, point, ret);
	default:
		return from_other(der, nid, ret);
	}
}

bool
key_value_spki(struct bytes der, struct key_value *ret)
{
	const unsigned char *p = der.p;
	X509_PUBKEY *spki = d2i_X509_PUBKEY(NULL, &p, (long)der.len);
	bool ok;

	*ret = (struct key_value){0};
	if (spki != NULL && p != der.p + der.len) {
		X509_PUBKEY_free(spki);
		spki = NULL;
	}
	ok = from_public_key(der, spki, ret);
	X509_PUBKEY_free(spki);
	ERR_clear_error();
	return ok;
}

bool
key_value_certificate(struct bytes der, struct key_value *ret)
{
	const unsigned char *p = der.p;
	X509 *x509 = d2i_X509(NULL, &p, (long)der.len);
	bool ok;

	/* Cards pad the file of a certificate: bytes may follow. */
	*ret = (struct key_value){0};
	if (x509 == NULL)
		ok = key_value_other(der, "malformed X.509 certificate", ret);
	else
		ok = from_public_key(der, X509_get_X509_PUBKEY(x509), ret);
	X509_free(x509);
	ERR_clear_error();
	return ok;
}
