/* SPDX-License-Identifier: BSD-2-Clause */
/* What macOS's sysctl KERN_PROCARGS2 answers. */
#ifndef P11_AGENT_PROMPT_PROCARGS_H
#define P11_AGENT_PROMPT_PROCARGS_H

#include "common/buffer.h"

/*
 * The answer is an int, the number of arguments; the program's path, a NUL
 * and more NULs; the arguments, each with its NUL; then the environment,
 * each variable with its NUL, up to an empty one or the end. Append the
 * environment to out. False, with out as it was, when the answer is none.
 */
bool procargs_environ(struct bytes answer, struct buffer *out);

#endif
