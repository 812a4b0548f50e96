/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process that watches a module says, and how often it is started. */
#include "agent/watcher.h"

#include "agent/allowlist.h"
#include "tests/agent/link-play.h"
#include "tests/cmocka-all.h"

static const struct world_key KEYS[] = {{.number = 1}, {0}};

struct table {
	struct agent *agent;
	struct provider *provider;
	struct token *token;
};

/* A token that can be pulled out is watched. */
static int
setup(void **state)
{
	static struct table t;

	play_reset();
	t.agent = world_agent();
	world_section(t.agent, "k")->has_uri = true;
	t.provider = world_provider(t.agent, "soft", NULL);
	t.token = world_token(t.provider, "one", "1", TOKEN_REMOVABLE, KEYS);
	watchers_check(t.agent);
	assert_true(play.runs);
	*state = &t;
	return 0;
}

static int
teardown(void **state)
{
	struct table *t = *state;

	agent_free(t->agent);
	assert_false(play.runs);
	return 0;
}

/* One token of the picture. */
static void
says_token(const char *label, const char *serial)
{
	static const struct world_key none[] = {{0}};
	struct token_id id = world_token_id(label, serial);
	struct buffer b = BUFFER_INIT(64 * 1024);

	world_put_token(&b, &id, TOKEN_REMOVABLE, none);
	play_says(&b);
}

/* The picture is whole. */
static void
says_done(void)
{
	struct buffer b = BUFFER_INIT(64);

	wire_done_put(&b);
	play_says(&b);
}

static void
says_raw(const char *bytes, size_t len)
{
	struct buffer b = BUFFER_INIT(64);

	buffer_put_string(&b, bytes_of(bytes, len));
	play_says(&b);
}

static void
what_is_seen_stays(void **state)
{
	struct table *t = *state;

	says_token("one", "1");
	says_done();
	says_token("one", "1");
	says_done();
	assert_true(t->token->present);
	assert_int_equal(play.scans, 0);
	assert_int_equal(play.killed, 0);
	assert_int_equal(play.started, 1);
}

static void
what_is_not_seen_has_left(void **state)
{
	struct table *t = *state;

	says_token("one", "1");
	/* Not before the picture is whole. */
	says_token("two", "2");
	assert_int_equal(t->agent->n_exposed, 1);
	assert_int_equal(play.scans, 0);
	says_done();
	assert_int_equal(t->agent->n_exposed, 1);
	assert_int_equal(play.scans, 1);
	/* Nothing says when it comes back, so it is watched all the same. */
	says_done();
	assert_int_equal(t->agent->n_exposed, 0);
	assert_true(play.runs);
	assert_int_equal(play.scans, 1);
	says_token("one", "1");
	says_done();
	assert_int_equal(play.scans, 2);
}

/* An order to look anew: what was said of a picture so far is void. */
static void
a_picture_can_be_begun_anew(void **state)
{
	struct table *t = *state;

	says_token("two", "2");
	watcher_again(t->provider);
	assert_int_equal(play.started, 2);
	assert_int_equal(play.forgotten, 1);
	says_token("one", "1");
	says_done();
	assert_int_equal(play.scans, 0);
	assert_true(t->token->present);
}

static void
it_ends_when_nothing_needs_it(void **state)
{
	struct table *t = *state;

	t->token->flags &= ~(uint32_t)TOKEN_REMOVABLE;
	says_token("one", "1");
	says_done();
	assert_false(play.runs);
	assert_null(t->provider->watcher);
	watcher_again(t->provider);
	assert_false(play.runs);
}

static void
nonsense_ends_it(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{"\x42\0\0", 3}, /* no token */
		{"\x43?", 2},	 /* more than the end */
		{"\x63?", 2},	 /* no message that there is */
	};
	struct table *t = *state;
	struct token_id id = world_token_id("one", "1");
	struct buffer b = BUFFER_INIT(64 * 1024);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		says_raw(cases[i].bytes, cases[i].len);
		assert_int_equal(play.killed, i + 1);
		assert_true(t->token->present);
	}
	/* It knows nothing of keys. */
	play.killed = 0;
	world_put_token(&b, &id, TOKEN_REMOVABLE, KEYS);
	play_says(&b);
	assert_int_equal(play.killed, 1);
}

static void
a_flood_ends_it(void **state)
{
	struct table *t = *state;
	unsigned n = 0;

	while (play.killed == 0 && n++ < 1000 * 1000) {
		says_token("one", "1");
		says_done();
	}
	assert_true(play.killed > 0);
	assert_true(t->token->present);
}

/* A death costs nothing but time, and more of it the more there are. */
static void
it_rests_longer_and_longer(void **state)
{
	static const time_t rests[] = {1, 1, 1, 2, 4, 8, 16, 32, 60, 60};
	struct table *t = *state;

	for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
		play_ends();
		assert_int_equal(play.wait_sec, rests[i]);
		/* It cannot be hurried. */
		watcher_again(t->provider);
		watchers_check(t->agent);
		assert_false(play.runs);
		play_wait(t->agent);
		assert_true(play.runs);
	}
	assert_true(t->token->present);
	/* It does what it should: the next death is the first one. */
	says_token("one", "1");
	says_done();
	play_ends();
	assert_int_equal(play.wait_sec, 1);
}

static void
one_that_cannot_be_started_rests_as_well(void **state)
{
	struct table *t = *state;

	play_ends();
	play.fails = true;
	for (int i = 0; i < 3; i++)
		play_wait(t->agent);
	assert_int_equal(play.wait_sec, 2);
	play.fails = false;
	play_wait(t->agent);
	assert_true(play.runs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_seen_stays),
		TEST(what_is_not_seen_has_left),
		TEST(a_picture_can_be_begun_anew),
		TEST(it_ends_when_nothing_needs_it),
		TEST(nonsense_ends_it),
		TEST(a_flood_ends_it),
		TEST(it_rests_longer_and_longer),
		TEST(one_that_cannot_be_started_rests_as_well),
	};

	return cmocka_run_group_tests_name("agent/watcher", tests, NULL, NULL);
}
