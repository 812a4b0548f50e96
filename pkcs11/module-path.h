/* SPDX-License-Identifier: BSD-2-Clause */
/* From the name of a module's file to a path that may be loaded. */
#ifndef P11_AGENT_PKCS11_MODULE_PATH_H
#define P11_AGENT_PKCS11_MODULE_PATH_H

#include "pkcs11/error.h"

/*
 * The real path of a module, to be freed by the caller. A bare file name is
 * looked for where modules are installed; anything else must be an absolute
 * path (no ~). The file, and each folder above it, must be owned by root or
 * by us and writable by nobody else (a folder may be sticky, as /tmp is).
 * NULL with err->text saying what is wrong.
 */
char *module_path_resolve(const char *module, struct p11_err *err);

/*
 * The same, with the folders to look in: NULL-terminated, "" is skipped.
 */
char *module_path_resolve_in(
    const char *module, const char *const *folders, struct p11_err *err);

#endif
