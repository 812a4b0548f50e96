/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What p11-kit has registered, asked for by a short-lived process: p11-kit
 * names no module without loading all of them.
 *
 * A section's `module` without a slash and without .so or .dylib is a name:
 * that of a registered module, else that of a file (module-path.h). Where the
 * config names no provider, a placeholder stands for all that are registered,
 * but for trust modules: its scan asks for their names, lets them be
 * providers of these names, and lasts until they have been scanned.
 *
 * A module registered with `remote` is a command (or a socket) that p11-kit
 * runs. It is one of those if it stands in a file of the system's; else it is
 * for sections that name it, and `status` says so.
 */
#ifndef P11_AGENT_AGENT_REGISTRY_H
#define P11_AGENT_AGENT_REGISTRY_H

#include "agent/provider.h"

struct registry;

struct registry *registry_new(struct agent *agent);

/* Ends a look-up under way, and tells nobody. NULL is fine. Returns NULL. */
struct registry *registry_free(struct registry *r);

/* May a section's `module` be the name of a registered one? */
bool registry_may_know(const char *module);

/*
 * Look the names up, unless that is under way; then the providers that wait
 * for it (awaits_name) go on. When it fails they have failed, maybe before
 * this returns.
 */
void registry_ask(struct registry *r);

/*
 * What was found is old, also what is being found: every PROVIDER_NAME has to
 * ask again. Those that wait go on waiting.
 */
void registry_forget(struct registry *r);

/*
 * The next, from *i on, of the registered commands that only a section may
 * use, and none does; borrowed. NULL after the last.
 */
const struct config_provider *registry_unused(const struct registry *r,
    size_t *i);

#endif
