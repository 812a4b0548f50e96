/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forget-on: what wipes PINs and ends logins. Sleep and locked screens are
 * seen by p11-agent-logind, which runs while a token section asks for them.
 */
#ifndef P11_AGENT_AGENT_FORGET_H
#define P11_AGENT_AGENT_FORGET_H

#include "agent/agent.h"
#include "agent/config-flat.h"

struct forget;

/* Watches nothing yet. NULL when memory is out. */
struct forget *forget_new(struct agent *agent);
struct forget *forget_free(struct forget *f);

/* The config is another one: watch what its token sections say. */
void forget_configure(struct forget *f);

/* Why something is not watched, in words; NULL when all is. */
const char *forget_fault(const struct forget *f);

/* Does the token's section say so? */
bool forget_is_wanted(const struct token *t, enum config_forget_on when);

#endif
