/* SPDX-License-Identifier: BSD-2-Clause */
/* Digests of what is to be signed. */
#include "agent/hasher.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct hasher {
	EVP_MD_CTX *ctx;
	EVP_MD *sha256, *sha384, *sha512;
};

struct hasher *
hasher_free(struct hasher *h)
{
	if (h == NULL)
		return NULL;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->sha256);
	EVP_MD_free(h->sha384);
	EVP_MD_free(h->sha512);
	free(h);
	return NULL;
}

struct hasher *
hasher_new(void)
{
	struct hasher *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->ctx = EVP_MD_CTX_new();
	h->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	h->sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);
	h->sha512 = EVP_MD_fetch(NULL, "SHA512", NULL);
	if (h->ctx == NULL || h->sha256 == NULL || h->sha384 == NULL ||
	    h->sha512 == NULL)
		return hasher_free(h);
	return h;
}

static const EVP_MD *
hasher_md(const struct hasher *h, enum ssh_signature algorithm)
{
	switch (algorithm) {
	case SSH_SIG_RSA_SHA256:
	case SSH_SIG_ECDSA_P256:
		return h->sha256;
	case SSH_SIG_ECDSA_P384:
		return h->sha384;
	case SSH_SIG_RSA_SHA512:
	case SSH_SIG_ECDSA_P521:
		return h->sha512;
	case SSH_SIG_ED25519:
		break;
	}
	return NULL;
}

bool
hasher_digest(struct hasher *h, enum ssh_signature algorithm,
    struct bytes data, uint8_t out[static DIGEST_MAX_BYTES],
    struct bytes *ret)
{
	const EVP_MD *md = hasher_md(h, algorithm);
	unsigned len = 0;

	if (md == NULL) {
		*ret = data;
		return true;
	}
	if (EVP_DigestInit_ex2(h->ctx, md, NULL) != 1 ||
	    EVP_DigestUpdate(h->ctx, data.p, data.len) != 1 ||
	    EVP_DigestFinal_ex(h->ctx, out, &len) != 1)
		return false;
	*ret = bytes_of(out, len);
	return true;
}
