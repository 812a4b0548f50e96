/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside p11-agent-config: "did you mean". */
#ifndef P11_AGENT_AGENT_CONFIG_SUGGEST_H
#define P11_AGENT_AGENT_CONFIG_SUGGEST_H

#include "agent/config-section.h"

/*
 * The name of a setting, or of a section where types is not NULL, that a
 * wrong one is only a slip away from; NULL. Both lists end in a NULL name.
 */
const char *config_suggest(const char *wrong,
    const struct config_setting *settings,
    const struct config_section_type *types);

#endif
