/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside p11-agent-config: PKCS#11 URIs (RFC 7512). */
#ifndef P11_AGENT_AGENT_CONFIG_URI_H
#define P11_AGENT_AGENT_CONFIG_URI_H

#include "agent/config-flat.h"
#include "common/limits.h"

enum { CONFIG_URI_WORDS = 512 };

/*
 * Is the id of this URI (taken apart already) no id, but hex digits for one?
 * Then *meant is the id as they mean it, and *as_it_is the same id without
 * doubt, each in the URI's own way.
 */
struct config_uri_doubt {
	char meant[8 + 3 * KEY_ID_MAX_BYTES], as_it_is[8 + 3 * KEY_ID_MAX_BYTES];
};
bool config_uri_doubt_id(const char *text, const struct uri_match *u,
    struct config_uri_doubt *ret);

/*
 * Take a URI apart into *ret (the caller's to clear, also after an error).
 * of_token: it may name a token only, not a key on it. NULL, or what is
 * wrong with it, in `words`.
 */
const char *config_uri_parse(const char *text, bool of_token,
    struct uri_match *ret, char words[static CONFIG_URI_WORDS]);

#endif
