/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside p11-agent-config: one config text, by libConfuse. */
#ifndef P11_AGENT_AGENT_CONFIG_GRAMMAR_H
#define P11_AGENT_AGENT_CONFIG_GRAMMAR_H

#include "agent/config-load.h"

enum { CONFIG_TITLE_MAX_BYTES = 128 };

/*
 * Read a text into l->config, section by section as they come; include()
 * goes to config_load_include at once. False with l->error set. *ret_keys:
 * how many key sections this text has itself.
 */
bool config_grammar_parse(struct config_loader *l,
    const struct config_source *source, struct bytes text, size_t *ret_keys);

#endif
