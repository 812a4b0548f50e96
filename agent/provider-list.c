/* SPDX-License-Identifier: BSD-2-Clause */
/* Providers made, kept and dropped. */
#include "agent/provider-list.h"

#include <string.h>

#include "agent/config-flat.h"
#include "agent/words.h"
#include "common/log.h"

static bool
lists_equal(char **a, char **b)
{
	if (a == NULL || b == NULL)
		return a == b;
	for (; *a != NULL && *b != NULL; a++, b++)
		if (strcmp(*a, *b) != 0)
			return false;
	return *a == *b;
}

static bool
is_registered(enum provider_source source)
{
	return source == PROVIDER_REGISTERED;
}

/* Does the section say the same of it? */
static bool
provider_is(const struct provider *p, const struct config_provider *s,
    enum provider_source source)
{
	return p->source != PROVIDER_PLACEHOLDER &&
	    is_registered(p->source) == is_registered(source) &&
	    texts_equal(p->name, s->name) &&
	    texts_equal(p->module, s->module) &&
	    texts_equal(p->init_args, s->init_args) &&
	    (!is_registered(source) || texts_equal(p->remote, s->remote)) &&
	    lists_equal(p->env, s->env);
}

/* The provider that runs this section's module the same way, or a new one. */
static struct provider *
provider_for(struct agent *a, const struct config_provider *s,
    enum provider_source source)
{
	struct provider *p;

	TAILQ_FOREACH(p, &a->providers, entry) {
		if (provider_is(p, s, source)) {
			p->env = s->env; /* the new config's */
			return p;
		}
	}
	if ((p = provider_new(a, s)) == NULL)
		log_error("provider %s: out of memory", s->name);
	else if (is_registered(source))
		p->source = source;
	return p;
}

struct provider *
providers_placeholder(const struct agent *a)
{
	struct provider *p;

	TAILQ_FOREACH(p, &a->providers, entry)
		if (p->source == PROVIDER_PLACEHOLDER)
			return p;
	return NULL;
}

void
providers_take(struct agent *a, const struct config_provider *sections,
    size_t n, enum provider_source source)
{
	struct provider_list taken = TAILQ_HEAD_INITIALIZER(taken);
	struct provider *p, *placeholder = NULL;

	if (is_registered(source))
		placeholder = providers_placeholder(a);
	for (size_t i = 0; i < n; i++) {
		if ((p = provider_for(a, &sections[i], source)) == NULL)
			continue;
		TAILQ_REMOVE(&a->providers, p, entry);
		TAILQ_INSERT_TAIL(&taken, p, entry);
	}
	if (placeholder != NULL) {
		TAILQ_REMOVE(&a->providers, placeholder, entry);
		TAILQ_INSERT_TAIL(&taken, placeholder, entry);
	}
	/* What is left in the list, nothing names any more. */
	while ((p = TAILQ_FIRST(&a->providers)) != NULL)
		provider_free(p);
	TAILQ_CONCAT(&a->providers, &taken, entry);
}

void
providers_take_registered(struct agent *a)
{
	char name[] = "p11-kit", module[] = "what p11-kit has registered";
	const struct config_provider s = {.name = name, .module = module};
	struct provider *p = TAILQ_FIRST(&a->providers), *next;

	for (; p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		if (p->source != PROVIDER_REGISTERED &&
		    p->source != PROVIDER_PLACEHOLDER)
			provider_free(p);
	}
	if (providers_placeholder(a) != NULL)
		return;
	if ((p = provider_new(a, &s)) == NULL)
		log_error("out of memory: p11-kit is not asked");
	else
		p->source = PROVIDER_PLACEHOLDER;
}

void
providers_scan(struct agent *a)
{
	struct provider *p;

	/* The placeholder does it for those that are still registered. */
	TAILQ_FOREACH(p, &a->providers, entry)
		if (p->source != PROVIDER_REGISTERED)
			provider_scan(p, NULL);
}

void
providers_unsettle(struct agent *a)
{
	struct provider *p;

	TAILQ_FOREACH(p, &a->providers, entry)
		if (p->source != PROVIDER_REGISTERED)
			p->settled = false;
}

void
providers_scan_again(struct agent *a)
{
	struct provider *p;

	TAILQ_FOREACH(p, &a->providers, entry)
		if (p->source != PROVIDER_PLACEHOLDER && p->settled)
			provider_scan_again(p);
}
