/* SPDX-License-Identifier: BSD-2-Clause */
/* A PIN or a fresh scan by ssh-add -s; identities hidden by -e, -d, -D. */
#include "agent/smartcard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/allowlist.h"
#include "agent/login.h"
#include "agent/lookup.h"
#include "agent/process.h"
#include "agent/provider.h"
#include "agent/refusal.h"
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
		refusal_log(s->agent->refusals,
		    s->login.sent ? REFUSED_PIN : REFUSED_CHANGE,
		    s->client_pid, (struct log_fields){0}, "ssh-add %s %s: %s",
		    s->remove ? "-e" : "-s",
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

/* "a lifetime (-t), certificates" */
static void
constraints_words(unsigned flags, char *out, size_t size)
{
	static const struct {
		enum constraint_flag flag;
		const char *words;
	} all[] = {
		{CONSTRAINT_LIFETIME, "a lifetime (-t)"},
		{CONSTRAINT_CONFIRM, "confirmation (-c)"},
		{CONSTRAINT_DESTINATION, "destinations (-h)"},
		{CONSTRAINT_CERTIFICATES, "certificates (files)"},
		{CONSTRAINT_UNKNOWN, "a constraint that is not known"},
	};
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if ((flags & all[i].flag) != 0 && n < size)
			n += (size_t)snprintf(out + n, size - n, "%s%s",
			    n == 0 ? "" : ", ", all[i].words);
}

void
smartcard_add(struct reply *r, struct bytes body, bool constrained)
{
	struct smartcard_request q;
	enum parse_err err = smartcard_request_parse(body, constrained, &q);
	char words[256];

	if (!client_may_change(r->client, "ssh-add -s")) {
		reply_fail(r);
	} else if (err != PARSE_OK) {
		client_refused(r->client, REFUSED_CHANGE,
		    "ssh-add -s refused: %s", parse_err_text(err));
		reply_fail(r);
	} else if (q.constraints.len > 0) {
		constraints_words(constraints_flags(q.constraints), words,
		    sizeof(words));
		client_refused(r->client, REFUSED_CHANGE,
		    "ssh-add -s refused: it comes with %s, which p11-agent "
		    "does not support; do without", words);
		reply_fail(r);
	} else
		smartcard_new(r, &q, false);
}

void
smartcard_remove(struct reply *r, struct bytes body)
{
	struct smartcard_request q;
	enum parse_err err = smartcard_request_parse(body, false, &q);

	if (!client_may_change(r->client, "ssh-add -e")) {
		reply_fail(r);
	} else if (err != PARSE_OK) {
		client_refused(r->client, REFUSED_CHANGE,
		    "ssh-add -e refused: %s", parse_err_text(err));
		reply_fail(r);
	} else
		smartcard_new(r, &q, true);
}

/* The identity that ssh-add -d names; else the log says why not. */
static const struct exposed *
hide_wanted(const struct client *c, struct bytes body)
{
	char fingerprint[FINGERPRINT_BYTES];
	const struct exposed *e;
	struct bytes blob;
	enum parse_err err = remove_identity_parse(body, &blob);

	if (!client_may_change(c, "ssh-add -d"))
		return NULL;
	if (err != PARSE_OK) {
		client_refused(c, REFUSED_CHANGE, "ssh-add -d refused: %s",
		    parse_err_text(err));
		return NULL;
	}
	if ((e = allowlist_find(c->agent, blob)) == NULL)
		client_refused(c, REFUSED_CHANGE, "ssh-add -d refused: %s is "
		    "no identity of this agent (`p11-agentctl keys` shows "
		    "those there are)",
		    key_blob_fingerprint(blob, fingerprint) ? fingerprint :
		    "the key");
	return e;
}

bool
smartcard_hide_key(struct client *c, struct bytes body)
{
	struct agent *a = c->agent;
	const struct exposed *e = hide_wanted(c, body);
	uint8_t ref[KEY_REF_BYTES];
	struct token *t;
	struct key *k;

	if (e == NULL)
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
	if (!client_may_change(c, "ssh-add -D"))
		return false;
	smartcard_hide_every_key(c->agent);
	return true;
}
