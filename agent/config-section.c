/* SPDX-License-Identifier: BSD-2-Clause */
/* The sections: which there are, and how a whole one joins the config. */
#include "agent/config-section.h"

#include <stdlib.h>

#include "agent/config-pubkey.h"
#include "common/array.h"

void
config_section_clear(struct config_section *s)
{
	config_provider_clear(&s->provider);
	config_token_clear(&s->token);
	config_key_clear(&s->key);
	s->token_has_uri = false;
}

static bool
set_place(struct config_section *s, struct config_place *place, uint32_t line)
{
	place->line = line;
	return config_set_text(s, &place->file, s->file);
}

static bool
refuse_title(struct config_section *s, const char *type, const char *title,
    uint32_t line, const struct config_place *other)
{
	return config_fail(s->l, s->file, line,
	    "%s \"%s\" is there already, at %s:%u: give one of them another "
	    "title",
	    type, title, other->file, other->line);
}

/* The array with room for one more; NULL, and an error, when there is none. */
static void *
grow(struct config_section *s, const char *type, uint32_t line, void *array,
    size_t n, size_t size, size_t max)
{
	void *more;

	if (n >= max) {
		config_fail(s->l, s->file, line, "more than %zu %s sections",
		    max, type);
		return NULL;
	}
	if ((more = array_resize(array, n + 1, size)) == NULL)
		config_fail_memory(s->l);
	return more;
}

static bool
finish_provider(struct config_section *s, const char *title, uint32_t line)
{
	struct config *c = s->l->config;
	void *more;

	for (size_t i = 0; i < c->n_providers; i++)
		if (strcmp(c->providers[i].name, title) == 0)
			return refuse_title(
			    s, "provider", title, line, &c->providers[i].place);
	if (s->provider.module == NULL)
		return config_fail(s->l, s->file, line,
		    "provider \"%s\" has no module", title);
	if (!config_set_text(s, &s->provider.name, title) ||
	    !set_place(s, &s->provider.place, line))
		return false;
	more = grow(s, "provider", line, c->providers, c->n_providers,
	    sizeof(*c->providers), PROVIDERS_MAX);
	if (more == NULL)
		return false;
	c->providers = more;
	c->providers[c->n_providers++] = s->provider;
	s->provider = (struct config_provider){0};
	return true;
}

static bool
text_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Do they say the same of a token? */
static bool
uri_same_token(const struct uri_match *a, const struct uri_match *b)
{
	return text_same(a->manufacturer, b->manufacturer) &&
	       text_same(a->model, b->model) &&
	       text_same(a->serial, b->serial) &&
	       text_same(a->token, b->token) &&
	       text_same(a->slot_description, b->slot_description);
}

/* A token has the first section that is about it. */
static void
doubt_token(struct config_section *s, const char *title, uint32_t line)
{
	const struct config *c = s->l->config;

	for (size_t i = 0; i < c->n_tokens; i++) {
		const struct config_token *t = &c->tokens[i];

		if (!uri_same_token(&t->uri, &s->token.uri))
			continue;
		config_warn(s->l, s->file, line,
		    "token \"%s\" is without effect: it has the uri of token "
		    "\"%s\" at %s:%u",
		    title, t->name, t->place.file, t->place.line);
		return;
	}
}

/* A key has to be what all of them say. */
static void
doubt_key(struct config_section *s, const char *title, uint32_t line)
{
	const struct config_key *k = &s->key;
	char of_file[CONFIG_FINGERPRINT_BYTES];

	if (k->fingerprint == NULL || k->public_key == NULL ||
	    !config_pubkey_fingerprint(
		bytes_of(k->public_key, k->public_key_len), of_file) ||
	    strcmp(of_file, k->fingerprint) == 0)
		return;
	config_warn(s->l, s->file, line,
	    "key \"%s\" matches nothing: the key in its file has the "
	    "fingerprint %s", title, of_file);
}

static bool
finish_token(struct config_section *s, const char *title, uint32_t line)
{
	struct config *c = s->l->config;
	void *more;

	for (size_t i = 0; i < c->n_tokens; i++)
		if (strcmp(c->tokens[i].name, title) == 0)
			return refuse_title(
			    s, "token", title, line, &c->tokens[i].place);
	if (!s->token_has_uri)
		return config_fail(
		    s->l, s->file, line, "token \"%s\" has no uri", title);
	doubt_token(s, title, line);
	if (!config_set_text(s, &s->token.name, title) ||
	    !set_place(s, &s->token.place, line))
		return false;
	more = grow(s, "token", line, c->tokens, c->n_tokens,
	    sizeof(*c->tokens), CONFIG_TOKENS_MAX);
	if (more == NULL)
		return false;
	c->tokens = more;
	c->tokens[c->n_tokens++] = s->token;
	s->token = (struct config_token){0};
	return true;
}

static bool
finish_key(struct config_section *s, const char *title, uint32_t line)
{
	struct config *c = s->l->config;
	void *more;

	for (size_t i = 0; i < c->n_keys; i++)
		if (strcmp(c->keys[i].name, title) == 0)
			return refuse_title(
			    s, "key", title, line, &c->keys[i].place);
	if (!s->key.has_uri && s->key.fingerprint == NULL &&
	    s->key.public_key == NULL)
		return config_fail(s->l, s->file, line,
		    "key \"%s\" says of "
		    "no key which: give it a uri, a fingerprint or a file",
		    title);
	doubt_key(s, title, line);
	if (!config_set_text(s, &s->key.name, title) ||
	    !set_place(s, &s->key.place, line))
		return false;
	more = grow(s, "key", line, c->keys, c->n_keys, sizeof(*c->keys),
	    CONFIG_KEYS_MAX);
	if (more == NULL)
		return false;
	c->keys = more;
	c->keys[c->n_keys++] = s->key;
	s->key = (struct config_key){0};
	return true;
}

const struct config_section_type config_section_types[] = {
    {"provider", config_provider_settings, finish_provider},
    {"token", config_token_settings, finish_token},
    {"key", config_key_settings, finish_key},
    {0},
};

const struct config_setting *
config_setting_find(const struct config_setting *settings, const char *name)
{
	for (; settings->name != NULL; settings++)
		if (strcmp(settings->name, name) == 0)
			return settings;
	return NULL;
}

const struct config_section_type *
config_section_type_find(const char *name)
{
	const struct config_section_type *t = config_section_types;

	for (; t->name != NULL; t++)
		if (strcmp(t->name, name) == 0)
			return t;
	return NULL;
}
