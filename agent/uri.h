/* SPDX-License-Identifier: BSD-2-Clause */
/* The PKCS#11 URI (RFC 7512) of a key, for people to paste into a config. */
#ifndef P11_AGENT_AGENT_URI_H
#define P11_AGENT_AGENT_URI_H

#include "agent/token.h"

/*
 * "pkcs11:token=…;serial=…;id=%01": what tells this key from others, never a
 * slot. To be freed by the caller; NULL when memory is out.
 */
char *key_uri(const struct token *t, const struct key *k);

#endif
