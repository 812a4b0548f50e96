/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside p11-agent-config: PKCS#11 URIs (RFC 7512). */
#ifndef P11_AGENT_AGENT_CONFIG_URI_H
#define P11_AGENT_AGENT_CONFIG_URI_H

#include "agent/config-flat.h"

enum { CONFIG_URI_WORDS = 512 };

/*
 * Take a URI apart into *ret (the caller's to clear, also after an error).
 * of_token: it may name a token only, not a key on it. NULL, or what is
 * wrong with it, in `words`.
 */
const char *config_uri_parse(const char *text, bool of_token,
    struct uri_match *ret, char words[static CONFIG_URI_WORDS]);

#endif
