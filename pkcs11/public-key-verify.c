/* SPDX-License-Identifier: BSD-2-Clause */
/* Raw signatures, checked with the public key. */
#include "pkcs11/public-key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

size_t
public_key_signature_bytes(const struct public_key *key)
{
	switch (key->kind) {
	case KEY_RSA:
		return key->a.len;
	case KEY_EC_P256:
	case KEY_EC_P384:
	case KEY_EC_P521:
		return key->a.len - 1; /* a = 04 || x || y, r || s alike */
	case KEY_ED25519:
		return 64;
	case KEY_OTHER:
		break;
	}
	return 0;
}

static EVP_PKEY *
pkey_from_params(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	if (ctx != NULL && params != NULL &&
	    EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return pkey;
}

static EVP_PKEY *
pkey_rsa(const struct public_key *key)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(key->a.p, (int)key->a.len, NULL);
	BIGNUM *e = BN_bin2bn(key->b.p, (int)key->b.len, NULL);
	OSSL_PARAM *params = NULL;

	if (build != NULL && n != NULL && e != NULL &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	return pkey_from_params("RSA", params);
}

static EVP_PKEY *
pkey_ec(const struct public_key *key, const char *group)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;

	if (build != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(build,
	    OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
	    key->a.p, key->a.len) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	OSSL_PARAM_BLD_free(build);
	return pkey_from_params("EC", params);
}

static EVP_PKEY *
pkey_of(const struct public_key *key)
{
	switch (key->kind) {
	case KEY_RSA:
		return pkey_rsa(key);
	case KEY_EC_P256:
		return pkey_ec(key, "P-256");
	case KEY_EC_P384:
		return pkey_ec(key, "P-384");
	case KEY_EC_P521:
		return pkey_ec(key, "P-521");
	case KEY_ED25519:
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
		    key->a.p, key->a.len);
	case KEY_OTHER:
		break;
	}
	return NULL;
}

/* md is NULL for ECDSA: the data is a digest of any length. */
static bool
verify_digest(EVP_PKEY *pkey, const EVP_MD *md, struct bytes digest,
    struct bytes signature)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	bool ok = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1;

	if (ok && md != NULL)
		ok = EVP_PKEY_CTX_set_rsa_padding(ctx,
		    RSA_PKCS1_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_signature_md(ctx, md) == 1;
	ok = ok && EVP_PKEY_verify(ctx, signature.p, signature.len,
	    digest.p, digest.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static bool
verify_ecdsa(EVP_PKEY *pkey, struct bytes digest, struct bytes signature)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	int half = (int)signature.len / 2;
	BIGNUM *r = BN_bin2bn(signature.p, half, NULL);
	BIGNUM *s = BN_bin2bn(signature.p + half, half, NULL);
	unsigned char *der = NULL;
	bool ok = false;
	int len;

	if (sig == NULL || r == NULL || s == NULL ||
	    ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
	} else if ((len = i2d_ECDSA_SIG(sig, &der)) > 0) {
		ok = verify_digest(pkey, NULL, digest,
		    bytes_of(der, (size_t)len));
	}
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	return ok;
}

static bool
verify_message(EVP_PKEY *pkey, struct bytes message, struct bytes signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	    EVP_DigestVerify(ctx, signature.p, signature.len, message.p,
	    message.len) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

/* Does the algorithm fit the key, and may the signature be this long? */
static bool
verify_possible(const struct public_key *key, enum sign_algorithm alg,
    struct bytes signature)
{
	size_t len = public_key_signature_bytes(key);

	switch (alg) {
	case SIGN_RSA_SHA256:
	case SIGN_RSA_SHA512:
		return key->kind == KEY_RSA && signature.len == len;
	case SIGN_ECDSA:
		return (key->kind == KEY_EC_P256 || key->kind == KEY_EC_P384 ||
		    key->kind == KEY_EC_P521) && signature.len <= len &&
		    signature.len > 0 && signature.len % 2 == 0;
	case SIGN_ED25519:
		return key->kind == KEY_ED25519 && signature.len == len;
	}
	return false;
}

bool
public_key_verify(const struct public_key *key, enum sign_algorithm alg,
    struct bytes data, struct bytes signature)
{
	EVP_PKEY *pkey;
	bool ok = false;

	if (!verify_possible(key, alg, signature) ||
	    (pkey = pkey_of(key)) == NULL)
		return false;
	switch (alg) {
	case SIGN_RSA_SHA256:
		ok = verify_digest(pkey, EVP_sha256(), data, signature);
		break;
	case SIGN_RSA_SHA512:
		ok = verify_digest(pkey, EVP_sha512(), data, signature);
		break;
	case SIGN_ECDSA:
		ok = verify_ecdsa(pkey, data, signature);
		break;
	case SIGN_ED25519:
		ok = verify_message(pkey, data, signature);
		break;
	}
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return ok;
}
