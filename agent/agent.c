/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon as a whole: its parts made, started and ended. */
#include "agent/agent.h"

#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/allowlist.h"
#include "agent/client.h"
#include "agent/config-flat.h"
#include "agent/control.h"
#include "agent/hasher.h"
#include "agent/notice.h"
#include "agent/process.h"
#include "agent/provider.h"
#include "agent/reload.h"
#include "agent/spawn.h"
#include "agent/startup.h"
#include "agent/token.h"
#include "common/log.h"

/* A select() loop could not carry many connections: refuse it. */
static struct event_base *
base_new(void)
{
	struct event_config *cfg = event_config_new();
	struct event_base *base = NULL;

	if (cfg == NULL)
		return NULL;
	event_config_avoid_method(cfg, "select");
	event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	return base;
}

struct agent *
agent_new(const char *config_file)
{
	struct agent *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->uid = getuid();
	TAILQ_INIT(&a->providers);
	TAILQ_INIT(&a->tokens);
	TAILQ_INIT(&a->clients);
	TAILQ_INIT(&a->controls);
	TAILQ_INIT(&a->notices);
	if ((a->base = base_new()) == NULL ||
	    (a->spawner = spawner_new(a->base)) == NULL ||
	    (a->config = config_new()) == NULL ||
	    (a->hasher = hasher_new()) == NULL ||
	    (a->startup = startup_new(a)) == NULL ||
	    (a->reload = reload_new(a, config_file)) == NULL)
		return agent_free(a);
	return a;
}

struct agent *
agent_free(struct agent *a)
{
	struct client *c;
	struct control_client *control;
	struct provider *p;

	if (a == NULL)
		return NULL;
	while ((c = TAILQ_FIRST(&a->clients)) != NULL)
		client_free(c);
	while ((control = TAILQ_FIRST(&a->controls)) != NULL)
		control_free(control);
	a->reload = reload_free(a->reload);
	a->startup = startup_free(a->startup);
	while ((p = TAILQ_FIRST(&a->providers)) != NULL)
		provider_free(p);
	notices_end(a);
	a->spawner = spawner_free(a->spawner);
	hasher_free(a->hasher);
	free(a->exposed);
	config_free(a->config);
	if (a->base != NULL)
		event_base_free(a->base);
	free(a);
	return NULL;
}

/* Is there a section that could expose a key? */
static bool
config_may_expose(const struct config *c)
{
	for (size_t i = 0; i < c->n_keys; i++)
		if (!c->keys[i].deny)
			return true;
	return false;
}

/* The provider that runs this section's module the same way, or NULL. */
static struct provider *
provider_of_section(const struct agent *a, const struct config_provider *s)
{
	struct provider *p;

	TAILQ_FOREACH(p, &a->providers, entry)
		if (provider_is(p, s))
			return p;
	return NULL;
}

/* Providers in the config's order: kept or new; the others go. */
static void
agent_take_providers(struct agent *a)
{
	struct provider_list old = TAILQ_HEAD_INITIALIZER(old);
	const struct config *c = a->config;
	struct provider *p;

	for (size_t i = 0; i < c->n_providers; i++) {
		const struct config_provider *s = &c->providers[i];

		if ((p = provider_of_section(a, s)) == NULL)
			p = provider_new(a, s);
		if (p == NULL) {
			log_error("provider %s: out of memory", s->name);
			continue;
		}
		provider_keep(p, s);
		TAILQ_REMOVE(&a->providers, p, entry);
		TAILQ_INSERT_TAIL(&old, p, entry);
	}
	/* What is left in the list, the config does not name any more. */
	while ((p = TAILQ_FIRST(&a->providers)) != NULL)
		provider_free(p);
	TAILQ_CONCAT(&a->providers, &old, entry);
}

/* A process has its own old view of the token's objects. */
static void
agent_end_idle_processes(struct agent *a)
{
	struct token *t;

	TAILQ_FOREACH(t, &a->tokens, entry)
		if (t->process != NULL && !process_is_busy(t->process))
			t->process = process_end(t->process, "reload");
}

void
agent_configure(struct agent *a, struct config *config)
{
	struct config *old = a->config;
	struct provider *p;

	a->config = config;
	/* Before the old one goes: keys point to their sections. */
	allowlist_update(a);
	agent_take_providers(a);
	config_free(old);
	agent_end_idle_processes(a);
	/* Without a key to expose, a module runs only for `keys`. */
	if (config_may_expose(config)) {
		TAILQ_FOREACH(p, &a->providers, entry)
			provider_scan(p, NULL);
	} else {
		/* What an earlier `keys` saw may be old: look again then. */
		TAILQ_FOREACH(p, &a->providers, entry)
			p->settled = false;
		log_info("the config exposes no key (`p11-agentctl keys` "
		    "shows those there are)");
	}
	startup_begin(a, config->start_wait_ms);
}
