/* SPDX-License-Identifier: BSD-2-Clause */
/* One card that two modules show. */
#include "agent/device.h"

#include "agent/allowlist.h"
#include "agent/login.h"
#include "agent/process.h"
#include "agent/provider.h"
#include "agent/readers.h"

/* What a wrong PIN through one module changes for the other one. */
static const uint32_t SHARED_PIN_FLAGS = TOKEN_PIN_COUNT_LOW |
    TOKEN_PIN_FINAL_TRY | TOKEN_PIN_LOCKED;

static bool
provider_is_before(const struct provider *a, const struct provider *b)
{
	const struct provider *p = a;

	while ((p = TAILQ_NEXT(p, entry)) != NULL)
		if (p == b)
			return true;
	return false;
}

static bool
reader_is_same(const struct token *a, const struct token *b)
{
	const struct readers *readers = a->agent->readers;
	struct bytes name = a->id.slot_description;

	if (name.len == 0 || !bytes_equal(name, b->id.slot_description))
		return false;
	if (readers_watched(readers))
		return readers_have(readers, name);
	return (a->flags & b->flags & TOKEN_REMOVABLE) != 0;
}

bool
device_same(const struct token *a, const struct token *b)
{
	if (a->provider == b->provider || !a->present || !b->present)
		return false;
	return reader_is_same(a, b) || (token_id_same(&a->id, &b->id) &&
	    bytes_equal(a->id.slot_description, b->id.slot_description));
}

bool
device_is_before(const struct token *a, const struct token *b)
{
	return device_same(a, b) &&
	    provider_is_before(a->provider, b->provider);
}

const struct token *
device_server(const struct token *t)
{
	const struct token *u;

	if (token_is_exposed(t) || allowlist_wants_token(t->agent, t))
		return NULL;
	TAILQ_FOREACH(u, &t->agent->tokens, entry)
		if (device_is_before(u, t))
			return u;
	return NULL;
}

bool
device_is_open(const struct token *t)
{
	const struct provider *p;

	if ((t->flags & TOKEN_REMOVABLE) == 0)
		return false;
	TAILQ_FOREACH(p, &t->agent->providers, entry) {
		if (p == t->provider)
			return false;
		if (provider_is_scanning(p))
			return true;
	}
	return false;
}

bool
device_was_open(const struct token *t, const struct provider *by)
{
	return (t->flags & TOKEN_REMOVABLE) != 0 &&
	    provider_is_before(by, t->provider);
}

bool
device_is_busy(const struct token *t)
{
	const struct token *u;

	/* One that left has nothing there any more. */
	TAILQ_FOREACH(u, &t->agent->tokens, entry)
		if (u->process != NULL && u->present &&
		    (u == t || reader_is_same(t, u)))
			return true;
	return false;
}

uint32_t
device_pin_flags(const struct token *t)
{
	uint32_t flags = t->flags;
	const struct token *u;

	TAILQ_FOREACH(u, &t->agent->tokens, entry)
		if (device_same(t, u) && login_is_shared(t->login, u->login))
			flags |= u->flags & SHARED_PIN_FLAGS;
	return flags;
}

void
device_pin_good(const struct token *t)
{
	struct token *u;

	TAILQ_FOREACH(u, &t->agent->tokens, entry)
		if (device_same(t, u) && login_is_shared(t->login, u->login))
			u->flags &= ~SHARED_PIN_FLAGS;
}

/* Has its module no other token in this reader? */
static bool
token_is_alone(const struct token *t)
{
	const struct token *u;

	TAILQ_FOREACH(u, &t->agent->tokens, entry)
		if (u != t && u->provider == t->provider && u->present &&
		    bytes_equal(u->id.slot_description,
		    t->id.slot_description))
			return false;
	return true;
}

static bool
tokens_share_a_key(const struct token *a, const struct token *b)
{
	for (size_t i = 0; i < a->n_keys; i++)
		if (token_key(b, a->keys[i].ref) != NULL)
			return true;
	return false;
}

void
device_found(struct token *t)
{
	const struct token *u;

	/* It left meanwhile, or another card is there: a scan will tell. */
	if (t->provider->again)
		return;
	TAILQ_FOREACH(u, &t->agent->tokens, entry)
		if (device_same(t, u) && (tokens_share_a_key(t, u) ||
		    (token_is_alone(t) && token_is_alone(u))))
			login_share(t->login, u->login);
}

void
device_settle(struct agent *agent)
{
	struct token *t;

	TAILQ_FOREACH(t, &agent->tokens, entry)
		if (t->process != NULL && !process_is_busy(t->process) &&
		    device_server(t) != NULL)
			process_end(t->process,
			    "another provider serves its card");
}
