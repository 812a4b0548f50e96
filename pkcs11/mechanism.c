/* SPDX-License-Identifier: BSD-2-Clause */
/* The mechanisms of a token. */
#include "pkcs11/mechanism.h"

/* A list that cannot be read, or is empty, says nothing. */
static bool
has_list(CK_FUNCTION_LIST *module, CK_SLOT_ID slot)
{
	CK_ULONG n = 0;

	return module->C_GetMechanismList(slot, NULL, &n) == CKR_OK && n > 0;
}

static bool
can_sign(CK_FUNCTION_LIST *module, CK_SLOT_ID slot, CK_MECHANISM_TYPE type)
{
	CK_MECHANISM_INFO info = {0};

	switch (module->C_GetMechanismInfo(slot, type, &info)) {
	case CKR_OK:
		/* No flag at all: a module that does not fill them in. */
		return info.flags == 0 || (info.flags & CKF_SIGN) != 0;
	case CKR_MECHANISM_INVALID:
		return false;
	default:
		return true;
	}
}

void
mechanisms_read(CK_FUNCTION_LIST *module, CK_SLOT_ID slot,
    struct mechanisms *ret)
{
	*ret = (struct mechanisms){"", "", ""};
	if (!has_list(module, slot))
		return;
	if (!can_sign(module, slot, CKM_RSA_PKCS))
		ret->rsa = "the token does not sign with CKM_RSA_PKCS";
	if (!can_sign(module, slot, CKM_ECDSA))
		ret->ecdsa = "the token does not sign with CKM_ECDSA";
	if (!can_sign(module, slot, CKM_EDDSA))
		ret->eddsa = "the token does not sign with CKM_EDDSA";
}

const char *
mechanisms_lack(const struct mechanisms *m, enum key_kind kind)
{
	switch (kind) {
	case KEY_RSA:
		return m->rsa;
	case KEY_EC_P256:
	case KEY_EC_P384:
	case KEY_EC_P521:
		return m->ecdsa;
	case KEY_ED25519:
		return m->eddsa;
	case KEY_OTHER:
		break;
	}
	return "";
}

CK_MECHANISM_TYPE
mechanism_of(enum sign_algorithm algorithm)
{
	switch (algorithm) {
	case SIGN_RSA_SHA256:
	case SIGN_RSA_SHA512:
		return CKM_RSA_PKCS;
	case SIGN_ECDSA:
		return CKM_ECDSA;
	case SIGN_ED25519:
		return CKM_EDDSA;
	}
	return CK_UNAVAILABLE_INFORMATION;
}
