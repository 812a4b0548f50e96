/* SPDX-License-Identifier: BSD-2-Clause */
/* The flat config: both ends, and the memory of a struct config. */
#include "agent/config-flat.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/limits.h"

enum {
	CONFIG_FLAT_VERSION = 2,
	/* The least that a section takes: its name, place and flags. */
	SECTION_MIN_BYTES = 16,
	DEFAULT_START_WAIT_MS = 3000,
};

static void
strings_free(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

void
uri_match_clear(struct uri_match *u)
{
	free(u->manufacturer);
	free(u->model);
	free(u->serial);
	free(u->token);
	free(u->slot_description);
	free(u->object);
	free(u->id);
	*u = (struct uri_match){0};
}

void
config_provider_clear(struct config_provider *p)
{
	free(p->name);
	free(p->module);
	free(p->init_args);
	free(p->remote);
	strings_free(p->env);
	free(p->place.file);
	*p = (struct config_provider){0};
}

void
config_token_clear(struct config_token *t)
{
	free(t->name);
	uri_match_clear(&t->uri);
	strings_free(t->pin_sources);
	free(t->place.file);
	*t = (struct config_token){0};
}

void
config_key_clear(struct config_key *k)
{
	free(k->name);
	uri_match_clear(&k->uri);
	free(k->fingerprint);
	free(k->public_key);
	free(k->place.file);
	*k = (struct config_key){0};
}

struct config *
config_new(void)
{
	struct config *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->max_identities = IDENTITIES_MAX;
	c->start_wait_ms = DEFAULT_START_WAIT_MS;
	c->allow_root = true;
	return c;
}

struct config *
config_free(struct config *c)
{
	if (c == NULL)
		return NULL;
	for (size_t i = 0; i < c->n_providers; i++)
		config_provider_clear(&c->providers[i]);
	for (size_t i = 0; i < c->n_tokens; i++)
		config_token_clear(&c->tokens[i]);
	for (size_t i = 0; i < c->n_keys; i++)
		config_key_clear(&c->keys[i]);
	free(c->providers);
	free(c->tokens);
	free(c->keys);
	strings_free(c->files);
	strings_free(c->warnings);
	free(c);
	return NULL;
}

void
config_freep(struct config **c)
{
	*c = config_free(*c);
}

/* Writing. What may be NULL has a bool in front: "" is something else. */

static void
put_text_or_null(struct buffer *b, const char *s)
{
	buffer_put_bool(b, s != NULL);
	if (s != NULL)
		buffer_put_cstring(b, s);
}

static void
put_bytes_or_null(struct buffer *b, const uint8_t *p, size_t len)
{
	buffer_put_bool(b, p != NULL);
	if (p != NULL)
		buffer_put_string(b, bytes_of(p, len));
}

static void
put_strings_or_null(struct buffer *b, char *const *list)
{
	uint32_t n = 0;

	buffer_put_bool(b, list != NULL);
	if (list == NULL)
		return;
	while (list[n] != NULL)
		n++;
	buffer_put_u32(b, n);
	for (uint32_t i = 0; i < n; i++)
		buffer_put_cstring(b, list[i]);
}

static void
put_place(struct buffer *b, const struct config_place *place)
{
	buffer_put_cstring(b, place->file);
	buffer_put_u32(b, place->line);
}

static void
put_uri(struct buffer *b, const struct uri_match *u)
{
	put_text_or_null(b, u->manufacturer);
	put_text_or_null(b, u->model);
	put_text_or_null(b, u->serial);
	put_text_or_null(b, u->token);
	put_text_or_null(b, u->slot_description);
	put_text_or_null(b, u->object);
	put_bytes_or_null(b, u->id, u->id_len);
}

static void
put_provider(struct buffer *b, const struct config_provider *p)
{
	buffer_put_cstring(b, p->name);
	buffer_put_cstring(b, p->module);
	put_text_or_null(b, p->init_args);
	put_strings_or_null(b, p->env);
	put_place(b, &p->place);
}

static void
put_token(struct buffer *b, const struct config_token *t)
{
	buffer_put_cstring(b, t->name);
	put_uri(b, &t->uri);
	buffer_put_u8(b, (uint8_t)t->login);
	buffer_put_u32(b, t->login_sec);
	buffer_put_u32(b, t->keep_pin_sec);
	buffer_put_u32(b, t->release_sec);
	buffer_put_u8(b, t->forget_on);
	put_strings_or_null(b, t->pin_sources);
	put_place(b, &t->place);
}

static void
put_key(struct buffer *b, const struct config_key *k)
{
	buffer_put_cstring(b, k->name);
	buffer_put_bool(b, k->has_uri);
	put_uri(b, &k->uri);
	put_text_or_null(b, k->fingerprint);
	put_bytes_or_null(b, k->public_key, k->public_key_len);
	buffer_put_bool(b, k->deny);
	put_place(b, &k->place);
}

void
config_put(struct buffer *b, const struct config *c)
{
	buffer_put_u8(b, CONFIG_FLAT_VERSION);
	buffer_put_u32(b, c->max_identities);
	buffer_put_u32(b, c->start_wait_ms);
	buffer_put_bool(b, c->allow_root);
	buffer_put_u32(b, (uint32_t)c->n_providers);
	for (size_t i = 0; i < c->n_providers; i++)
		put_provider(b, &c->providers[i]);
	buffer_put_u32(b, (uint32_t)c->n_tokens);
	for (size_t i = 0; i < c->n_tokens; i++)
		put_token(b, &c->tokens[i]);
	buffer_put_u32(b, (uint32_t)c->n_keys);
	for (size_t i = 0; i < c->n_keys; i++)
		put_key(b, &c->keys[i]);
	put_strings_or_null(b, c->files);
	put_strings_or_null(b, c->warnings);
}

/* Reading. Whatever was read belongs to the config, also after a fault. */

static char *
read_text(struct reader *r)
{
	struct bytes s = reader_string(r);
	char *copy = NULL;

	if (r->err != PARSE_OK)
		return NULL;
	if (s.len > 0 && memchr(s.p, '\0', s.len) != NULL)
		reader_fail(r, PARSE_VALUE);
	else if ((copy = bytes_strdup(s)) == NULL)
		reader_fail(r, PARSE_MEMORY);
	return copy;
}

static char *
read_text_or_null(struct reader *r)
{
	return reader_bool(r) ? read_text(r) : NULL;
}

static void
read_bytes_or_null(struct reader *r, uint8_t **p, size_t *len)
{
	struct bytes s;

	if (!reader_bool(r))
		return;
	s = reader_string(r);
	if (r->err == PARSE_OK && !bytes_dup(s, p, len))
		reader_fail(r, PARSE_MEMORY);
}

static char **
read_strings_or_null(struct reader *r)
{
	char **list;
	uint32_t n;

	if (!reader_bool(r))
		return NULL;
	n = reader_count(r, CONFIG_LIST_MAX, 4);
	if ((list = calloc(n + 1, sizeof(*list))) == NULL)
		reader_fail(r, PARSE_MEMORY);
	for (uint32_t i = 0; i < n && r->err == PARSE_OK; i++)
		list[i] = read_text(r);
	return list;
}

static void
read_place(struct reader *r, struct config_place *place)
{
	place->file = read_text(r);
	place->line = reader_u32(r);
}

static void
read_uri(struct reader *r, struct uri_match *u)
{
	u->manufacturer = read_text_or_null(r);
	u->model = read_text_or_null(r);
	u->serial = read_text_or_null(r);
	u->token = read_text_or_null(r);
	u->slot_description = read_text_or_null(r);
	u->object = read_text_or_null(r);
	read_bytes_or_null(r, &u->id, &u->id_len);
}

static void
read_provider(struct reader *r, struct config_provider *p)
{
	p->name = read_text(r);
	p->module = read_text(r);
	p->init_args = read_text_or_null(r);
	p->env = read_strings_or_null(r);
	read_place(r, &p->place);
}

static void
read_token(struct reader *r, struct config_token *t)
{
	uint8_t login;

	t->name = read_text(r);
	read_uri(r, &t->uri);
	login = reader_u8(r);
	if (login > LOGIN_SECONDS)
		reader_fail(r, PARSE_VALUE);
	else
		t->login = (enum config_login)login;
	t->login_sec = reader_u32(r);
	t->keep_pin_sec = reader_u32(r);
	t->release_sec = reader_u32(r);
	t->forget_on = reader_u8(r);
	if (t->forget_on > FORGET_ON_ALL)
		reader_fail(r, PARSE_VALUE);
	t->pin_sources = read_strings_or_null(r);
	read_place(r, &t->place);
}

static void
read_key(struct reader *r, struct config_key *k)
{
	k->name = read_text(r);
	k->has_uri = reader_bool(r);
	read_uri(r, &k->uri);
	k->fingerprint = read_text_or_null(r);
	read_bytes_or_null(r, &k->public_key, &k->public_key_len);
	k->deny = reader_bool(r);
	read_place(r, &k->place);
}

/* An array for the sections that follow, n of them; NULL for none. */
static void *
read_array(struct reader *r, uint32_t max, size_t size, uint32_t *ret_n)
{
	uint32_t n = reader_count(r, max, SECTION_MIN_BYTES);
	void *array = NULL;

	if (n > 0 && (array = calloc(n, size)) == NULL) {
		reader_fail(r, PARSE_MEMORY);
		n = 0;
	}
	*ret_n = n;
	return array;
}

static void
read_sections(struct reader *r, struct config *c)
{
	uint32_t n;

	c->providers = read_array(r, PROVIDERS_MAX, sizeof(*c->providers), &n);
	for (; c->n_providers < n && r->err == PARSE_OK; c->n_providers++)
		read_provider(r, &c->providers[c->n_providers]);
	c->tokens = read_array(r, CONFIG_TOKENS_MAX, sizeof(*c->tokens), &n);
	for (; c->n_tokens < n && r->err == PARSE_OK; c->n_tokens++)
		read_token(r, &c->tokens[c->n_tokens]);
	c->keys = read_array(r, CONFIG_KEYS_MAX, sizeof(*c->keys), &n);
	for (; c->n_keys < n && r->err == PARSE_OK; c->n_keys++)
		read_key(r, &c->keys[c->n_keys]);
}

enum parse_err
config_parse(struct bytes flat, struct config **ret)
{
	CLEANUP(config_freep) struct config *c = config_new();
	struct reader r = reader_of(flat);

	if (c == NULL)
		return PARSE_MEMORY;
	if (reader_u8(&r) != CONFIG_FLAT_VERSION)
		reader_fail(&r, PARSE_VALUE);
	c->max_identities = reader_u32(&r);
	if (c->max_identities < 1 || c->max_identities > IDENTITIES_MAX)
		reader_fail(&r, PARSE_VALUE);
	c->start_wait_ms = reader_u32(&r);
	c->allow_root = reader_bool(&r);
	read_sections(&r, c);
	c->files = read_strings_or_null(&r);
	c->warnings = read_strings_or_null(&r);
	if (reader_finish(&r) == PARSE_OK) {
		*ret = c;
		c = NULL;
	}
	return r.err;
}
