/* SPDX-License-Identifier: BSD-2-Clause */
/* A PIN or a fresh scan by ssh-add -s; identities hidden by -e, -d, -D. */
#include "agent/smartcard.h"

#include <stdlib.h>
#include <string.h>

#include "agent/allowlist.h"
#include "agent/login.h"
#include "agent/lookup.h"
#include "agent/process.h"
#include "agent/provider.h"
#include "common/log.h"
#include "common/text.h"
#include "proto/message.h"

/* One request on its way: path to provider, scan, login. */
struct smartcard {
	struct agent *agent;
	struct reply *reply;
	pid_t client_pid;
	char *path;	    /* as the client names the provider; owned */
	struct secret *pin; /* owned; NULL when none was given */
	bool remove;
	struct provider *provider;
	struct lookup_waiter lookup;
	struct scan_waiter scan;
	struct login_waiter login;
};

static void
smartcard_free(struct smartcard *s)
{
	lookup_leave(&s->lookup);
	scan_leave(&s->scan);
	login_leave(&s->login);
	secret_free(s->pin);
	free(s->path);
	free(s);
}

/* The client hung up. */
static void
smartcard_abandoned(void *arg)
{
	smartcard_free(arg);
}

/* why is NULL for SUCCESS. */
static void
smartcard_finish(struct smartcard *s, const char *why)
{
	char path[256];

	if (why == NULL) {
		reply_put_success(&s->reply->frame);
		reply_send(s->reply);
	} else {
		peer_warn(s->client_pid, (struct log_fields){0},
		    "ssh-add %s %s: %s", s->remove ? "-e" : "-s",
		    text_printable(bytes_str(s->path), path, sizeof(path)),
		    why);
		reply_fail(s->reply);
	}
	smartcard_free(s);
}

static bool
provider_is_exposed(const struct provider *p)
{
	const struct agent *a = p->agent;

	for (size_t i = 0; i < a->n_exposed; i++)
		if (a->exposed[i].token->provider == p)
			return true;
	return false;
}

static void
smartcard_answer(struct smartcard *s)
{
	smartcard_finish(s, provider_is_exposed(s->provider) ? NULL :
	    "no key of it is exposed (`p11-agentctl keys` says why)");
}

static void
smartcard_logged_in(void *arg, const char *why)
{
	struct smartcard *s = arg;

	if (why != NULL)
		smartcard_finish(s, why);
	else
		smartcard_answer(s);
}

/*
 * A PIN without a name goes to the only token that may want it. Tokens with
 * an exposed key come first; a token that shows nothing before its login
 * counts when a key section names it.
 */
static struct token *
smartcard_candidate(const struct smartcard *s, unsigned *ret_n)
{
	struct token *t, *found = NULL;
	bool exposed = provider_is_exposed(s->provider);

	*ret_n = 0;
	TAILQ_FOREACH(t, &s->agent->tokens, entry) {
		if (t->provider != s->provider || !token_needs_login(t))
			continue;
		if (exposed ? !token_is_exposed(t) :
		    !allowlist_wants_token(s->agent, t))
			continue;
		found = t;
		++*ret_n;
	}
	return found;
}

static void
smartcard_scanned(void *arg)
{
	struct smartcard *s = arg;
	struct token *t;
	unsigned n;

	if (s->provider->state == PROVIDER_FAILED) {
		smartcard_finish(s, s->provider->error == NULL ?
		    "its scan failed" : s->provider->error);
		return;
	}
	t = smartcard_candidate(s, &n);
	if (s->pin == NULL || n == 0)
		smartcard_answer(s);
	else if (n > 1)
		smartcard_finish(s, "several of its tokens want a PIN, and "
		    "nothing says whose this is: none was tried; each is "
		    "asked for by a prompt when one of its keys is used");
	else
		login_offer(t->login, &s->login, &s->pin);
}

static void
token_hide(struct token *t)
{
	t->hidden = true;
	token_close(t, "hidden by ssh-add");
}

static void
provider_hide(struct provider *p)
{
	struct token *t;

	TAILQ_FOREACH(t, &p->agent->tokens, entry) {
		if (t->provider == p)
			token_hide(t);
	}
	allowlist_update(p->agent);
}

static void
provider_show(struct provider *p)
{
	struct token *t = TAILQ_FIRST(&p->agent->tokens), *next;

	for (; t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (t->provider != p)
			continue;
		t->hidden = false;
		for (size_t i = 0; i < t->n_keys; i++)
			t->keys[i].hidden = false;
		token_tidy(t);
	}
	allowlist_update(p->agent);
}

static void
smartcard_found(struct smartcard *s, struct provider *p)
{
	s->provider = p;
	if (s->remove) {
		provider_hide(p);
		smartcard_finish(s, NULL);
		return;
	}
	provider_show(p);
	provider_scan(p, &s->scan);
}

/* By the words of the config. */
static struct provider *
provider_by_name(const struct agent *a, const char *name)
{
	struct provider *p;

	TAILQ_FOREACH(p, &a->providers, entry)
		if (strcmp(p->name, name) == 0 ||
		    strcmp(p->module, name) == 0)
			return p;
	return NULL;
}

/* A provider that was never loaded has only the config's word for its path. */
static bool
provider_is_path(const struct provider *p, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (p->real_path != NULL)
		return strcmp(p->real_path, path) == 0;
	return strcmp(p->module, slash == NULL ? path : slash + 1) == 0;
}

static void
smartcard_resolved(void *arg, const char *path, const char *error)
{
	struct smartcard *s = arg;
	struct provider *p = NULL;

	if (error == NULL)
		TAILQ_FOREACH(p, &s->agent->providers, entry)
			if (provider_is_path(p, path))
				break;
	if (p == NULL)
		smartcard_finish(s, error != NULL ? error :
		    "the config names no such provider; p11-agent loads no "
		    "others");
	else
		smartcard_found(s, p);
}

static void
smartcard_start(struct smartcard *s)
{
	struct provider *p = provider_by_name(s->agent, s->path);

	if (p != NULL)
		smartcard_found(s, p);
	else if (!lookup_ask(s->agent->lookups, s->path, &s->lookup))
		smartcard_finish(s, "that is too long for a path");
}

static bool
client_may_change(const struct client *c)
{
	const char *why = client_change_fault(c);

	if (why != NULL)
		peer_warn(c->peer.pid, (struct log_fields){0}, "refused: %s",
		    why);
	return why == NULL;
}

static void
smartcard_new(struct reply *r, const struct smartcard_request *q, bool remove)
{
	struct smartcard *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		reply_fail(r);
		return;
	}
	s->agent = r->client->agent;
	s->reply = r;
	s->client_pid = r->client->peer.pid;
	s->remove = remove;
	s->lookup.done = smartcard_resolved;
	s->lookup.arg = s;
	s->scan.done = smartcard_scanned;
	s->scan.arg = s;
	s->login.done = smartcard_logged_in;
	s->login.arg = s;
	reply_later(r, smartcard_abandoned, s);
	s->path = bytes_strdup(q->provider);
	if (s->path != NULL && q->pin.len > 0 && !remove)
		s->pin = secret_new(q->pin);
	if (s->path == NULL || s->path[0] == '\0')
		smartcard_finish(s, "no path of a provider");
	else if (s->pin == NULL && q->pin.len > 0 && !remove)
		smartcard_finish(s, "that is too long for a PIN");
	else
		smartcard_start(s);
}

void
smartcard_add(struct reply *r, struct bytes body, bool constrained)
{
	struct smartcard_request q;
	enum parse_err err = smartcard_request_parse(body, constrained, &q);

	if (err == PARSE_OK && q.constraints.len > 0)
		peer_warn(r->client->peer.pid, (struct log_fields){0},
		    "ssh-add -s with constraints (-t, -c, -h) is not "
		    "supported");
	else if (err == PARSE_OK && client_may_change(r->client)) {
		smartcard_new(r, &q, false);
		return;
	}
	reply_fail(r);
}

void
smartcard_remove(struct reply *r, struct bytes body)
{
	struct smartcard_request q;

	if (smartcard_request_parse(body, false, &q) == PARSE_OK &&
	    client_may_change(r->client))
		smartcard_new(r, &q, true);
	else
		reply_fail(r);
}

bool
smartcard_hide_key(struct client *c, struct bytes blob)
{
	struct agent *a = c->agent;
	const struct exposed *e;
	uint8_t ref[KEY_REF_BYTES];
	struct token *t;
	struct key *k;

	if (!client_may_change(c) || (e = allowlist_find(a, blob)) == NULL)
		return false;
	memcpy(ref, e->key->ref, sizeof(ref));
	TAILQ_FOREACH(t, &a->tokens, entry)
		if ((k = token_key(t, ref)) != NULL)
			k->hidden = true;
	allowlist_update(a);
	TAILQ_FOREACH(t, &a->tokens, entry)
		if (token_key(t, ref) != NULL && !token_is_exposed(t))
			token_close(t, "hidden by ssh-add");
	return true;
}

void
smartcard_hide_every_key(struct agent *a)
{
	struct provider *p;

	TAILQ_FOREACH(p, &a->providers, entry)
		provider_hide(p);
}

bool
smartcard_hide_all(struct client *c)
{
	if (!client_may_change(c))
		return false;
	smartcard_hide_every_key(c->agent);
	return true;
}
