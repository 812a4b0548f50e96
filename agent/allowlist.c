/* SPDX-License-Identifier: BSD-2-Clause */
/* The allowlist: key sections against tokens and keys. */
#include "agent/allowlist.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/announce.h"
#include "agent/config-flat.h"
#include "agent/device.h"
#include "agent/provider.h"
#include "agent/ref-set.h"
#include "common/log.h"

struct allowlist {
	struct agent *agent;
	struct event later; /* pending: agent->exposed is old */
};

/* An attribute that the URI does not name matches everything. */
static bool
part_matches(const char *want, struct bytes have)
{
	return want == NULL || bytes_is(have, want);
}

static bool
uri_matches_token(const struct uri_match *u, const struct token *t)
{
	return part_matches(u->manufacturer, t->id.manufacturer) &&
	    part_matches(u->model, t->id.model) &&
	    part_matches(u->serial, t->id.serial) &&
	    part_matches(u->token, t->id.label) &&
	    part_matches(u->slot_description, t->id.slot_description);
}

static bool
uri_matches(const struct uri_match *u, const struct token *t,
    const struct key *k)
{
	return uri_matches_token(u, t) &&
	    (u->object == NULL || key_is_called(k, u->object)) &&
	    (u->id == NULL || bytes_equal(bytes_of(u->id, u->id_len),
	    bytes_of(k->id, k->id_len)));
}

bool
allowlist_matches(const struct config_key *s, const struct token *t,
    const struct key *k)
{
	if (s->has_uri && !uri_matches(&s->uri, t, k))
		return false;
	if (s->fingerprint != NULL &&
	    strcmp(s->fingerprint, k->fingerprint) != 0)
		return false;
	if (s->public_key != NULL &&
	    !bytes_equal(bytes_of(s->public_key, s->public_key_len),
	    bytes_of(k->blob, k->blob_len)))
		return false;
	return s->has_uri || s->fingerprint != NULL || s->public_key != NULL;
}

bool
allowlist_fits(const struct config_key *s, const struct token *t)
{
	const struct uri_match *u = &s->uri;

	for (size_t i = 0; i < t->n_keys; i++)
		if (allowlist_matches(s, t, &t->keys[i]))
			return true;
	/* Some tokens show nothing before a login. */
	return s->has_uri && (u->serial != NULL || u->token != NULL) &&
	    uri_matches_token(u, t);
}

static bool
section_is_of_key(const struct config_key *s)
{
	return s->fingerprint != NULL || s->public_key != NULL ||
	    (s->has_uri && (s->uri.id != NULL || s->uri.object != NULL));
}

bool
allowlist_names_key(const struct agent *agent, const struct token *t,
    const struct key *k)
{
	const struct config *c = agent->config;

	for (size_t i = 0; i < c->n_keys; i++)
		if (section_is_of_key(&c->keys[i]) &&
		    allowlist_matches(&c->keys[i], t, k))
			return true;
	return false;
}

bool
allowlist_names_token(const struct agent *agent, const struct token *t)
{
	const struct config *c = agent->config;

	for (size_t i = 0; i < c->n_keys; i++) {
		const struct config_key *s = &c->keys[i];

		if ((section_is_of_key(s) || (s->has_uri &&
		    (s->uri.serial != NULL || s->uri.token != NULL))) &&
		    allowlist_fits(s, t))
			return true;
	}
	return false;
}

/* The section that decides: the first deny, else the first match. */
static const struct config_key *
key_section(const struct config *c, const struct token *t,
    const struct key *k)
{
	const struct config_key *found = NULL;

	for (size_t i = 0; i < c->n_keys; i++) {
		const struct config_key *s = &c->keys[i];

		if (!allowlist_matches(s, t, k))
			continue;
		if (s->deny)
			return s;
		if (found == NULL)
			found = s;
	}
	return found;
}

/* Everything but the same key elsewhere. */
static bool
key_usable(const struct token *t, const struct key *k)
{
	return k->section != NULL && !k->section->deny && k->blob != NULL &&
	    k->reason == NULL && !k->hidden && !t->hidden && t->present &&
	    (device_pin_flags(t) & TOKEN_PIN_LOCKED) == 0;
}

/* The token of an earlier provider by which this card's key is served. */
static const struct token *
key_server(const struct token *t, const struct key *k)
{
	const struct token *u;
	const struct key *same;

	TAILQ_FOREACH(u, &t->agent->tokens, entry)
		if (device_is_before(u, t) &&
		    (same = token_key(u, k->ref)) != NULL &&
		    key_usable(u, same))
			return u;
	return NULL;
}

/* May an earlier provider serve this token's card? */
static bool
token_is_second(const struct token *t)
{
	const struct token *u;

	TAILQ_FOREACH(u, &t->agent->tokens, entry)
		if (device_is_before(u, t))
			return true;
	return false;
}

/* Everything but the same key on another card. */
static bool
key_eligible(const struct token *t, const struct key *k)
{
	return key_usable(t, k) && key_server(t, k) == NULL;
}

/* Config order; inside a section token serial, CKA_ID, key. */
static int
exposed_compare(const void *va, const void *vb)
{
	const struct exposed *a = va, *b = vb;
	int r;

	if (a->key->section != b->key->section)
		return a->key->section < b->key->section ? -1 : 1;
	if ((r = bytes_compare(a->token->id.serial, b->token->id.serial)) != 0)
		return r;
	if ((r = bytes_compare(bytes_of(a->key->id, a->key->id_len),
	    bytes_of(b->key->id, b->key->id_len))) != 0)
		return r;
	if ((r = bytes_compare(bytes_of(a->key->blob, a->key->blob_len),
	    bytes_of(b->key->blob, b->key->blob_len))) != 0)
		return r;
	/* The same key; tokens with one serial are told apart otherwise. */
	if ((r = bytes_compare(a->token->id.label, b->token->id.label)) != 0)
		return r;
	if ((r = bytes_compare(a->token->id.slot_description,
	    b->token->id.slot_description)) != 0)
		return r;
	/* Even so alike: as their module lists them. */
	return a->token->place.at < b->token->place.at ? -1 :
	    a->token->place.at > b->token->place.at;
}

/* One key on two tokens is one identity: keep the first. */
static size_t
exposed_unique(struct exposed *e, size_t n)
{
	struct ref_set seen = {0};
	size_t kept = 0;

	if (!ref_set_init(&seen, n)) {
		log_error("out of memory: no key is exposed");
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		if (ref_set_put(&seen, e[i].key->ref, e[i].key) == NULL)
			e[kept++] = e[i];
	ref_set_clear(&seen);
	return kept;
}

/* Which section decides over each key; returns how many keys there are. */
static size_t
allowlist_match(struct agent *agent)
{
	struct token *t;
	size_t n = 0;

	TAILQ_FOREACH(t, &agent->tokens, entry) {
		for (size_t i = 0; i < t->n_keys; i++) {
			t->keys[i].section = key_section(agent->config, t,
			    &t->keys[i]);
			t->keys[i].position = 0;
		}
		n += t->n_keys;
	}
	return n;
}

/* Append the token's keys that may be exposed; returns how many there are. */
static size_t
exposed_collect(struct exposed *e, size_t n, struct token *t)
{
	bool second = token_is_second(t);

	for (size_t i = 0; i < t->n_keys; i++) {
		struct key *k = &t->keys[i];

		if (second ? key_eligible(t, k) : key_usable(t, k))
			e[n++] = (struct exposed){t, k};
	}
	return n;
}

void
allowlist_update(struct agent *agent)
{
	struct exposed *e;
	struct token *t;
	size_t n = allowlist_match(agent);

	event_del(&agent->allowlist->later);
	e = calloc(n + 1, sizeof(*e));
	free(agent->exposed);
	agent->exposed = e;
	agent->n_exposed = 0;
	if (e == NULL) {
		log_error("out of memory: no key is exposed");
		return;
	}
	n = 0;
	TAILQ_FOREACH(t, &agent->tokens, entry)
		n = exposed_collect(e, n, t);
	qsort(e, n, sizeof(*e), exposed_compare);
	agent->n_exposed = exposed_unique(e, n);
	for (size_t i = 0; i < agent->n_exposed; i++)
		e[i].key->position = i + 1;
	announce_change(agent);
}

static void
allowlist_due(evutil_socket_t fd, short what, void *arg)
{
	const struct allowlist *a = arg;

	(void)fd;
	(void)what;
	allowlist_update(a->agent);
}

struct allowlist *
allowlist_new(struct agent *agent)
{
	struct allowlist *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->agent = agent;
	evtimer_assign(&a->later, agent->base, allowlist_due, a);
	return a;
}

struct allowlist *
allowlist_free(struct allowlist *a)
{
	if (a != NULL)
		event_del(&a->later);
	free(a);
	return NULL;
}

void
allowlist_later(struct agent *agent)
{
	const struct timeval now = {0};

	if (!evtimer_pending(&agent->allowlist->later, NULL))
		evtimer_add(&agent->allowlist->later, &now);
}

void
allowlist_settle(struct agent *agent)
{
	if (evtimer_pending(&agent->allowlist->later, NULL))
		allowlist_update(agent);
}

void
allowlist_drop(struct token *token)
{
	struct agent *agent = token->agent;
	struct exposed *e = agent->exposed;
	size_t kept = 0;

	for (size_t i = 0; i < agent->n_exposed; i++) {
		if (e[i].token == token) {
			e[i].key->position = 0;
			continue;
		}
		e[kept] = e[i];
		e[kept].key->position = kept + 1;
		kept++;
	}
	agent->n_exposed = kept;
	allowlist_later(agent);
}

size_t
allowlist_shown(const struct agent *agent)
{
	return agent->n_exposed < agent->config->max_identities ?
	    agent->n_exposed : agent->config->max_identities;
}

struct exposed *
allowlist_find(const struct agent *agent, struct bytes blob)
{
	for (size_t i = 0; i < agent->n_exposed; i++) {
		const struct key *k = agent->exposed[i].key;

		if (bytes_equal(bytes_of(k->blob, k->blob_len), blob))
			return &agent->exposed[i];
	}
	return NULL;
}

static bool
token_is_among(const struct token *t, const uintptr_t *tokens, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (tokens[i] == (uintptr_t)t)
			return true;
	return false;
}

struct token *
allowlist_other(const struct agent *agent, const uint8_t *ref,
    const uintptr_t *tried, size_t n_tried)
{
	struct exposed found = {NULL, NULL};
	struct token *t;

	TAILQ_FOREACH(t, &agent->tokens, entry) {
		struct exposed e = {t, token_key(t, ref)};

		if (e.key == NULL || !key_eligible(t, e.key) ||
		    token_is_among(t, tried, n_tried))
			continue;
		if (found.token == NULL || exposed_compare(&e, &found) < 0)
			found = e;
	}
	return found.token;
}

/* May it expose a key of this token? */
static bool
section_names(const struct config_key *s, const struct token *t)
{
	return !s->deny && (!s->has_uri || uri_matches_token(&s->uri, t));
}

/* The same for the token of an earlier provider that shows the same card. */
static bool
section_names_server(const struct config_key *s, const struct token *t)
{
	const struct token *u;

	TAILQ_FOREACH(u, &t->agent->tokens, entry)
		if (device_is_before(u, t) && !u->hidden &&
		    section_names(s, u))
			return true;
	return false;
}

bool
allowlist_wants_token(const struct agent *agent, const struct token *t)
{
	const struct config *c = agent->config;

	if (t->hidden || !t->present)
		return false;
	for (size_t i = 0; i < c->n_keys; i++)
		if (section_names(&c->keys[i], t) &&
		    !section_names_server(&c->keys[i], t))
			return true;
	return false;
}

const struct config_token *
allowlist_token_section(const struct agent *agent, const struct token *t)
{
	const struct config *c = agent->config;

	for (size_t i = 0; i < c->n_tokens; i++)
		if (uri_matches_token(&c->tokens[i].uri, t))
			return &c->tokens[i];
	return NULL;
}

/* Which token signs with this key, for people. */
static const char *
exposed_token_name(const struct agent *agent, const uint8_t *ref)
{
	for (size_t i = 0; i < agent->n_exposed; i++)
		if (memcmp(agent->exposed[i].key->ref, ref,
		    KEY_REF_BYTES) == 0)
			return agent->exposed[i].token->name;
	return "another token";
}

/* The section that would match, were it not for its URI; or NULL. */
static const struct config_key *
section_elsewhere(const struct agent *agent, const struct token *t,
    const struct key *k)
{
	for (size_t i = 0; i < agent->config->n_keys; i++) {
		struct config_key s = agent->config->keys[i];

		s.has_uri = false;
		if (!s.deny && allowlist_matches(&s, t, k))
			return &agent->config->keys[i];
	}
	return NULL;
}

static void
reason_unmatched(const struct agent *agent, const struct token *t,
    const struct key *k, char *out, size_t size)
{
	const struct config_key *s = section_elsewhere(agent, t, k);

	if (s == NULL)
		snprintf(out, size, "no key section matches it");
	else
		snprintf(out, size, "key \"%s\" (%s:%u) names it, but its uri "
		    "names another token or object", s->name, s->place.file,
		    s->place.line);
}

char *
allowlist_reason(const struct agent *agent, const struct token *t,
    const struct key *k, char *out, size_t size)
{
	const struct config_key *s = k->section;
	const struct token *server = key_server(t, k);

	if (s != NULL && s->deny)
		snprintf(out, size, "denied by key \"%s\" (%s:%u)", s->name,
		    s->place.file, s->place.line);
	else if (k->reason != NULL)
		snprintf(out, size, "%s", k->reason);
	else if (server != NULL)
		snprintf(out, size, "the same card is served by provider %s",
		    server->provider->name);
	else if (s == NULL)
		reason_unmatched(agent, t, k, out, size);
	else if (t->hidden || k->hidden)
		snprintf(out, size, "hidden by ssh-add -d, -D or -e until "
		    "ssh-add -s or a restart");
	else if (!t->present)
		snprintf(out, size, "its token is not there");
	else if ((device_pin_flags(t) & TOKEN_PIN_LOCKED) != 0)
		snprintf(out, size, "the PIN of its token is locked");
	else if (k->position == 0)
		snprintf(out, size, "the same key is exposed from %s",
		    exposed_token_name(agent, k->ref));
	else if (k->position > allowlist_shown(agent))
		snprintf(out, size, "allowed by key \"%s\", but number %zu, "
		    "and a connection sees %u (max-identities)", s->name,
		    k->position, agent->config->max_identities);
	else
		snprintf(out, size, "allowed by key \"%s\"", s->name);
	return out;
}
