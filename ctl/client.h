/* SPDX-License-Identifier: BSD-2-Clause */
/* One question to the daemon's control socket, and its answer. */
#ifndef P11_AGENT_CTL_CLIENT_H
#define P11_AGENT_CTL_CLIENT_H

#include <jansson.h>

#include "common/trust.h"
#include "ctl/ctl.h"
#include "proto/control.h"

enum {
	CLIENT_WHY_BYTES = TRUST_WHY_BYTES,
	/* A reply and its head, and what a last read may bring too many. */
	CLIENT_REPLY_ROOM_BYTES = CONTROL_REPLY_MAX_BYTES + 64 * 1024,
	/* `keys` may have the daemon look at a module first. */
	ANSWER_MAX_MSEC = 10 * 1000,
};

/*
 * Send words to the socket at `path` and wait for the reply, at most `msec`.
 * True: *ret borrows from *in, which the caller clears. False: `why` has
 * words.
 */
bool client_ask(const char *path, const struct control_request *q, int msec,
    struct buffer *in, struct control_reply *ret,
    char why[static CLIENT_WHY_BYTES]);

/*
 * The same, and then every further reply, however long it takes, until `each`
 * returns false (true comes back) or nothing more can be had.
 */
bool client_listen(const char *path, const struct control_request *q, int msec,
    bool (*each)(void *arg, const struct control_reply *reply), void *arg,
    char why[static CLIENT_WHY_BYTES]);

/*
 * Ask the agent that the command line means, at most `msec`. CTL_DONE:
 * *ret is its document, for json_decref. CTL_REFUSED and CTL_USAGE: *ret_words
 * says why, for free(). CTL_NO_AGENT has been told on standard error.
 */
enum ctl_exit client_send(const struct ctl *c, const struct control_request *q,
    int msec, json_t **ret, char **ret_words);

/* Ask one word. Anything but CTL_DONE has been told on standard error. */
enum ctl_exit client_command(
    const struct ctl *c, const char *word, json_t **ret);

/*
 * Ask c->words and hand over each reply's document, until the agent hangs up
 * or `each` returns false. A refusal has been told on standard error.
 */
enum ctl_exit client_follow(const struct ctl *c,
    bool (*each)(const struct ctl *c, const json_t *document));

/* For --json. */
void client_print_json(const json_t *document);

/*
 * Ask c->words; print the document as it is (--json), or with `show` for
 * people.
 */
enum ctl_exit client_show(
    const struct ctl *c, void (*show)(const json_t *document, FILE *out));

#endif
