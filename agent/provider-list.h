/* SPDX-License-Identifier: BSD-2-Clause */
/* Which providers there are, as config sections say. */
#ifndef P11_AGENT_AGENT_PROVIDER_LIST_H
#define P11_AGENT_AGENT_PROVIDER_LIST_H

#include "agent/provider.h"

/*
 * Let agent->providers be those of the n sections, in their order: one that
 * runs the same module the same way is kept, the others are new or go. The
 * placeholder stays behind them.
 */
void providers_take(struct agent *agent, const struct config_provider *sections,
    size_t n, enum provider_source source);

/*
 * The config names none: keep those that p11-kit has registered, as far as
 * they are known already, and a placeholder for those that are not.
 */
void providers_take_registered(struct agent *agent);

/* The placeholder, or NULL where the config names providers. */
struct provider *providers_placeholder(const struct agent *agent);

/*
 * Scan all, now or (unsettle) when `keys` wants to know. Registered ones only
 * when p11-kit was asked again: some may be gone.
 */
void providers_scan(struct agent *agent);
void providers_unsettle(struct agent *agent);

/* Something changed: those that were scanned are scanned once more. */
void providers_scan_again(struct agent *a);

#endif
