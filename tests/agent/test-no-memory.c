/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory runs out at each allocation in turn: what was half made is given
 * back (LeakSanitizer looks), and with memory again all works.
 */
#include <stdlib.h>

#include "agent/config-flat.h"
#include "agent/provider.h"
#include "agent/token.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

/* The linker's names, see meson.build. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);

enum { MANY = 1000 };

/* How many allocations go well yet; -1: all. */
static int memory_left = -1;
static bool ran_out;

static bool
memory_is_there(void)
{
	if (memory_left < 0)
		return true;
	if (memory_left > 0) {
		memory_left--;
		return true;
	}
	ran_out = true;
	return false;
}

void *
__wrap_malloc(size_t size)
{
	return memory_is_there() ? __real_malloc(size) : NULL;
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return memory_is_there() ? __real_calloc(n, size) : NULL;
}

void *
__wrap_realloc(void *p, size_t size)
{
	return memory_is_there() ? __real_realloc(p, size) : NULL;
}

char *
__wrap_strdup(const char *s)
{
	return memory_is_there() ? __real_strdup(s) : NULL;
}

/* Each allocation in turn is the first that fails; so do those behind it. */
static void
at_each_allocation(void (*attempt)(void *arg), void *arg)
{
	int n = 0;

	do {
		assert_true(n < MANY);
		ran_out = false;
		memory_left = n++;
		attempt(arg);
		memory_left = -1;
	} while (ran_out);
	assert_true(n > 1);
}

static const struct world_key keys[] = {
	{.number = 1, .reason = "no mechanism"},
	{.number = 2},
	{0},
};

struct table {
	struct agent *agent;
	struct provider *provider;
	struct wire_token token;
	struct buffer frame;
};

static int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->agent = world_agent();
	t->provider = world_provider(t->agent, "soft", NULL);
	world_section(t->agent, "k")->has_uri = true;
	t->frame = BUFFER_INIT(1024 * 1024);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct table *t = *state;

	agent_free(t->agent);
	buffer_clear(&t->frame);
	free(t);
	return 0;
}

static struct token *
report(struct table *t, const char *reader)
{
	struct token_id id = world_token_id("label", "1");
	struct wire_token w;
	int left = memory_left;

	memory_left = -1;
	id.slot_description = bytes_str(reader);
	buffer_clear(&t->frame);
	world_put_token(&t->frame, &id, 0, keys);
	assert_int_equal(wire_token_parse(bytes_of(t->frame.p + 5,
	    t->frame.len - 5), &w), PARSE_OK);
	memory_left = left;
	return token_report(t->provider, &w, TOKEN_VIEW_SCAN);
}

static void
report_new(void *arg)
{
	struct table *t = arg;
	struct token *token = report(t, "Reader 00");

	assert_true(token != NULL || ran_out);
	memory_left = -1;
	token = TAILQ_FIRST(&t->agent->tokens);
	if (token != NULL)
		token_free(token);
}

static void
a_token_that_is_new(void **state)
{
	at_each_allocation(report_new, *state);
}

/* A token that is known, and comes back in another reader. */
static void
report_back(void *arg)
{
	struct table *t = arg;
	struct token *token, *back;

	token = TAILQ_FIRST(&t->agent->tokens);
	token->present = token->scanned = false;
	back = report(t, bytes_is(token->id.slot_description, "Reader 00") ?
	    "Another reader" : "Reader 00");
	assert_true(back == token || (back == NULL && ran_out));
	/* Whatever it has now, it has it whole. */
	assert_true(bytes_is(token->id.label, "label"));
	assert_true(bytes_is(token->id.serial, "1"));
	assert_non_null(token->name);
}

static void
a_token_that_is_back(void **state)
{
	struct table *t = *state;

	assert_non_null(report(t, "Reader 00"));
	at_each_allocation(report_back, t);
	assert_int_equal(TAILQ_FIRST(&t->agent->tokens)->n_keys, 2);
}

static void
make_provider(void *arg)
{
	struct table *t = arg;
	char name[] = "second", module[] = "/lib/second.so", args[] = "x";
	const struct config_provider s = {
		.name = name, .module = module, .init_args = args,
	};
	struct provider *p = provider_new(t->agent, &s);

	assert_true(p != NULL || ran_out);
	provider_free(p);
}

static void
a_provider(void **state)
{
	at_each_allocation(make_provider, *state);
}

static void
make_agent(void *arg)
{
	struct agent *a = agent_new("/nonexistent/p11-agent.conf");

	(void)arg;
	assert_true(a != NULL || ran_out);
	agent_free(a);
}

static void
an_agent(void **state)
{
	at_each_allocation(make_agent, *state);
}

static void
read_config(void *arg)
{
	const struct buffer *flat = arg;
	struct config *c = NULL;
	enum parse_err err = config_parse(buffer_bytes(flat), &c);

	assert_true(err == PARSE_OK || (err == PARSE_MEMORY && ran_out));
	config_free(c);
}

static void
a_config(void **state)
{
	struct table *t = *state;

	config_put(&t->frame, t->agent->config);
	assert_false(t->frame.failed);
	at_each_allocation(read_config, &t->frame);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_token_that_is_new, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(a_token_that_is_back, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(a_provider, setup, teardown),
		cmocka_unit_test(an_agent),
		cmocka_unit_test_setup_teardown(a_config, setup, teardown),
	};

	return cmocka_run_group_tests_name("agent/no-memory", tests, NULL,
	    NULL);
}
