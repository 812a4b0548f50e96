/* SPDX-License-Identifier: BSD-2-Clause */
/* What p11-agent-provider does: one role in each process. */
#ifndef P11_AGENT_PKCS11_ROLE_H
#define P11_AGENT_PKCS11_ROLE_H

#include "pkcs11/error.h"
#include "pkcs11/module.h"
#include "pkcs11/token-session.h"

/*
 * Report every module that p11-kit has registered for us (WIRE_REGISTERED
 * each, then WIRE_DONE). False when the daemon is gone, or with *err filled.
 */
bool role_names(int fd, struct p11_err *err);

/*
 * Report every token (WIRE_TOKEN each, then WIRE_DONE), but for the slots that
 * are to be left out, and say before which slot is touched (WIRE_SLOT). One
 * that fails is left out, and said in the log. False when the daemon is gone,
 * or with *err filled.
 */
bool role_scan(int fd, CK_FUNCTION_LIST *module,
    const struct wire_start *start, struct p11_err *err);

/*
 * Report which tokens there are (WIRE_TOKEN each, without keys, then
 * WIRE_DONE), now and whenever it changes, until the socket closes. Loads the
 * module by itself.
 */
void role_watch(int fd, const struct wire_start *start);

/*
 * Serve requests for the token that start names, after WIRE_TOKEN and WIRE_DONE, until the
 * socket closes; `in` may hold some of them already. The socket's end ends
 * the process, as a call into the module may never come back: with exit code
 * 0, or 1 for a request that does not parse. Returns only if it cannot serve,
 * with *err filled.
 */
bool role_token(int fd, struct buffer *in, const struct module *module,
    const struct wire_start *start, struct p11_err *err);

#endif
