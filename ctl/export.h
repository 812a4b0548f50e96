/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside p11-agentctl export: one key of the agent's `keys` document. */
#ifndef P11_AGENT_CTL_EXPORT_H
#define P11_AGENT_CTL_EXPORT_H

#include <jansson.h>

#include "ctl/ctl.h"

/*
 * One line: of authorized_keys (sshd(8)), or, with a principal, of an
 * allowed_signers file for git (ssh-keygen(1)).
 */
void export_line(FILE *out, const char *principal, const char *public_key,
    const char *comment);

/* "NAME.pub" of its section or label, without what a path would take. */
void export_file_name(const json_t *key, char *out, size_t size);

/*
 * Write it to a `.pub` file in the open folder, whose name is put into
 * `name`. A file that is there stays: CTL_DONE when it holds this key. Errors
 * are told on standard error.
 */
enum ctl_exit export_to_folder(
    int folder, const json_t *key, char *name, size_t size);

#endif
