/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside p11-agent-config: files that are written whole or not at all. */
#ifndef P11_AGENT_AGENT_CONFIG_WRITE_H
#define P11_AGENT_AGENT_CONFIG_WRITE_H

#include <stdbool.h>

#include "common/bytes.h"

enum { CONFIG_WRITE_WORDS = 256 };

/*
 * Put a new file with this content (mode 0600) in the place of `path`, in one
 * step that a crash or a full disk cannot cut; where path is a link, in the
 * place of what it leads to. NULL, or what is wrong, in `words`; path is then
 * as it was.
 */
const char *config_write(const char *path, struct bytes content,
    char words[static CONFIG_WRITE_WORDS]);

/* Make the folder of `path`, and those above it, with mode 0700. */
const char *config_make_folder(const char *path,
    char words[static CONFIG_WRITE_WORDS]);

/*
 * Wait until nobody else holds the lock of the folder of `path`. The fd to
 * close when done; -1 with errno.
 */
int config_lock_folder(const char *path);

#endif
