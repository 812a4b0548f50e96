/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One card that two modules show is one device: the same PC/SC reader is in
 * the slotDescription of both tokens; nothing else need be equal. The provider
 * that the config names first serves it. Another one serves only what the
 * first cannot: keys that it does not show (OpenSC sees none without a
 * certificate), or that only a section about the other token allows. Their
 * PIN is one PIN: what one module was told counts for both.
 *
 * Several tokens of one module in one reader stay separate, each with its PIN.
 */
#ifndef P11_AGENT_AGENT_DEVICE_H
#define P11_AGENT_AGENT_DEVICE_H

#include "agent/token.h"

/*
 * Two modules' tokens, both present, of one card. Where p11-agent-readers
 * watches, only a reader that it knows counts: modules that are not on PC/SC
 * say what they like in slotDescription ("SoftHSM slot ID 0x1", "USB slot").
 * Where it does not, both have to be removable hardware; a mistake then costs
 * no key, because what only one of them shows is served all the same. Two that
 * are equal in every text are one token, whatever it is.
 */
bool device_same(const struct token *a, const struct token *b);

/* The same, and the provider of a is named before that of b. */
bool device_is_before(const struct token *a, const struct token *b);

/*
 * The token of an earlier provider that serves this one's card, so that this
 * one has nothing to do; else NULL.
 */
const struct token *device_server(const struct token *t);

/*
 * Who serves its card may be decided only by a scan that is under way; or was,
 * by this provider's, until now.
 */
bool device_is_open(const struct token *t);
bool device_was_open(const struct token *t, const struct provider *by);

/*
 * A process of ours is in its reader, so that a scan leaves it alone and does
 * not see it.
 */
bool device_is_busy(const struct token *t);

/* enum token_flag about the PIN, as any of the modules knows them. */
uint32_t device_pin_flags(const struct token *t);

/* The PIN was right: the others' flags of tries are old. */
void device_pin_good(const struct token *t);

/* It was reported: find out with whom it shares its PIN. */
void device_found(struct token *t);

/* End idle processes of tokens whose card another one serves now. */
void device_settle(struct agent *agent);

#endif
