/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The token that a scan has found. Two slots of a module may be alike
 * in all that they say of themselves: their keys tell them apart, or else
 * their places.
 */
#ifndef P11_AGENT_AGENT_TOKEN_MATCH_H
#define P11_AGENT_AGENT_TOKEN_MATCH_H

#include "agent/token.h"

/* A known token that this scan has not found yet; NULL: it is a new one. */
struct token *token_match(const struct provider *provider,
    const struct wire_token *found);

#endif
