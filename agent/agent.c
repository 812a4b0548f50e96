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
#include "agent/provider.h"
#include "agent/spawn.h"
#include "agent/startup.h"
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
agent_new(void)
{
	struct agent *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->uid = getuid();
	TAILQ_INIT(&a->providers);
	TAILQ_INIT(&a->tokens);
	TAILQ_INIT(&a->clients);
	TAILQ_INIT(&a->controls);
	if ((a->base = base_new()) == NULL ||
	    (a->spawner = spawner_new(a->base)) == NULL ||
	    (a->config = config_new()) == NULL ||
	    (a->hasher = hasher_new()) == NULL ||
	    (a->startup = startup_new(a)) == NULL)
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
	a->startup = startup_free(a->startup);
	while ((p = TAILQ_FIRST(&a->providers)) != NULL)
		provider_free(p);
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

void
agent_start(struct agent *a, struct config *config)
{
	struct provider *p;

	config_free(a->config);
	a->config = config;
	allowlist_update(a);
	for (size_t i = 0; i < config->n_providers; i++) {
		const struct config_provider *s = &config->providers[i];

		if (provider_new(a, s->name, s->module, s->init_args,
		    s->env) == NULL)
			log_error("provider %s: out of memory", s->name);
	}
	/* Without a key to expose, a module runs only for `keys`. */
	if (config_may_expose(config))
		TAILQ_FOREACH(p, &a->providers, entry)
			provider_scan(p, NULL);
	else
		log_info("the config exposes no key (`p11-agentctl keys` "
		    "shows those there are)");
	startup_begin(a, config->start_wait_ms);
}
