/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking p11-kit for modules, and making providers of the answer. */
#include "agent/registry.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config-flat.h"
#include "agent/link.h"
#include "agent/provider-list.h"
#include "agent/words.h"
#include "common/log.h"

enum {
	/* One provider less: the placeholder is among them. */
	MODULES_MAX = PROVIDERS_MAX - 1,
	NAMES_BYTES = 1024,
};

struct module_list {
	struct config_provider items[MODULES_MAX]; /* owned */
	size_t n;
};

struct registry {
	struct agent *agent;
	struct link *link; /* owned; while p11-kit is being asked */
	struct event deadline;
	/* In p11-kit's order; the other two are only for who names them. */
	struct module_list modules;
	struct module_list trusted;
	struct module_list own; /* commands that no file of the system's has */
	char *failed; /* what WIRE_FAILED said; owned */
	/* The scans that the placeholder waits for. */
	struct scan_waiter scans[PROVIDERS_MAX];
	size_t n_scans;
};

bool
registry_may_know(const char *module)
{
	return strchr(module, '/') == NULL && strstr(module, ".so") == NULL &&
	    strstr(module, ".dylib") == NULL;
}

static void
modules_clear(struct module_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		config_provider_clear(&list->items[i]);
	list->n = 0;
}

static void
registry_clear(struct registry *r)
{
	modules_clear(&r->modules);
	modules_clear(&r->trusted);
	modules_clear(&r->own);
	free(r->failed);
	r->failed = NULL;
}

/* The process is not needed any more. */
static void
registry_hang_up(struct registry *r)
{
	r->link = link_forget(r->link);
	event_del(&r->deadline);
}

static void
registry_leave_scans(struct registry *r)
{
	for (size_t i = 0; i < PROVIDERS_MAX; i++)
		scan_leave(&r->scans[i]);
	r->n_scans = 0;
}

struct registry *
registry_free(struct registry *r)
{
	if (r == NULL)
		return NULL;
	registry_hang_up(r);
	registry_leave_scans(r);
	registry_clear(r);
	free(r);
	return NULL;
}

static const struct config_provider *
registry_find(const struct registry *r, const char *name)
{
	const struct module_list *lists[] = {&r->modules, &r->trusted, &r->own};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (size_t j = 0; j < lists[i]->n; j++)
			if (strcmp(lists[i]->items[j].name, name) == 0)
				return &lists[i]->items[j];
	return NULL;
}

/* "no module X is registered with p11-kit; registered are: A, B" */
static void
registry_say_unknown(const struct registry *r, const char *name, char *out,
    size_t size)
{
	size_t at = (size_t)snprintf(out, size, "no module %.128s is "
	    "registered with p11-kit", name);

	if (r->modules.n + r->own.n == 0)
		snprintf(out + at, size - at, ", nor any other");
	for (size_t i = 0; i < r->modules.n + r->own.n; i++) {
		const char *between = i == 0 ? "; registered are: " : ", ";
		const struct config_provider *m = i < r->modules.n ?
		    &r->modules.items[i] : &r->own.items[i - r->modules.n];
		size_t left = size - at;
		int n = snprintf(out + at, left, "%s%s", between, m->name);

		if (n < 0 || (size_t)n >= left)
			break;
		at += (size_t)n;
	}
}

static char *
text_copy(const char *text)
{
	return text == NULL ? NULL : strdup(text);
}

/* p11-kit's answer for one of them; a scan that waits for it begins. */
static void
registry_answer(const struct registry *r, struct provider *p)
{
	const struct config_provider *m = registry_find(r, p->module);
	const char *remote = m == NULL ? NULL : m->remote;
	const char *file = m == NULL || remote != NULL ? NULL : m->module;
	const char *args = m == NULL ? NULL : m->init_args;
	char unknown[NAMES_BYTES];

	if (!texts_equal(p->file, file) || !texts_equal(p->file_args, args) ||
	    !texts_equal(p->remote, remote))
		provider_forget_module(p);
	registry_say_unknown(r, p->module, unknown, sizeof(unknown));
	free(p->file);
	free(p->file_args);
	free(p->remote);
	free(p->unknown);
	p->file = text_copy(file);
	p->file_args = text_copy(args);
	p->remote = text_copy(remote);
	p->unknown = m == NULL ? strdup(unknown) : NULL;
	p->named = texts_equal(p->file, file) &&
	    texts_equal(p->file_args, args) && texts_equal(p->remote, remote);
	if (!p->named && p->awaits_name) {
		provider_give_up(p, "out of memory");
	} else if (p->awaits_name) {
		p->awaits_name = false;
		provider_scan(p, NULL);
	}
}

/* The placeholder's scan is over when all of theirs are. */
static void
registry_scanned(void *arg)
{
	struct registry *r = arg;
	struct provider *placeholder;

	if (--r->n_scans > 0)
		return;
	if ((placeholder = providers_placeholder(r->agent)) != NULL)
		provider_ready(placeholder);
}

static void
registry_scan_all(struct registry *r)
{
	struct provider *p;
	size_t i = 0;

	registry_leave_scans(r);
	r->n_scans = 1; /* this loop itself */
	TAILQ_FOREACH(p, &r->agent->providers, entry) {
		if (p->source != PROVIDER_REGISTERED || i == PROVIDERS_MAX)
			continue;
		r->n_scans++;
		r->scans[i].done = registry_scanned;
		r->scans[i].arg = r;
		provider_scan(p, &r->scans[i++]);
	}
	registry_scanned(r);
}

/* Let what is registered be the providers. */
static void
registry_replace(struct registry *r, struct provider *placeholder)
{
	placeholder->awaits_name = false;
	providers_take(r->agent, r->modules.items, r->modules.n,
	    PROVIDER_REGISTERED);
	if (r->modules.n == 0)
		provider_give_up(placeholder,
		    "no module is registered with p11-kit");
	else
		registry_scan_all(r);
}

static void
registry_done(struct registry *r)
{
	struct provider *p;

	registry_hang_up(r);
	TAILQ_FOREACH(p, &r->agent->providers, entry)
		if (p->source == PROVIDER_NAME)
			registry_answer(r, p);
	p = providers_placeholder(r->agent);
	if (p != NULL && p->awaits_name)
		registry_replace(r, p);
}

/* Those that wait have failed; the next scan asks again. */
static void
registry_failed(struct registry *r, const char *why)
{
	struct provider *p;
	char words[NAMES_BYTES];

	snprintf(words, sizeof(words), "the modules that are registered with "
	    "p11-kit cannot be listed: %s", why);
	registry_hang_up(r);
	TAILQ_FOREACH(p, &r->agent->providers, entry)
		if (p->awaits_name)
			provider_give_up(p, words);
}

static struct module_list *
registry_list_for(struct registry *r, const struct wire_registered *w)
{
	if (w->trust_policy)
		return &r->trusted;
	return w->remote.len > 0 && !w->of_system ? &r->own : &r->modules;
}

/* One that is too much is left out. False when memory is out. */
static bool
registry_add(struct registry *r, const struct wire_registered *w)
{
	struct module_list *list = registry_list_for(r, w);
	struct config_provider *m = &list->items[list->n];

	if (list->n == MODULES_MAX) {
		log_warn("more than %d modules are registered with p11-kit: "
		    "some are left out", MODULES_MAX);
		return true;
	}
	list->n++;
	m->name = words_copy(w->name);
	/* A command's `module` is p11-kit's name of it, byte for byte. */
	m->module = bytes_strdup(w->remote.len > 0 ? w->name : w->module);
	if (w->init_args.len > 0 &&
	    (m->init_args = bytes_strdup(w->init_args)) == NULL)
		return false;
	if (w->remote.len > 0 && (m->remote = words_copy(w->remote)) == NULL)
		return false;
	return m->name != NULL && m->module != NULL;
}

static enum parse_err
registry_got_module(struct registry *r, struct bytes body)
{
	struct wire_registered w;
	enum parse_err err = wire_registered_parse(body, &w);

	if (err != PARSE_OK)
		return err;
	/* A name cut at a NUL would be that of another file, or module. */
	if ((w.module.len > 0 &&
	    memchr(w.module.p, '\0', w.module.len) != NULL) ||
	    memchr(w.name.p, '\0', w.name.len) != NULL)
		return PARSE_VALUE;
	return registry_add(r, &w) ? PARSE_OK : PARSE_MEMORY;
}

static enum parse_err
registry_got_failed(struct registry *r, struct bytes body)
{
	struct wire_error w;
	enum parse_err err = wire_failed_parse(body, &w);

	if (err != PARSE_OK)
		return err;
	free(r->failed);
	r->failed = wire_error_words(&w);
	return PARSE_OK;
}

static enum parse_err
registry_message(struct registry *r, uint8_t type, struct bytes body)
{
	switch (type) {
	case WIRE_REGISTERED:
		return registry_got_module(r, body);
	case WIRE_FAILED:
		return registry_got_failed(r, body);
	case WIRE_DONE:
		if (body.len > 0)
			return PARSE_TRAILING;
		registry_done(r);
		return PARSE_OK;
	default:
		return PARSE_VALUE;
	}
}

static void
registry_frame(void *arg, struct bytes body)
{
	struct registry *r = arg;
	enum parse_err err = registry_message(r, body.p[0],
	    bytes_of(body.p + 1, body.len - 1));

	if (err == PARSE_OK)
		return;
	log_error("the list of p11-kit's modules has a message %u that makes "
	    "no sense (%s)", body.p[0], parse_err_text(err));
	link_kill(r->link, "it sent nonsense");
}

/* Without a WIRE_DONE. */
static void
registry_ended(void *arg, const char *why)
{
	struct registry *r = arg;

	r->link = NULL; /* it frees itself */
	registry_failed(r, r->failed != NULL ? r->failed : why);
}

static void
registry_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct registry *r = arg;

	(void)fd;
	(void)what;
	link_kill(r->link, "a module did not load in time");
}

static const struct link_events registry_events = {
	registry_frame,
	registry_ended,
};

struct registry *
registry_new(struct agent *agent)
{
	struct registry *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->agent = agent;
	evtimer_assign(&r->deadline, agent->base, registry_deadline, r);
	return r;
}

void
registry_ask(struct registry *r)
{
	static const char *const args[] = {"names", NULL};
	static const struct link_spec spec = {
		.program = "p11-agent-provider",
		.foreign = true,
		.args = args,
		.in_max_bytes = WIRE_REPLY_MAX_BYTES,
		.out_max_bytes = WIRE_QUEUE_MAX_BYTES,
	};
	const struct wire_start start = {
		.role = WIRE_ROLE_NAMES,
		.provider = bytes_str("p11-kit"),
	};
	const struct timeval limit = {.tv_sec = SCAN_MAX_SEC};

	if (r->link != NULL)
		return;
	registry_clear(r);
	r->link = link_start(r->agent, &spec, &registry_events, r);
	if (r->link == NULL) {
		registry_failed(r, "its process cannot be started");
		return;
	}
	wire_start_put(link_out(r->link), &start);
	link_flush(r->link);
	evtimer_add(&r->deadline, &limit);
}

void
registry_forget(struct registry *r)
{
	bool asked = r->link != NULL || r->n_scans > 0;
	struct provider *p;

	registry_hang_up(r);
	registry_leave_scans(r);
	TAILQ_FOREACH(p, &r->agent->providers, entry) {
		p->named = false;
		asked |= p->awaits_name;
	}
	p = providers_placeholder(r->agent);
	if (p != NULL && p->state == PROVIDER_SCANNING)
		p->awaits_name = true;
	if (asked)
		registry_ask(r);
}

static bool
is_named(const struct agent *a, const struct config_provider *m)
{
	const struct provider *p;

	TAILQ_FOREACH(p, &a->providers, entry)
		if (p->remote != NULL && strcmp(p->module, m->module) == 0)
			return true;
	return false;
}

const struct config_provider *
registry_unused(const struct registry *r, size_t *i)
{
	while (*i < r->own.n) {
		const struct config_provider *m = &r->own.items[(*i)++];

		if (!is_named(r->agent, m))
			return m;
	}
	return NULL;
}
