/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside p11-agent-config: OpenSSH public key files. */
#ifndef P11_AGENT_AGENT_CONFIG_PUBKEY_H
#define P11_AGENT_AGENT_CONFIG_PUBKEY_H

#include "common/bytes.h"

enum { CONFIG_PUBKEY_WORDS = 256 };

/*
 * The SSH key blob of a `.pub` file's content, in *ret (the caller's to
 * free). NULL, or what is wrong with it, in `words`; *ret is unchanged then.
 */
const char *config_pubkey_parse(struct bytes text, uint8_t **ret,
    size_t *ret_len, char words[static CONFIG_PUBKEY_WORDS]);

/* "SHA256:…" and a NUL, as ssh-keygen -l prints it; false when it fails. */
enum { CONFIG_FINGERPRINT_BYTES = 64 };
bool config_pubkey_fingerprint(
    struct bytes blob, char out[static CONFIG_FINGERPRINT_BYTES]);

#endif
