/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of requests, and the handlers that need no file of their own. */
#include "agent/dispatch.h"

#include <string.h>

#include "agent/allowlist.h"
#include "agent/config-flat.h"
#include "agent/events.h"
#include "agent/sign-job.h"
#include "agent/readers.h"
#include "agent/smartcard.h"
#include "agent/startup.h"
#include "common/text.h"
#include "proto/message.h"

static void
handle_identities(struct reply *r, struct bytes body)
{
	struct client *c = r->client;
	const struct agent *a = c->agent;
	size_t n = allowlist_shown(a);
	struct identities_mark mark;

	if (body.len != 0) {
		client_refused(c, REFUSED_REQUEST, "list refused: %s",
		    parse_err_text(PARSE_TRAILING));
		reply_fail(r);
		return;
	}
	mark = reply_identities_begin(&r->frame);
	for (size_t i = 0; i < n; i++) {
		const struct key *k = a->exposed[i].key;

		reply_identity_put(&r->frame, bytes_of(k->blob, k->blob_len),
		    bytes_str(k->section->name));
		client_show(c, k->ref);
	}
	reply_identities_end(&r->frame, mark, (uint32_t)n);
	reply_send(r);
}

/* An allowed key that this connection was shown, or would be shown now. */
static const struct exposed *
client_may_sign(const struct client *c, struct bytes blob)
{
	const struct exposed *e = allowlist_find(c->agent, blob);

	if (e == NULL)
		return NULL;
	if (e->key->position > allowlist_shown(c->agent) &&
	    !client_was_shown(c, e->key->ref))
		return NULL;
	return e;
}

static void
handle_sign(struct reply *r, struct bytes body)
{
	struct sign_request q;
	enum parse_err err = sign_request_parse(body, &q);
	const struct exposed *e;
	char fingerprint[FINGERPRINT_BYTES];
	const char *key;

	if (err != PARSE_OK) {
		client_refused(r->client, REFUSED_REQUEST,
		    "sign request refused: %s", parse_err_text(err));
		reply_fail(r);
		return;
	}
	if ((e = client_may_sign(r->client, q.key_blob)) == NULL) {
		key = key_blob_fingerprint(q.key_blob, fingerprint) ?
		    fingerprint : NULL;
		refusal_log(r->client->agent->refusals, REFUSED_KEY,
		    r->client->peer.pid, (struct log_fields){.key = key},
		    "no signature by %s: not one of the identities of this "
		    "connection (`p11-agentctl keys` says why)",
		    key == NULL ? "a key" : key);
		event_emit(r->client->agent, EVENT_NOT_SIGNED,
		    &(struct event_about){.client = r->client->peer.pid,
		    .text = "not an identity of its connection"});
		reply_fail(r);
		return;
	}
	sign_start(r, e->token, e->key, q.data, q.flags);
}

static void
reply_success(struct reply *r)
{
	reply_put_success(&r->frame);
	reply_send(r);
}

static void
reply_success_if(struct reply *r, bool success)
{
	if (success)
		reply_success(r);
	else
		reply_fail(r);
}

static void
handle_remove_identity(struct reply *r, struct bytes body)
{
	reply_success_if(r, smartcard_hide_key(r->client, body));
}

static void
handle_remove_all(struct reply *r, struct bytes body)
{
	if (body.len != 0)
		client_refused(r->client, REFUSED_CHANGE,
		    "ssh-add -D refused: %s", parse_err_text(PARSE_TRAILING));
	reply_success_if(r, body.len == 0 && smartcard_hide_all(r->client));
}

static void
handle_add(struct reply *r, struct bytes body)
{
	(void)body;
	client_refused(r->client, REFUSED_ADDITION, "a key from a file refused "
	    "(ssh-add FILE, or ssh with AddKeysToAgent): p11-agent has the "
	    "keys of tokens alone; name the file to ssh (-i, IdentityFile), "
	    "or give it to another agent");
	reply_fail(r);
}

static void
handle_lock(struct reply *r, struct bytes body)
{
	(void)body;
	client_refused(r->client, REFUSED_LOCK, "ssh-add -x refused: p11-agent "
	    "is not locked by a passphrase; `p11-agentctl lock` logs out of "
	    "every token");
	reply_fail(r);
}

static void
handle_unlock(struct reply *r, struct bytes body)
{
	(void)body;
	client_refused(r->client, REFUSED_LOCK, "ssh-add -X refused: nothing "
	    "is locked by a passphrase; `p11-agentctl unlock` logs in to a "
	    "token");
	reply_fail(r);
}

/* SSH protocol 1 is dead; there are no such keys to remove. */
static void
handle_remove_all_ssh1(struct reply *r, struct bytes body)
{
	(void)body;
	reply_success(r);
}

static void
handle_smartcard_add(struct reply *r, struct bytes body)
{
	smartcard_add(r, body, false);
}

static void
handle_smartcard_add_constrained(struct reply *r, struct bytes body)
{
	smartcard_add(r, body, true);
}

static void
handle_query(struct reply *r, struct bytes contents)
{
	static const char *const names[] = {"query", NULL};

	(void)contents;
	reply_put_query(&r->frame, names);
	reply_send(r);
}

/*
 * Not supported yet; but a connection that tried to bind is a forwarded one
 * for all that we know, and must not be treated as local afterwards.
 */
static void
handle_session_bind(struct reply *r, struct bytes contents)
{
	(void)contents;
	r->client->tried_bind = true;
	reply_fail(r);
}

static const struct {
	const char *name;
	void (*handle)(struct reply *r, struct bytes contents);
} extensions[] = {
	{"query", handle_query},
	{"session-bind@openssh.com", handle_session_bind},
};

static void
handle_extension(struct reply *r, struct bytes body)
{
	struct extension_request q;
	enum parse_err err = extension_request_parse(body, &q);
	char name[128];

	if (err != PARSE_OK) {
		client_refused(r->client, REFUSED_REQUEST,
		    "extension refused: %s", parse_err_text(err));
		reply_fail(r);
		return;
	}
	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (bytes_is(q.name, extensions[i].name)) {
			extensions[i].handle(r, q.contents);
			return;
		}
	client_refused(r->client, REFUSED_REQUEST, "extension %s refused: this "
	    "p11-agent does not know it", text_printable(q.name, name,
	    sizeof(name)));
	reply_fail(r);
}

static const struct request_type {
	uint8_t number;
	bool waits; /* for the first scans */
	bool alone; /* it may cost processes: one at a time for each client */
	void (*handle)(struct reply *r, struct bytes body);
} request_types[] = {
	{SSH_AGENTC_REQUEST_IDENTITIES, true, false, handle_identities},
	{SSH_AGENTC_SIGN_REQUEST, true, false, handle_sign},
	{SSH_AGENTC_ADD_IDENTITY, false, false, handle_add},
	{SSH_AGENTC_ADD_ID_CONSTRAINED, false, false, handle_add},
	{SSH_AGENTC_LOCK, false, false, handle_lock},
	{SSH_AGENTC_UNLOCK, false, false, handle_unlock},
	{SSH_AGENTC_REMOVE_IDENTITY, true, false, handle_remove_identity},
	{SSH_AGENTC_REMOVE_ALL_IDENTITIES, true, false, handle_remove_all},
	{SSH_AGENTC_REMOVE_ALL_RSA_IDENTITIES, false, false,
	    handle_remove_all_ssh1},
	{SSH_AGENTC_ADD_SMARTCARD_KEY, true, true, handle_smartcard_add},
	{SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED, true, true,
	    handle_smartcard_add_constrained},
	{SSH_AGENTC_REMOVE_SMARTCARD_KEY, true, true, smartcard_remove},
	{SSH_AGENTC_EXTENSION, false, false, handle_extension},
};

void
dispatch(struct reply *r, struct bytes message)
{
	struct bytes body = bytes_of(message.p + 1, message.len - 1);
	uint8_t number = message.p[0];

	allowlist_settle(r->client->agent);
	readers_ask_sometimes(r->client->agent->readers);
	for (size_t i = 0; i < sizeof(request_types) /
	    sizeof(request_types[0]); i++) {
		const struct request_type *t = &request_types[i];

		if (t->number != number)
			continue;
		if (t->alone)
			reply_alone(r);
		if (t->waits && startup_pending(r->client->agent))
			startup_wait(r, message);
		else
			t->handle(r, body);
		return;
	}
	client_refused(r->client, REFUSED_REQUEST, "request %u (%s) refused: "
	    "this p11-agent does not know it", number,
	    agent_message_name(number));
	reply_fail(r);
}
