/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The objects of a token that keys are made of, as a session sees them: public
 * keys, private keys, X.509 certificates.
 */
#ifndef P11_AGENT_PKCS11_OBJECT_H
#define P11_AGENT_PKCS11_OBJECT_H

#include "pkcs11/attribute.h"
#include "pkcs11/error.h"
#include "pkcs11/progress.h"
#include "pkcs11/public-key.h"

struct token_object {
	CK_OBJECT_CLASS class; /* CKO_PUBLIC_, CKO_PRIVATE_KEY, CERTIFICATE */
	CK_OBJECT_HANDLE handle;
	/* Its public value; value.mem is NULL where the object has none. */
	struct key_value value; /* owned */
	bool exponent_guessed;	/* RSA, private: only the modulus is known */
	/* Of a private key, also without a value; 0 when not known. */
	enum key_kind kind;
	CK_KEY_TYPE key_type; /* not of certificates */
	struct buffer id;     /* CKA_ID, cut to KEY_ID_MAX_BYTES; owned */
	struct buffer label;  /* CKA_LABEL, unpadded and cut; owned */
	bool permitted;	      /* CKA_VERIFY or CKA_SIGN; absent is true */
	bool always_authenticate;
	bool taken; /* for whoever matches objects to keys */
};

struct object_list {
	struct token_object *items; /* owned */
	size_t n;
	struct attribute_list at_once; /* while they are read */
	size_t skipped; /* objects that could not be read, or were too many */
	CK_RV fault;	/* the last that kept one from being read; or CKR_OK */
};

/* Where objects are read from. */
struct object_source {
	CK_FUNCTION_LIST *module;
	CK_SESSION_HANDLE session;
	/*
	 * The objects that the session read before, or NULL: public keys and
	 * certificates that are still there are not read again.
	 */
	const struct object_list *known;
	struct progress *progress; /* or NULL */
};

void object_list_clear(struct object_list *list);

/*
 * Append the objects of one class, at most OBJECTS_PER_TOKEN_MAX in the list.
 * One that cannot be read is skipped; false with *err filled when the token
 * or memory is gone.
 */
bool object_list_read(struct object_list *list,
    const struct object_source *from, CK_OBJECT_CLASS class,
    struct p11_err *err);

#endif
