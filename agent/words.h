/* SPDX-License-Identifier: BSD-2-Clause */
/* What provider processes report, in words for the log and for status. */
#ifndef P11_AGENT_AGENT_WORDS_H
#define P11_AGENT_AGENT_WORDS_H

#include "pkcs11/wire.h"

/*
 * "C_Sign: CKR_DEVICE_ERROR (the card does not answer)", printable; the
 * caller frees it. NULL when memory is out.
 */
char *wire_error_words(const struct wire_error *e);

/* The same with what a person may do about it. */
char *wire_outcome_words(enum wire_outcome outcome, const struct wire_error *e);

/* The same text, or both NULL. */
bool texts_equal(const char *a, const char *b);

/* Printable, in memory of the caller's. NULL when memory is out. */
char *words_copy(struct bytes text);

#endif
