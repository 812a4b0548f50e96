/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SSH public key blobs and signature blobs (RFC 4253 6.6, RFC 5656 3.1,
 * RFC 8332, RFC 8709), made from raw numbers and points.
 */
#ifndef P11_AGENT_PROTO_KEYBLOB_H
#define P11_AGENT_PROTO_KEYBLOB_H

#include "common/buffer.h"
#include "common/reader.h"

enum ssh_key_type {
	SSH_KEY_RSA = 1,
	SSH_KEY_ECDSA_P256,
	SSH_KEY_ECDSA_P384,
	SSH_KEY_ECDSA_P521,
	SSH_KEY_ED25519,
	SSH_KEY_UNKNOWN, /* a blob of a type that we do not sign with */
};

/*
 * RSA: a = modulus, b_exponent = public exponent (big-endian); ECDSA: a = 04 ||
 * x || y; Ed25519: a = 32 bytes; b_exponent is empty for both. Appends the blob
 * itself (no length in front).
 *
 * PARSE_VALUE, and nothing appended, for what OpenSSH would not take, because
 * one such key makes it drop the whole list: lengths that do not fit the
 * type, RSA with less than 1024 bits (RSA_MIN_BITS is the policy above) or more
 * than 16384, a point that is not on its curve. PARSE_MEMORY.
 */
enum parse_err key_blob_put(struct buffer *b, enum ssh_key_type type,
    struct bytes a, struct bytes b_exponent);

/* The type that a key blob names (certificates: SSH_KEY_UNKNOWN). */
enum ssh_key_type key_blob_type(struct bytes blob);

/* "ssh-rsa", "ecdsa-sha2-nistp256", … "" for SSH_KEY_UNKNOWN. */
const char *ssh_key_type_name(enum ssh_key_type type);

/*
 * "SHA256:…" as ssh-keygen -l prints it (unpadded base64). False when memory
 * is out. FINGERPRINT_BYTES includes the NUL.
 */
enum { FINGERPRINT_BYTES = 52 };
bool key_blob_fingerprint(struct bytes blob,
    char ret[static FINGERPRINT_BYTES]);

enum ssh_signature {
	SSH_SIG_RSA_SHA256 = 1,
	SSH_SIG_RSA_SHA512,
	SSH_SIG_ECDSA_P256,
	SSH_SIG_ECDSA_P384,
	SSH_SIG_ECDSA_P521,
	SSH_SIG_ED25519,
};

/* The algorithm's name on the wire: "rsa-sha2-256", …; never NULL. */
const char *ssh_signature_name(enum ssh_signature algorithm);

/*
 * The signature algorithm for a key and the flags of a sign request (RFC 9987
 * 4.5.1; SHA-256 wins over SHA-512 where both are set, as with ssh-agent).
 * False for RSA without a SHA-2 flag (SHA-1) and for unknown keys.
 */
bool ssh_signature_choose(enum ssh_key_type type, uint32_t flags,
    enum ssh_signature *ret);

/*
 * Make the blob (string algorithm, string signature) from what a token
 * gives: RSA bytes are left-padded to modulus_bytes, ECDSA's r || s becomes
 * two mpints, Ed25519 must be 64 bytes. Appends the blob itself. PARSE_VALUE,
 * and nothing appended, when it does not fit; PARSE_MEMORY.
 */
enum parse_err signature_blob_put(struct buffer *b,
    enum ssh_signature algorithm, struct bytes raw, size_t modulus_bytes);

#endif
