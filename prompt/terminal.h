/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The terminal that is lent to whatever asks: a pinentry that is killed, or
 * that crashes, leaves it without echo.
 */
#ifndef P11_AGENT_PROMPT_TERMINAL_H
#define P11_AGENT_PROMPT_TERMINAL_H

#include <termios.h>

#include "prompt/environment.h"

struct terminal {
	int fd; /* -1: there is none, or another prompt has it */
	struct termios before;
};

/* The terminal to ask at, "/dev/…"; or "". Borrowed from the environment. */
const char *terminal_of(const struct environment *e);

/*
 * Remember how it is set, until terminal_end. Another prompt that is being
 * closed puts it back first, which is waited for, but not for long.
 */
void terminal_lend(struct terminal *t, const char *path);

/*
 * Set it as it was, unless it is, or has an echo now that it had not; what was
 * typed and read by nobody is dropped, as it may be a part of a PIN.
 */
void terminal_take_back(const struct terminal *t);

/* Others may lend it. */
void terminal_end(struct terminal *t);

#endif
