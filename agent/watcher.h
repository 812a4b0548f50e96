/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tokens that come and go elsewhere than on PC/SC: for each provider that
 * needs it, one p11-agent-provider in the role "watch" says which tokens
 * there are. Those that are gone leave the list, what is new gets a scan.
 *
 * A provider is watched only while it is worth it: an allowed token that may
 * be its is missing, or an allowed one of its can be pulled out. Where
 * p11-agent-readers sees all of its tokens it is never watched.
 */
#ifndef P11_AGENT_AGENT_WATCHER_H
#define P11_AGENT_AGENT_WATCHER_H

#include "agent/agent.h"

struct watcher;

/*
 * Start and end watchers as they are needed now; after a scan, a change of
 * the config or of what p11-agent-readers sees.
 */
void watchers_check(struct agent *a);

/* What it said last may be old: let it say everything again, if it runs. */
void watcher_again(struct provider *p);

/* NULL is fine. Returns NULL. */
struct watcher *watcher_free(struct watcher *w);

#endif
