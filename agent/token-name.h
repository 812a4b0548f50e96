/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people call a token: label and serial, and more where those do not tell
 * it from another one (tpm2-pkcs11 has one serial for all of its tokens).
 */
#ifndef P11_AGENT_AGENT_TOKEN_NAME_H
#define P11_AGENT_AGENT_TOKEN_NAME_H

#include "agent/token.h"

enum token_name {
	TOKEN_NAME_SHORT,    /* its label and serial */
	TOKEN_NAME_READER,   /* and its slotDescription */
	TOKEN_NAME_PROVIDER, /* and by whom it is seen */
	TOKEN_NAME_PLACE,    /* and in which slot of its module */
};

/* False when memory is out; then its name stays. */
bool token_set_name(struct token *t, enum token_name length);

/*
 * Tell all of them apart: after one came, went or moved. Without memory they
 * keep their names.
 */
void tokens_set_names(struct agent *agent);

#endif
