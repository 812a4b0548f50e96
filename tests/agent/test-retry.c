/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scans and processes that die again and again (fake-provider.c): what was
 * known stays, they rest, and they try again when something changes.
 */
#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>

#include "agent/process.h"
#include "agent/provider-list.h"
#include "agent/report.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

static const struct world_key KEYS[] = {
	{.number = 7, .id = "\1"}, {.number = 8, .id = "\2"}, {0},
};

struct table {
	struct agent *agent;
	struct provider *provider;
	struct token *token;
};

/* What processes that start from now on do. */
static void
script(const char *words)
{
	assert_int_equal(setenv("P11_FAKE", words, 1), 0);
}

static int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	script("");
	t->agent = world_agent();
	world_section(t->agent, "k")->has_uri = true;
	t->provider = world_provider(t->agent, "soft", NULL);
	t->token = world_token(t->provider, "fake", "1", 0, KEYS);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct table *t = *state;

	agent_free(t->agent);
	free(t);
	return 0;
}

static bool
scan_died(void *arg)
{
	const struct table *t = arg;

	return t->provider->backoff.deaths > 0;
}

static bool
scan_rests(void *arg)
{
	const struct table *t = arg;

	return t->provider->scan == NULL &&
	    provider_retry_sec(t->provider) > 0;
}

static bool
scan_is_over(void *arg)
{
	const struct table *t = arg;

	return t->provider->state != PROVIDER_SCANNING;
}

static bool
process_is_gone(void *arg)
{
	const struct table *t = arg;

	return t->token->process == NULL;
}

static void
assert_listed(const struct table *t)
{
	assert_true(t->token->present);
	assert_int_equal(t->agent->n_exposed, 2);
}

/* By itself, without any change. */
static void
a_scan_that_died_is_made_up_for(void **state)
{
	static const char *const ways[] = {"start=die", "start=exit",
	    "start=flood", "start=garbage", "start=half"};
	struct table *t = *state;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		script(ways[i]);
		provider_scan(t->provider, NULL);
		assert_true(world_run(t->agent, scan_died, t));
		assert_non_null(t->provider->error);
		assert_listed(t);
		script("");
		/* One more may have begun before that. */
		while (t->provider->backoff.deaths > 0)
			assert_int_equal(event_base_loop(t->agent->base,
			    EVLOOP_ONCE), 0);
		assert_int_equal(t->provider->state, PROVIDER_READY);
		assert_null(t->provider->error);
		assert_listed(t);
	}
}

/* What the module itself said is no death: a scan tells the same again. */
static void
a_refusal_is_no_death(void **state)
{
	struct table *t = *state;

	script("start=failed");
	provider_scan(t->provider, NULL);
	assert_true(world_run(t->agent, scan_is_over, t));
	assert_int_equal(t->provider->state, PROVIDER_FAILED);
	assert_int_equal(t->provider->backoff.deaths, 0);
	assert_int_equal(provider_retry_sec(t->provider), -1);
	/* It has no token, by its own words; a watcher sees it come back. */
	assert_int_equal(t->agent->n_exposed, 0);
}

static json_int_t
reported(const struct table *t, const char *list, const char *member)
{
	json_t *status = report_status(t->agent);
	const json_t *v = json_object_get(json_array_get(json_object_get(
	    status, list), 0), member);
	json_int_t n = json_is_integer(v) ? json_integer_value(v) : -1;

	json_decref(status);
	return n;
}

static void
a_scan_that_dies_again_and_again_rests(void **state)
{
	struct table *t = *state;

	script("start=die");
	provider_scan(t->provider, NULL);
	assert_true(world_run(t->agent, scan_rests, t));
	assert_int_equal(reported(t, "providers", "deaths"), 3);
	assert_int_equal(reported(t, "providers", "again_in_sec"), 1);
	assert_listed(t);
	/* A reader has changed. */
	script("");
	t->provider->settled = true;
	providers_scan_again(t->agent);
	assert_true(world_run(t->agent, scan_is_over, t));
	assert_int_equal(t->provider->state, PROVIDER_READY);
	assert_int_equal(reported(t, "providers", "deaths"), 0);
	assert_int_equal(reported(t, "providers", "again_in_sec"), -1);
}

/* A card left, and the scan waits for it: it has LEAVE_SEC, no death. */
static void
a_scan_that_hangs_on_a_card_is_begun_anew(void **state)
{
	struct table *t = *state;

	script("start=hang");
	provider_scan(t->provider, NULL);
	provider_hurry(t->provider);
	script("");
	assert_true(world_run(t->agent, scan_is_over, t));
	assert_int_equal(t->provider->state, PROVIDER_READY);
	assert_int_equal(t->provider->backoff.deaths, 0);
	assert_null(t->provider->error);
	assert_listed(t);
	/* Nothing is under way that could be. */
	provider_hurry(t->provider);
	assert_null(t->provider->scan);
}

/* Of another module: one scan does. */
static void
a_scan_that_is_dropped_is_not_owed(void **state)
{
	struct table *t = *state;

	script("start=hang");
	provider_scan(t->provider, NULL);
	provider_scan_again(t->provider);
	assert_true(t->provider->again);
	provider_forget_module(t->provider);
	assert_true(t->provider->awaits_name);
	assert_false(t->provider->again);
	/* It took its tokens along. */
	assert_true(TAILQ_EMPTY(&t->agent->tokens));
}

static void
a_process_that_dies_again_and_again_rests(void **state)
{
	struct table *t = *state;

	script("start=die");
	for (int i = 0; i < 3; i++) {
		assert_true(process_start(t->token));
		assert_true(world_run(t->agent, process_is_gone, t));
	}
	assert_false(process_start(t->token));
	assert_int_equal(reported(t, "tokens", "deaths"), 3);
	assert_int_equal(reported(t, "tokens", "again_in_sec"), 1);
	assert_listed(t);
	/* unlock, reload, a card that came */
	backoff_wake(&t->token->backoff);
	assert_int_equal(reported(t, "tokens", "again_in_sec"), -1);
	assert_true(process_start(t->token));
	assert_true(world_run(t->agent, process_is_gone, t));
	assert_false(process_start(t->token));
	assert_int_equal(reported(t, "tokens", "again_in_sec"), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_scan_that_died_is_made_up_for),
		TEST(a_refusal_is_no_death),
		TEST(a_scan_that_dies_again_and_again_rests),
		TEST(a_scan_that_hangs_on_a_card_is_begun_anew),
		TEST(a_scan_that_is_dropped_is_not_owed),
		TEST(a_process_that_dies_again_and_again_rests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
