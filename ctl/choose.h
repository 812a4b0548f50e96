/* SPDX-License-Identifier: BSD-2-Clause */
/* Which key the word KEY of a command line means. */
#ifndef P11_AGENT_CTL_CHOOSE_H
#define P11_AGENT_CTL_CHOOSE_H

#include <jansson.h>
#include <stdbool.h>

/*
 * `word` is a section's name, a label of the public key, the private key or
 * the certificate, a fingerprint or the start of one (4 characters or more,
 * with or without "SHA256:"), or a `.pub` file. *ret is a new array with the
 * members of document's "keys" that are this one key, of which several tokens
 * may have a copy. False: it has been told on standard error why it is none,
 * or which it may be.
 */
bool choose_key(const json_t *document, const char *word, json_t **ret);

#endif
