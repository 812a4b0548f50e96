/* SPDX-License-Identifier: BSD-2-Clause */
/* The errors of this layer: which call into a module ended how. */
#ifndef P11_AGENT_PKCS11_ERROR_H
#define P11_AGENT_PKCS11_ERROR_H

#include <p11-kit/pkcs11.h>

#include "pkcs11/wire.h"

enum {
	P11_ERR_TEXT_BYTES = 512,
	P11_RV_NAME_BYTES = 48,
};

/*
 * An error with its cause; made by p11_err_set. call is a literal ("C_Sign"),
 * or "" (and rv CKR_OK) where no call into the module was to blame.
 */
struct p11_err {
	const char *call;
	CK_RV rv;
	char name[P11_RV_NAME_BYTES]; /* of rv; empty for CKR_OK */
	char text[P11_ERR_TEXT_BYTES]; /* more words for a person, or empty */
};

/*
 * Fill *err; fmt may be NULL (no text). Returns false, for
 * `return p11_err_set(err, "C_Login", rv, NULL);`.
 */
bool p11_err_set(struct p11_err *err, const char *call, CK_RV rv,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * "CKR_PIN_INCORRECT", or "0x80000001" for a value that PKCS#11 gives no
 * name; put into buf, which is returned.
 */
char *p11_rv_name(CK_RV rv, char buf[static P11_RV_NAME_BYTES]);

/* What a CK_RV means for the request (design section 8); CKR_OK: WIRE_OK. */
enum wire_outcome p11_rv_outcome(CK_RV rv);

/* The error for the wire; *ret borrows from err. */
void p11_err_wire(const struct p11_err *err, struct wire_error *ret);

#endif
