/* SPDX-License-Identifier: BSD-2-Clause */
/* Which keys are exposed, in which order, and why the others are not. */
#ifndef P11_AGENT_AGENT_ALLOWLIST_H
#define P11_AGENT_AGENT_ALLOWLIST_H

#include "agent/token.h"

struct exposed {
	struct token *token;
	struct key *key;
};

/* When agent->exposed is computed; NULL when memory is out. */
struct allowlist *allowlist_new(struct agent *agent);
struct allowlist *allowlist_free(struct allowlist *a);

/*
 * Compute agent->exposed anew; after every change of the config, a token or
 * a key. Sets `section` and `position` of each key.
 */
void allowlist_update(struct agent *agent);

/*
 * Update for a change that may be one of many, as a scan brings them: once
 * for all, before the loop waits again. Until then agent->exposed is that of
 * before.
 */
void allowlist_later(struct agent *agent);

/* Do now what is due by allowlist_later, for one who looks. */
void allowlist_settle(struct agent *agent);

/* The token has no keys any more, or is about to go: none is exposed. */
void allowlist_drop(struct token *token);

/* How many of agent->exposed a connection may see. */
size_t allowlist_shown(const struct agent *agent);

/* The allowed key with this SSH key blob, whatever its position; or NULL. */
struct exposed *allowlist_find(const struct agent *agent, struct bytes blob);

/*
 * The token that signs with this key when those that were tried cannot: the
 * first of the others that may; or NULL. `tried` has their addresses, as
 * numbers: they may be gone.
 */
struct token *allowlist_other(const struct agent *agent, const uint8_t *ref,
    const uintptr_t *tried, size_t n_tried);

/* Does a section's URI, fingerprint or file match this key? */
bool allowlist_matches(const struct config_key *section,
    const struct token *token, const struct key *key);

/*
 * Does a section, also one that denies, name this key: by id, object,
 * fingerprint or file? Or this token: by one of its keys, serial or label?
 * What is named is kept, however much there is.
 */
bool allowlist_names_key(const struct agent *agent, const struct token *token,
    const struct key *key);
bool allowlist_names_token(const struct agent *agent,
    const struct token *token);

/* Is a key of the section on this token, or may it be there unseen? */
bool allowlist_fits(const struct config_key *section,
    const struct token *token);

/*
 * Does a section that may expose something name this token, and none that
 * shows the same card and comes before it (device.h)?
 */
bool allowlist_wants_token(const struct agent *agent,
    const struct token *token);

/* The token section for it, the first that names it; or NULL. */
const struct config_token *allowlist_token_section(const struct agent *agent,
    const struct token *token);

/* Why the key is, or is not, exposed, in words. Returns out. */
char *allowlist_reason(const struct agent *agent, const struct token *token,
    const struct key *key, char *out, size_t size);

#endif
