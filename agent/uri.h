/* SPDX-License-Identifier: BSD-2-Clause */
/* PKCS#11 URIs (RFC 7512) of tokens and keys, as a config takes them. */
#ifndef P11_AGENT_AGENT_URI_H
#define P11_AGENT_AGENT_URI_H

#include "agent/token.h"

/*
 * "pkcs11:serial=…", with token=… where the serial number does not tell it
 * from other tokens. To be freed by the caller; NULL when memory is out.
 */
char *token_uri(const struct token *t);

/*
 * The token's URI with ";id=%01": what tells this key from others, but never
 * a slot. To be freed by the caller; NULL when memory is out.
 */
char *key_uri(const struct token *t, const struct key *k);

#endif
