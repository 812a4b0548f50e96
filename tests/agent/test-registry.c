/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Providers by p11-kit's names, with processes that answer as told
 * (fake-provider.c). What p11-kit itself says: tests/pkcs11.
 */
#include "agent/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/provider-list.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

/* What a process says; a new agent. */
static struct agent *
begin(const char *script)
{
	assert_int_equal(setenv("P11_FAKE", script, 1), 0);
	return world_agent();
}

/* A config with a key section, and these providers ("NAME=MODULE"). */
static void
configure(struct agent *a, const char *const *providers)
{
	struct config *c = config_new();

	assert_non_null(c);
	c->providers = calloc(4, sizeof(*c->providers));
	c->keys = calloc(1, sizeof(*c->keys));
	assert_non_null(c->providers);
	assert_non_null(c->keys);
	c->keys[c->n_keys++] = (struct config_key){
		.name = world_copy("k"),
		.has_uri = true,
		.place = {world_copy("a.conf"), 1},
	};
	for (; providers != NULL && *providers != NULL; providers++) {
		const char *module = strchr(*providers, '=') + 1;
		char name[32];

		snprintf(name, sizeof(name), "%.*s",
		    (int)(module - *providers) - 1, *providers);
		c->providers[c->n_providers++] = (struct config_provider){
			.name = world_copy(name),
			.module = world_copy(module),
			.place = {world_copy("a.conf"), 2},
		};
	}
	agent_configure(a, c);
}

#define CONFIGURE(a, ...) \
	configure((a), (const char *const[]){__VA_ARGS__, NULL})

static bool
is_at_rest(void *arg)
{
	const struct agent *a = arg;
	const struct provider *p;

	TAILQ_FOREACH(p, &a->providers, entry)
		if (p->state == PROVIDER_SCANNING)
			return false;
	return true;
}

static void
settle(struct agent *a)
{
	assert_true(world_run(a, is_at_rest, a));
}

static struct provider *
get(struct agent *a, const char *name)
{
	struct provider *p;

	TAILQ_FOREACH(p, &a->providers, entry)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

static void
test_may_know(void **state)
{
	static const struct {
		const char *module;
		bool want;
	} cases[] = {
		{"opensc-pkcs11", true},
		{"opensc-pkcs11.so", false},
		{"libx.so.2", false},
		{"libx.dylib", false},
		{"/usr/lib/x", false},
		{"my.module", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (registry_may_know(cases[i].module) != cases[i].want)
			fail_msg("%s", cases[i].module);
}

static void
test_all(void **state)
{
	struct agent *a = begin("names=b,ca,a");
	struct provider *p;

	(void)state;
	configure(a, NULL);
	assert_int_equal(TAILQ_FIRST(&a->providers)->state,
	    PROVIDER_SCANNING);
	settle(a);
	/* In p11-kit's order, without the trust module. */
	p = TAILQ_FIRST(&a->providers);
	assert_string_equal(p->name, "b");
	assert_int_equal(p->source, PROVIDER_REGISTERED);
	assert_int_equal(p->state, PROVIDER_READY);
	assert_string_equal(p->module, "/lib/b.so");
	assert_string_equal(provider_init_args(p), "lib/b.so");
	p = TAILQ_NEXT(p, entry);
	assert_string_equal(p->name, "a");
	p = TAILQ_NEXT(p, entry);
	assert_int_equal(p->source, PROVIDER_PLACEHOLDER);
	assert_int_equal(p->state, PROVIDER_READY);
	assert_null(TAILQ_NEXT(p, entry));
	assert_int_equal(a->n_exposed, 2);
	agent_free(a);
}

/* Asked for again: what is still there stays as it is. */
static void
test_all_again(void **state)
{
	struct agent *a = begin("names=a,b");
	struct provider *p;

	(void)state;
	configure(a, NULL);
	settle(a);
	p = get(a, "b");
	assert_int_equal(setenv("P11_FAKE", "names=c,b", 1), 0);
	configure(a, NULL);
	/* Until the answer comes, too. */
	assert_ptr_equal(get(a, "b"), p);
	assert_non_null(get(a, "a"));
	settle(a);
	assert_ptr_equal(get(a, "b"), p);
	assert_null(get(a, "a"));
	assert_ptr_equal(TAILQ_FIRST(&a->providers), get(a, "c"));
	/* A section of the same name is another thing. */
	CONFIGURE(a, "b=/lib/b.so");
	settle(a);
	assert_int_equal(get(a, "b")->source, PROVIDER_FILE);
	assert_null(get(a, "c"));
	assert_null(providers_placeholder(a));
	agent_free(a);
}

/* Commands: the system's are used, others by whoever names them. */
static void
test_commands(void **state)
{
	struct agent *a = begin("names=one,+two,|three");
	const struct config_provider *m;
	struct wire_start start;
	struct provider *p;
	size_t i = 0;

	(void)state;
	configure(a, NULL);
	settle(a);
	assert_null(get(a, "three"));
	p = get(a, "two");
	assert_string_equal(p->remote, "+two");
	/* The path reported of its file is not this one's. */
	free(p->real_path);
	p->real_path = NULL;
	assert_string_equal(provider_module(p), "+two");
	start = provider_start_of(p, WIRE_ROLE_SCAN);
	assert_true(start.remote && bytes_is(start.module, "two"));
	assert_false(provider_start_of(get(a, "one"), WIRE_ROLE_SCAN).remote);
	m = registry_unused(a->registry, &i);
	assert_string_equal(m->name, "three");
	assert_string_equal(m->remote, "|three");
	assert_null(registry_unused(a->registry, &i));
	/* Asked for again, it is the same. */
	configure(a, NULL);
	settle(a);
	assert_ptr_equal(get(a, "two"), p);
	CONFIGURE(a, "x=three", "y=four");
	settle(a);
	start = provider_start_of(get(a, "x"), WIRE_ROLE_TOKEN);
	assert_true(start.remote && bytes_is(start.module, "three"));
	assert_null(get(a, "x")->file);
	assert_string_equal(get(a, "y")->unknown, "no module four is "
	    "registered with p11-kit; registered are: one, two, three");
	i = 0;
	assert_null(registry_unused(a->registry, &i));
	/* The name stands for a file now. */
	assert_int_equal(setenv("P11_FAKE", "names=three", 1), 0);
	CONFIGURE(a, "x=three");
	settle(a);
	assert_null(get(a, "x")->remote);
	assert_string_equal(get(a, "x")->file, "/lib/three.so");
	agent_free(a);
}

static void
test_by_name(void **state)
{
	struct agent *a = begin("names=one,ca");
	struct provider *p;

	(void)state;
	CONFIGURE(a, "x=one", "y=ca", "z=two", "f=/lib/f.so");
	settle(a);
	p = get(a, "x");
	assert_string_equal(p->file, "/lib/one.so");
	assert_string_equal(provider_init_args(p), "lib/one.so");
	assert_null(p->unknown);
	/* Whoever names a trust module gets it. */
	assert_string_equal(get(a, "y")->file, "/lib/ca.so");
	p = get(a, "z");
	assert_null(p->file);
	assert_string_equal(p->unknown, "no module two is registered with "
	    "p11-kit; registered are: one");
	assert_false(get(a, "f")->named);
	agent_free(a);
}

static void
test_failures(void **state)
{
	static const struct {
		const char *script;
		const char *want;
	} cases[] = {
		{"names=a ask=failed", "CKR_GENERAL_ERROR"},
		{"names=a ask=die", "killed by signal 9"},
		{"names=a ask=exit", "exit status 3"},
		{"names=a ask=garbage", "nonsense"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct agent *a = begin(cases[i].script);
		struct provider *p;

		CONFIGURE(a, "x=a", "f=/lib/f.so");
		settle(a);
		p = get(a, "x");
		assert_int_equal(p->state, PROVIDER_FAILED);
		if (strstr(p->error, cases[i].want) == NULL ||
		    strstr(p->error, "cannot be listed: ") == NULL)
			fail_msg("%s: %s", cases[i].script, p->error);
		assert_int_equal(get(a, "f")->state, PROVIDER_READY);
		/* The next scan asks again. */
		assert_int_equal(setenv("P11_FAKE", "names=a", 1), 0);
		provider_scan(p, NULL);
		settle(a);
		assert_int_equal(p->state, PROVIDER_READY);
		assert_null(p->error);
		/* Without any section. */
		assert_int_equal(setenv("P11_FAKE", cases[i].script, 1), 0);
		configure(a, NULL);
		settle(a);
		p = TAILQ_FIRST(&a->providers);
		assert_int_equal(p->state, PROVIDER_FAILED);
		assert_non_null(strstr(p->error, cases[i].want));
		agent_free(a);
	}
}

static void
count(void *arg)
{
	++*(unsigned *)arg;
}

/* Whoever waits is told once, whatever becomes of the look-up. */
static void
test_waiting(void **state)
{
	struct agent *a = begin("names=a,b ask=hang");
	unsigned n = 0;
	struct scan_waiter w = {.done = count, .arg = &n};

	(void)state;
	configure(a, NULL);
	provider_scan(providers_placeholder(a), &w);
	world_spin(a);
	assert_int_equal(n, 0);
	/* Another config begins a new look-up; this one is answered. */
	assert_int_equal(setenv("P11_FAKE", "names=a,b", 1), 0);
	configure(a, NULL);
	assert_int_equal(n, 0);
	settle(a);
	assert_int_equal(n, 1);
	assert_non_null(get(a, "a"));
	/* One that names providers ends the wait. */
	assert_int_equal(setenv("P11_FAKE", "ask=hang", 1), 0);
	configure(a, NULL);
	provider_scan(providers_placeholder(a), &w);
	CONFIGURE(a, "x=/lib/x.so");
	assert_int_equal(n, 2);
	settle(a);
	assert_int_equal(n, 2);
	/* So does the end. */
	CONFIGURE(a, "x=name");
	provider_scan(get(a, "x"), &w);
	agent_free(a);
	assert_int_equal(n, 3);
}

/* A scan under way when the name turns out to be another module now. */
static void
test_other_module_meanwhile(void **state)
{
	struct agent *a = begin("names=one");
	unsigned n = 0;
	struct scan_waiter w = {.done = count, .arg = &n};
	struct provider *p;

	(void)state;
	CONFIGURE(a, "x=one");
	settle(a);
	p = get(a, "x");
	assert_int_equal(a->n_exposed, 2);
	assert_int_equal(setenv("P11_FAKE", "start=hang", 1), 0);
	provider_scan(p, &w);
	assert_non_null(p->scan);
	assert_int_equal(setenv("P11_FAKE", "names=", 1), 0);
	registry_forget(a->registry);
	registry_ask(a->registry);
	settle(a);
	assert_int_equal(n, 1);
	assert_null(p->file);
	assert_non_null(p->unknown);
	assert_int_equal(p->state, PROVIDER_READY);
	agent_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_may_know),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_all_again),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_by_name),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_other_module_meanwhile),
	};

	return cmocka_run_group_tests_name(
	    "agent/registry", tests, NULL, NULL);
}
