/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the default socket is: one rule for those who serve and who ask. */
#ifndef P11_AGENT_COMMON_PLACE_H
#define P11_AGENT_COMMON_PLACE_H

#include <stdbool.h>

#include "common/limits.h"
#include "common/trust.h"

#ifdef __APPLE__
#define PLACE_FOLDER "/.p11-agent"
#else
#define PLACE_FOLDER "/p11-agent"
#endif
#define PLACE_SOCKET PLACE_FOLDER "/agent.sock"

/*
 * The folder that PLACE_SOCKET is below: what XDG_RUNTIME_DIR names, else
 * /run/user/UID (macOS: what HOME names). Ours, and nobody else writes there;
 * else false, with words in `why`.
 */
bool place_base(char out[static PATH_MAX_BYTES],
    char why[static TRUST_WHY_BYTES]);

#endif
