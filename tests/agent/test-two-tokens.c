/* SPDX-License-Identifier: BSD-2-Clause */
/* One key on several tokens: who signs, and when another one takes over. */
#include "agent/sign-job.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/allowlist.h"
#include "agent/login.h"
#include "agent/process.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

static const struct world_key KEYS[] = {
	{.number = 7}, {.number = 8, .id = "\2"}, {0},
};

struct table {
	struct agent *agent;
	struct token *first, *second;
	struct world_peer peer;
};

/* Two tokens with the same keys, whose processes run by these scripts. */
static void
begin(struct table *t, const char *first, const char *second, uint32_t flags)
{
	char one[128], two[128];

	snprintf(one, sizeof(one), "P11_FAKE=%s", first);
	snprintf(two, sizeof(two), "P11_FAKE=%s", second);
	t->agent = world_agent();
	world_section(t->agent, "k")->has_uri = true;
	t->first = world_token(world_provider(t->agent, "a", one), "one", "1",
	    flags, KEYS);
	t->second = world_token(world_provider(t->agent, "b", two), "two",
	    "2", flags, KEYS);
	assert_int_equal(t->agent->n_exposed, 2);
	world_client(t->agent, &t->peer);
}

static void
end(struct table *t)
{
	t->agent = agent_free(t->agent);
	world_hang_up(&t->peer);
}

static int
setup(void **state)
{
	*state = calloc(1, sizeof(struct table));
	assert_non_null(*state);
	assert_int_equal(unsetenv("P11_FAKE_PIN"), 0);
	return 0;
}

static int
teardown(void **state)
{
	free(*state);
	return 0;
}

static void
ask(struct table *t, const char *data)
{
	struct buffer out = BUFFER_INIT(1024);

	world_put_sign(&out, &t->second->keys[0], data, 0);
	assert_true(world_send(t->agent, &t->peer, buffer_bytes(&out)));
	buffer_clear(&out);
}

static void
expect_signature(struct table *t, char byte)
{
	assert_int_equal(world_signed(t->agent, &t->peer), byte);
}

/* The first one, if a refused scan left it at all, runs nothing. */
static bool
first_is_at_rest(const struct table *t)
{
	const struct token *k;

	TAILQ_FOREACH(k, &t->agent->tokens, entry)
		if (k != t->second && k->process != NULL)
			return false;
	return true;
}

static void
expect_failure(struct table *t)
{
	assert_int_equal(world_signed(t->agent, &t->peer), -1);
	assert_true(world_quiet(t->agent, &t->peer));
}

/* Its process has said that it is ready, and has taken what was sent. */
static bool
process_runs(void *arg)
{
	const struct token *t = arg;

	return t->process != NULL && process_is_ready(t->process);
}

/* The process wants the PIN, and the prompt for it is open. */
static bool
prompt_is_open(void *arg)
{
	const struct token *t = arg;

	return process_runs(arg) && !process_is_busy(t->process);
}

static void
the_first_one_signs(void **state)
{
	struct table *t = *state;

	begin(t, "no-pin", "no-pin", 0);
	ask(t, "a");
	expect_signature(t, 'a');
	assert_non_null(t->first->process);
	assert_null(t->second->process);
	token_leave(t->first, "gone");
	allowlist_settle(t->agent);
	assert_int_equal(t->agent->n_exposed, 2);
	ask(t, "b");
	expect_signature(t, 'b');
	assert_non_null(t->second->process);
	end(t);
}

/* When the first one's fresh process could not do it either. */
static void
a_loss_moves_the_request(void **state)
{
	static const char *const scripts[] = {
		"no-pin sign=lost", "no-pin sign=die", "no-pin sign=garbage",
		"start=failed", "start=exit",
	};
	struct table *t = *state;

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		begin(t, scripts[i], "no-pin", 0);
		ask(t, "a");
		expect_signature(t, 'a');
		assert_true(process_runs(t->second));
		assert_true(first_is_at_rest(t));
		assert_true(world_quiet(t->agent, &t->peer));
		end(t);
	}
}

static void
each_is_tried_once(void **state)
{
	struct table *t = *state;

	begin(t, "no-pin sign=die", "no-pin sign=lost", 0);
	ask(t, "a");
	expect_failure(t);
	assert_null(t->first->process);
	assert_null(t->second->process);
	end(t);
}

/* One more token with the same keys. */
static struct token *
add_third(struct table *t, const char *script)
{
	char three[128];

	snprintf(three, sizeof(three), "P11_FAKE=%s", script);
	return world_token(world_provider(t->agent, "c", three), "three", "3",
	    t->second->flags, KEYS);
}

static void
the_third_one_signs(void **state)
{
	struct table *t = *state;
	struct token *third;

	begin(t, "no-pin sign=lost", "start=exit", 0);
	third = add_third(t, "no-pin");
	ask(t, "a");
	expect_signature(t, 'a');
	assert_non_null(third->process);
	assert_true(world_quiet(t->agent, &t->peer));
	end(t);
}

/* Nor does one get a PIN while nobody knows what became of the last one. */
static void
a_pin_that_was_sent_ends_it(void **state)
{
	struct table *t = *state;
	struct token *third;

	setenv("P11_FAKE_PIN", "1234", 1);
	begin(t, "start=exit", "login=die", TOKEN_LOGIN_REQUIRED);
	third = add_third(t, "");
	ask(t, "a");
	expect_failure(t);
	assert_null(third->process);
	end(t);
}

static void
a_refusal_moves_nothing(void **state)
{
	static const char *const scripts[] = {
		"no-pin sign=error", "no-pin sign=unusable",
		"no-pin sign=short",
	};
	struct table *t = *state;

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		begin(t, scripts[i], "no-pin", 0);
		ask(t, "a");
		expect_failure(t);
		assert_null(t->second->process);
		end(t);
	}
}

/* Wrong, or nobody knows: the other token gets no PIN in this request. */
static void
a_pin_that_was_sent_moves_nothing(void **state)
{
	static const struct {
		const char *script, *pin;
	} cases[] = {
		{"", "1111"}, {"login=die", "1234"}, {"login=garbage", "1234"},
	};
	struct table *t = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setenv("P11_FAKE_PIN", cases[i].pin, 1);
		begin(t, cases[i].script, "", TOKEN_LOGIN_REQUIRED);
		ask(t, "a");
		expect_failure(t);
		assert_null(t->second->process);
		end(t);
	}
}

/* The same when it leaves with the PIN on its way. */
static void
a_token_that_leaves_with_a_pin(void **state)
{
	struct table *t = *state;

	setenv("P11_FAKE_PIN", "1234", 1);
	begin(t, "login=hang", "", TOKEN_LOGIN_REQUIRED);
	ask(t, "a");
	assert_true(world_run(t->agent, prompt_is_open, t->first));
	while (!process_is_busy(t->first->process))
		event_base_loop(t->agent->base, EVLOOP_ONCE);
	token_leave(t->first, "gone");
	expect_failure(t);
	assert_null(t->second->process);
	end(t);
}

/* The prompt goes with its token, and the other one's comes. */
static void
a_token_that_leaves_during_its_prompt(void **state)
{
	struct table *t = *state;

	begin(t, "", "", TOKEN_LOGIN_REQUIRED);
	ask(t, "a");
	assert_true(world_run(t->agent, prompt_is_open, t->first));
	setenv("P11_FAKE_PIN", "1234", 1);
	token_leave(t->first, "gone");
	expect_signature(t, 'a');
	assert_true((t->second->flags & TOKEN_LOGGED_IN) != 0);
	end(t);
}

/* A call that is under way has its time, then the other one signs. */
static void
a_token_that_leaves_during_a_signature(void **state)
{
	struct table *t = *state;

	begin(t, "no-pin sign=hang", "no-pin", 0);
	ask(t, "a");
	ask(t, "b");
	assert_true(world_run(t->agent, process_runs, t->first));
	token_leave(t->first, "gone");
	expect_signature(t, 'a');
	expect_signature(t, 'b');
	end(t);
}

/* With login = "each" those that wait for their turn go as well. */
static void
those_who_wait_their_turn_move(void **state)
{
	struct table *t = *state;
	struct config *c;

	setenv("P11_FAKE_PIN", "1234", 1);
	begin(t, "no-pin sign=hang", "", TOKEN_LOGIN_REQUIRED);
	c = t->agent->config;
	c->tokens = calloc(1, sizeof(*c->tokens));
	assert_non_null(c->tokens);
	c->n_tokens = 1;
	c->tokens[0] = (struct config_token){
		.name = world_copy("t"), .place = {world_copy("a.conf"), 1},
		.login = LOGIN_EACH,
	};
	ask(t, "a");
	ask(t, "b");
	ask(t, "c");
	assert_true(world_run(t->agent, process_runs, t->first));
	token_leave(t->first, "gone");
	expect_signature(t, 'a');
	expect_signature(t, 'b');
	expect_signature(t, 'c');
	end(t);
}

/* One that is PIN-locked, or hidden, is off the list: the other serves. */
static void
only_one_that_may_takes_over(void **state)
{
	struct table *t = *state;
	uintptr_t tried;

	begin(t, "no-pin sign=lost", "no-pin", 0);
	t->second->flags |= TOKEN_PIN_LOCKED;
	allowlist_update(t->agent);
	tried = (uintptr_t)t->first;
	assert_null(allowlist_other(t->agent, t->first->keys[0].ref, &tried,
	    1));
	ask(t, "a");
	expect_failure(t);
	assert_null(t->second->process);
	t->first->flags |= TOKEN_PIN_LOCKED;
	t->second->flags = 0;
	allowlist_update(t->agent);
	ask(t, "b");
	expect_signature(t, 'b');
	assert_null(t->first->process);
	end(t);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_one_signs),
		TEST(a_loss_moves_the_request),
		TEST(each_is_tried_once),
		TEST(the_third_one_signs),
		TEST(a_pin_that_was_sent_ends_it),
		TEST(a_refusal_moves_nothing),
		TEST(a_pin_that_was_sent_moves_nothing),
		TEST(a_token_that_leaves_with_a_pin),
		TEST(a_token_that_leaves_during_its_prompt),
		TEST(a_token_that_leaves_during_a_signature),
		TEST(those_who_wait_their_turn_move),
		TEST(only_one_that_may_takes_over),
	};

	return cmocka_run_group_tests_name("agent/two-tokens", tests, NULL,
	    NULL);
}
