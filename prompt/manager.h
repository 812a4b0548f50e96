/* SPDX-License-Identifier: BSD-2-Clause */
/* What the user's service manager knows of the person's session. */
#ifndef P11_AGENT_PROMPT_MANAGER_H
#define P11_AGENT_PROMPT_MANAGER_H

#include "prompt/environment.h"

/*
 * Append its environment (NAME=VALUE NUL …) to *out; nothing where there is no
 * such manager on our own session's bus, or it does not answer soon.
 */
void manager_environment(const struct environment *e, struct buffer *out);

#endif
