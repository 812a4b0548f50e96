/* SPDX-License-Identifier: BSD-2-Clause */
/* The sections: which there are, and how a whole one joins the config. */
#include "agent/config-section.h"
#include "common/array.h"

#include <stdlib.h>

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
