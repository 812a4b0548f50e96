/* SPDX-License-Identifier: BSD-2-Clause */
/* OpenSSH public key files: "TYPE BASE64 COMMENT", one line. */
#include "agent/config-pubkey.h"

#include <ctype.h>
#include <libssh/libssh.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "proto/keyblob.h"

static void
key_freep(ssh_key *key)
{
	ssh_key_free(*key);
}

/* The next word of a line; empty at its end. */
static struct bytes
next_word(struct bytes *rest)
{
	struct bytes word;

	while (rest->len > 0 && (rest->p[0] == ' ' || rest->p[0] == '\t')) {
		rest->p++;
		rest->len--;
	}
	word = bytes_of(rest->p, 0);
	while (rest->len > 0 && !isspace(rest->p[0])) {
		rest->p++;
		rest->len--;
		word.len++;
	}
	return word;
}

/* NULL when it is no base64 or memory is out. */
static uint8_t *
base64_decode(const char *text, size_t *ret_len)
{
	size_t len = strlen(text), padding = 0;
	uint8_t *out;

	if (len == 0 || len % 4 != 0 || len > INT_MAX)
		return NULL;
	while (padding < 2 && text[len - 1 - padding] == '=')
		padding++;
	if ((out = malloc(len / 4 * 3)) == NULL)
		return NULL;
	if (EVP_DecodeBlock(out, (const unsigned char *)text, (int)len) < 0) {
		free(out);
		return NULL;
	}
	*ret_len = len / 4 * 3 - padding;
	return out;
}

/* Are all numbers and points of it there and sound? libssh looks. */
static bool
key_is_sound(const char *type, const char *base64)
{
	CLEANUP(key_freep) ssh_key key = NULL;

	return ssh_pki_import_pubkey_base64(
		   base64, ssh_key_type_from_name(type), &key) == SSH_OK;
}

static bool
is_certificate(const char *type)
{
	const char *part = strstr(type, "-cert-v0");

	return part != NULL;
}

static const char *
refuse_type(
    struct bytes text, const char *type, char words[static CONFIG_PUBKEY_WORDS])
{
	char shown[64];

	if (text.len >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
		return "begins with a byte order mark (BOM): save it as UTF-8 "
		       "without one";
	if (text.len > 10 && memcmp(text.p, "-----BEGIN", 10) == 0)
		return "is no OpenSSH public key (it has a PEM header): "
		       "ssh-keygen -i -f or -y makes one";
	if (is_certificate(type))
		return "is a certificate: name the .pub file of its key";
	text_printable(bytes_str(type), shown, sizeof(shown));
	snprintf(words, CONFIG_PUBKEY_WORDS,
	    "is no OpenSSH public key file of a type that tokens have "
	    "(ssh-rsa, ecdsa-sha2-nistp256, -384, -521, ssh-ed25519): \"%s\"",
	    shown);
	return words;
}

const char *
config_pubkey_parse(struct bytes text, uint8_t **ret, size_t *ret_len,
    char words[static CONFIG_PUBKEY_WORDS])
{
	CLEANUP(cleanup_free) uint8_t *blob = NULL;
	CLEANUP(cleanup_free) char *type = NULL;
	CLEANUP(cleanup_free) char *base64 = NULL;
	struct bytes rest = text;
	enum ssh_key_type known;
	size_t len;

	if (text.len > 0 && memchr(text.p, '\0', text.len) != NULL)
		return "is no text";
	type = bytes_strdup(next_word(&rest));
	base64 = bytes_strdup(next_word(&rest));
	if (type == NULL || base64 == NULL)
		return "out of memory";
	if ((blob = base64_decode(base64, &len)) == NULL)
		return refuse_type(text, type, words);
	known = key_blob_type(bytes_of(blob, len));
	if (known == SSH_KEY_UNKNOWN ||
	    strcmp(type, ssh_key_type_name(known)) != 0)
		return refuse_type(text, type, words);
	if (!key_is_sound(type, base64))
		return "holds a broken key: is it cut?";
	*ret = blob;
	*ret_len = len;
	blob = NULL;
	return NULL;
}

bool
config_pubkey_fingerprint(
    struct bytes blob, char out[static CONFIG_FINGERPRINT_BYTES])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned int len;
	int n;

	if (EVP_Digest(blob.p, blob.len, hash, &len, EVP_sha256(), NULL) != 1)
		return false;
	n = sprintf(out, "SHA256:");
	n += EVP_EncodeBlock((unsigned char *)out + n, hash, (int)len);
	/* Without its padding. */
	while (n > 0 && out[n - 1] == '=')
		out[--n] = '\0';
	return true;
}
