/* SPDX-License-Identifier: BSD-2-Clause */
/* A folder of its own for what a module writes without being asked. */
#ifndef P11_AGENT_PKCS11_PROVIDER_FOLDER_H
#define P11_AGENT_PKCS11_PROVIDER_FOLDER_H

#include "pkcs11/error.h"

/*
 * Make the provider's private folder, p11-agent/provider-NAME in
 * $XDG_RUNTIME_DIR (else in $XDG_CACHE_HOME, else in ~/.cache), and let it be
 * the working directory and XDG_CACHE_HOME of this process. NAME is escaped.
 * Call it before threads are started. False with *err filled when there is
 * none to be had: the working directory is then "/".
 */
bool provider_folder_enter(struct bytes name, struct p11_err *err);

/*
 * Remove the files that OpenSC has cached of cards there (opensc.conf(5),
 * use_file_caching): it takes them for those of a card that was programmed
 * elsewhere meanwhile. The working directory has to be the provider's folder.
 */
void provider_folder_empty_cache(void);

#endif
