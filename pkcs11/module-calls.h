/* SPDX-License-Identifier: BSD-2-Clause */
/* A module's C_ functions, without a NULL among those that are called here. */
#ifndef P11_AGENT_PKCS11_MODULE_CALLS_H
#define P11_AGENT_PKCS11_MODULE_CALLS_H

#include "pkcs11/error.h"

/*
 * Copy a module's list; where it lacks a function that signing can do without
 * is one that answers CKR_FUNCTION_NOT_SUPPORTED. The list's version is not
 * looked at: modules leave it 0.0. False with *err filled when a function is
 * missing that signing needs.
 */
bool module_calls_fill(CK_FUNCTION_LIST *ret, const CK_FUNCTION_LIST *from,
    struct p11_err *err);

#endif
