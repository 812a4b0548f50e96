/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside p11-agent-config: what outlives the daemon, in files below
 * ${XDG_STATE_HOME:-~/.local/state}/p11-agent. Links there are not followed.
 */
#ifndef P11_AGENT_AGENT_CONFIG_STATE_H
#define P11_AGENT_AGENT_CONFIG_STATE_H

#include "agent/pin-store.h"

enum { CONFIG_STATE_WORDS = 512 };

/*
 * The file of wrong PINs into *ret, as it is; without the file one without
 * entries. NULL, or what is wrong, in `words`.
 */
const char *config_state_pins(struct buffer *ret,
    char words[static CONFIG_STATE_WORDS]);

/*
 * Put an entry into that file, whole or not at all; other daemons may do the
 * same. One that cannot be understood is replaced. *ret_path: the file's,
 * the caller's to free.
 */
const char *config_state_set_pins(const struct pin_entry *e,
    char **ret_path, char words[static CONFIG_STATE_WORDS]);

#endif
