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

struct registry {
	struct agent *agent;
	struct link *link; /* owned; while p11-kit is being asked */
	struct event deadline;
	/* In p11-kit's order, trust modules behind the others; owned. */
	struct config_provider modules[MODULES_MAX];
	struct config_provider trusted[MODULES_MAX];
	size_t n_modules, n_trusted;
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
registry_clear(struct registry *r)
{
	for (size_t i = 0; i < r->n_modules; i++)
		config_provider_clear(&r->modules[i]);
	for (size_t i = 0; i < r->n_trusted; i++)
		config_provider_clear(&r->trusted[i]);
	r->n_modules = r->n_trusted = 0;
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
module_find(const struct config_provider *modules, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(modules[i].name, name) == 0)
			return &modules[i];
	return NULL;
}

/* "no module X is registered with p11-kit; registered are: A, B" */
static void
registry_say_unknown(const struct registry *r, const char *name, char *out,
    size_t size)
{
	size_t at = (size_t)snprintf(out, size, "no module %.128s is "
	    "registered with p11-kit", name);

	if (r->n_modules == 0)
		snprintf(out + at, size - at, ", nor any other");
	for (size_t i = 0; i < r->n_modules; i++) {
		const char *between = i == 0 ? "; registered are: " : ", ";
		size_t left = size - at;
		int n = snprintf(out + at, left, "%s%s", between,
		    r->modules[i].name);

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
	const struct config_provider *m;
	const char *file, *args;
	char unknown[NAMES_BYTES];

	m = module_find(r->modules, r->n_modules, p->module);
	if (m == NULL)
		m = module_find(r->trusted, r->n_trusted, p->module);
	file = m == NULL ? NULL : m->module;
	args = m == NULL ? NULL : m->init_args;
	if (!texts_equal(p->file, file) || !texts_equal(p->file_args, args))
		provider_forget_module(p);
	registry_say_unknown(r, p->module, unknown, sizeof(unknown));
	free(p->file);
	free(p->file_args);
	free(p->unknown);
	p->file = text_copy(file);
	p->file_args = text_copy(args);
	p->unknown = m == NULL ? strdup(unknown) : NULL;
	p->named = texts_equal(p->file, file) &&
	    texts_equal(p->file_args, args);
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
	providers_take(r->agent, r->modules, r->n_modules,
	    PROVIDER_REGISTERED);
	if (r->n_modules == 0)
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

/* One that is too much is left out. False when memory is out. */
static bool
registry_add(struct registry *r, const struct wire_registered *w)
{
	struct config_provider *list = w->trust_policy ? r->trusted :
	    r->modules;
	size_t *n = w->trust_policy ? &r->n_trusted : &r->n_modules;
	struct config_provider *m = &list[*n];

	if (*n == MODULES_MAX) {
		log_warn("more than %d modules are registered with p11-kit: "
		    "some are left out", MODULES_MAX);
		return true;
	}
	++*n;
	m->name = words_copy(w->name);
	m->module = bytes_strdup(w->module);
	if (w->init_args.len > 0 &&
	    (m->init_args = bytes_strdup(w->init_args)) == NULL)
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
	/* It would be a file of another name. */
	if (memchr(w.module.p, '\0', w.module.len) != NULL)
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
