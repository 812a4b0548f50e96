/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside p11-agent-config: are the providers' modules there? */
#ifndef P11_AGENT_AGENT_CONFIG_MODULES_H
#define P11_AGENT_AGENT_CONFIG_MODULES_H

#include "agent/config-load.h"

/*
 * Warn of each provider whose module is not there, or may not be loaded: it
 * has no keys. For people who check a config; the daemon hears it from the
 * provider, whose file system may hang without harm.
 */
void config_modules_check(struct config_loader *l);

#endif
