/* SPDX-License-Identifier: BSD-2-Clause */
/* One question to the daemon's control socket, and its answer. */
#ifndef P11_AGENT_CTL_CLIENT_H
#define P11_AGENT_CTL_CLIENT_H

#include <jansson.h>

#include "ctl/ctl.h"
#include "proto/control.h"

enum { CLIENT_WHY_BYTES = 512 };

/*
 * Send words to the socket at `path` and wait for the reply, at most `msec`.
 * True: *ret borrows from *in, which the caller clears. False: `why` has
 * words.
 */
bool client_ask(const char *path, const struct control_request *q, int msec,
    struct buffer *in, struct control_reply *ret,
    char why[static CLIENT_WHY_BYTES]);

/*
 * Ask the agent that the command line means, with c->words. CTL_DONE: *ret is
 * its document, for json_decref. Anything else has been told on standard
 * error.
 */
enum ctl_exit client_ask_json(const struct ctl *c, json_t **ret);

/*
 * The same; print the document as it is (--json), or with `show` for people.
 */
enum ctl_exit client_show(
    const struct ctl *c, void (*show)(const json_t *document, FILE *out));

#endif
