/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-kit's registered modules, loaded by p11-kit itself. */
#ifndef P11_AGENT_PKCS11_REGISTERED_H
#define P11_AGENT_PKCS11_REGISTERED_H

#include "pkcs11/error.h"

/*
 * All that are registered for us, NULL-terminated, none initialised; those
 * that are registered with `remote` too, whose command is run by C_Initialize.
 * Never released: what a module does when it is unloaded may fail. NULL with
 * *err filled.
 */
CK_FUNCTION_LIST **registered_load(struct p11_err *err);

/*
 * The one with this name among those with `remote`; all others are loaded
 * as well, as p11-kit has no other way. NULL with *err filled.
 */
CK_FUNCTION_LIST *registered_load_remote(struct bytes name,
    struct p11_err *err);

/* Is this `remote` of NAME.module in one of the system's folders? */
bool registered_by_system(const char *name, const char *remote);

/* Is it in one of the caller's folders? They end with NULL. */
bool registered_in(const char *const *folders, const char *name,
    const char *remote);

#endif
