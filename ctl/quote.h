/* SPDX-License-Identifier: BSD-2-Clause */
/* Words that a shell takes as they are. */
#ifndef P11_AGENT_CTL_QUOTE_H
#define P11_AGENT_CTL_QUOTE_H

#include <stdbool.h>
#include <stdio.h>

/*
 * The word, in single quotes where it needs them. csh: for csh, which looks
 * for `!` even there.
 */
void quote_print(FILE *out, const char *word, bool csh);

#endif
