/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands that make a key on a token that has none. */
#ifndef P11_AGENT_CTL_MAKE_KEY_H
#define P11_AGENT_CTL_MAKE_KEY_H

#include <jansson.h>
#include <stdio.h>

/* For each token of a `status` document that has no key, behind a blank line. */
void make_key_show(const json_t *status, FILE *out);

#endif
