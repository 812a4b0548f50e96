/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon as a whole: its parts made, started and ended. */
#include "agent/agent.h"

#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/allowlist.h"
#include "agent/announce.h"
#include "agent/client.h"
#include "agent/config-flat.h"
#include "agent/control.h"
#include "agent/forget.h"
#include "agent/hasher.h"
#include "agent/login.h"
#include "agent/lookup.h"
#include "agent/notice.h"
#include "agent/pin-memory.h"
#include "agent/process.h"
#include "agent/provider-list.h"
#include "agent/readers.h"
#include "agent/refusal.h"
#include "agent/registry.h"
#include "agent/release.h"
#include "agent/reload.h"
#include "agent/spawn.h"
#include "agent/startup.h"
#include "agent/token.h"
#include "agent/unfinished.h"
#include "agent/watcher.h"
#include "common/limits.h"
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
	static const struct unfinished_limits unfinished = {
		.ms = CLIENT_UNFINISHED_SEC * 1000,
		.max_bytes = CLIENTS_UNFINISHED_MAX_BYTES,
	};
	static const struct refusal_limits refusals = {
		.lines = REFUSAL_LINES,
		.ms = REFUSAL_SPAN_SEC * 1000,
	};
	struct agent *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->uid = getuid();
	TAILQ_INIT(&a->providers);
	TAILQ_INIT(&a->tokens);
	TAILQ_INIT(&a->clients);
	TAILQ_INIT(&a->controls);
	TAILQ_INIT(&a->notices);
	TAILQ_INIT(&a->pin_records);
	if ((a->base = base_new()) == NULL ||
	    (a->spawner = spawner_new(a->base)) == NULL ||
	    (a->refusals = refusals_new(a->base, &refusals)) == NULL ||
	    (a->config = config_new()) == NULL ||
	    (a->allowlist = allowlist_new(a)) == NULL ||
	    (a->announcer = announcer_new(a)) == NULL ||
	    (a->hasher = hasher_new()) == NULL ||
	    (a->pin_file = pin_file_new(a)) == NULL ||
	    (a->startup = startup_new(a)) == NULL ||
	    (a->lookups = lookups_new(a)) == NULL ||
	    (a->unfinished = unfinished_new(a->base, &unfinished)) == NULL ||
	    (a->registry = registry_new(a)) == NULL ||
	    (a->readers = readers_new(a)) == NULL ||
	    (a->forget = forget_new(a)) == NULL ||
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
	a->announcer = announcer_free(a->announcer);
	while ((c = TAILQ_FIRST(&a->clients)) != NULL)
		client_free(c);
	while ((control = TAILQ_FIRST(&a->controls)) != NULL)
		control_free(control);
	a->unfinished = unfinished_free(a->unfinished);
	a->reload = reload_free(a->reload);
	a->startup = startup_free(a->startup);
	a->lookups = lookups_free(a->lookups);
	a->registry = registry_free(a->registry);
	a->forget = forget_free(a->forget);
	while ((p = TAILQ_FIRST(&a->providers)) != NULL)
		provider_free(p);
	a->allowlist = allowlist_free(a->allowlist);
	a->readers = readers_free(a->readers);
	notices_end(a);
	a->pin_file = pin_file_free(a->pin_file);
	pin_records_free(a);
	a->spawner = spawner_free(a->spawner);
	a->refusals = refusals_free(a->refusals);
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

/* A process has its own old view of the token's objects. */
static void
agent_end_idle_processes(struct agent *a)
{
	struct token *t;

	TAILQ_FOREACH(t, &a->tokens, entry)
		if (t->process != NULL && !process_is_busy(t->process))
			process_end(t->process, "reload");
}

static void
agent_leave_none_out(struct agent *a)
{
	struct provider *p;

	TAILQ_FOREACH(p, &a->providers, entry)
		provider_leave_none_out(p);
}

static void
agent_reconfigure_tokens(struct agent *a)
{
	struct token *t;

	TAILQ_FOREACH(t, &a->tokens, entry) {
		backoff_wake(&t->backoff);
		token_try_again(t);
		login_reconfigured(t->login);
		release_watch(t->release);
	}
}

void
agent_configure(struct agent *a, struct config *config)
{
	struct config *old = a->config;

	a->config = config;
	/* Before the old one goes: keys point to their sections. */
	allowlist_update(a);
	registry_forget(a->registry);
	if (config->n_providers > 0)
		providers_take(a, config->providers, config->n_providers,
		    PROVIDER_FILE);
	else
		providers_take_registered(a);
	config_free(old);
	agent_leave_none_out(a);
	agent_reconfigure_tokens(a);
	forget_configure(a->forget);
	agent_end_idle_processes(a);
	/* Without a key to expose, a module runs only for `keys`. */
	if (config_may_expose(config)) {
		providers_scan(a);
		readers_start(a->readers);
	} else {
		/* What an earlier `keys` saw may be old: look again then. */
		providers_unsettle(a);
		log_info("the config exposes no key (`p11-agentctl keys` "
		    "shows those there are)");
	}
	startup_begin(a, config->start_wait_ms);
	watchers_check(a);
}
