/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agentctl unlock: which token is meant, and how long it is looked for. */
#include "agent/control.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/control.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

struct table {
	struct agent *agent;
	struct provider *provider;
	struct world_peer peer;
};

/* A scan finds the token "fake" with the serial number 1. */
static int
setup(void **state)
{
	static struct table t;
	const struct peer who = {.uid = getuid()};

	assert_int_equal(unsetenv("P11_FAKE"), 0);
	t = (struct table){.agent = world_agent()};
	world_section(t.agent, "k")->has_uri = true;
	t.provider = world_provider(t.agent, "soft", NULL);
	control_new(t.agent, world_pair(&t.peer), &who);
	*state = &t;
	return 0;
}

static int
teardown(void **state)
{
	struct table *t = *state;

	agent_free(t->agent);
	world_hang_up(&t->peer);
	return 0;
}

static void
ask_unlock(struct table *t, const char *name, const char *pin)
{
	const struct control_request q = {
		.n_words = name == NULL ? 1 : pin == NULL ? 2 : 3,
		.words = {bytes_str("unlock"), bytes_str(name),
		    bytes_str(pin)},
	};
	struct buffer b = BUFFER_INIT(CONTROL_REQUEST_MAX_BYTES);

	control_request_put(&b, &q);
	assert_true(world_send(t->agent, &t->peer, buffer_bytes(&b)));
	buffer_clear(&b);
}

/* The answer is about this token. */
static void
expect_token(struct table *t, const char *name)
{
	struct control_reply reply;
	json_t *json;

	assert_int_equal(control_reply_parse(world_receive(t->agent, &t->peer),
	    &reply), PARSE_OK);
	assert_int_equal(reply.status, CONTROL_OK);
	json = json_loadb((const char *)reply.text.p, reply.text.len, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json, "token")),
	    name);
	json_decref(json);
}

static void
expect_refusal(struct table *t, const char *words)
{
	struct control_reply reply;
	char text[1024];

	assert_int_equal(control_reply_parse(world_receive(t->agent, &t->peer),
	    &reply), PARSE_OK);
	assert_int_equal(reply.status, CONTROL_REFUSED);
	snprintf(text, sizeof(text), "%.*s", (int)reply.text.len,
	    (const char *)reply.text.p);
	if (strstr(text, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, text);
}

static void
a_token_that_nobody_saw_is_looked_for(void **state)
{
	struct table *t = *state;

	ask_unlock(t, "fake", NULL);
	expect_token(t, "fake (serial 1)");
	ask_unlock(t, "1", NULL);
	expect_token(t, "fake (serial 1)");
	ask_unlock(t, "other", NULL);
	expect_refusal(t, "there is no such token");
}

/* A client that says no more gets its answer, and is let go then. */
static void
who_says_no_more_is_answered(void **state)
{
	struct table *t = *state;

	ask_unlock(t, "fake", NULL);
	assert_int_equal(shutdown(t->peer.fd, SHUT_WR), 0);
	world_spin(t->agent);
	assert_false(TAILQ_EMPTY(&t->agent->controls));
	expect_token(t, "fake (serial 1)");
	assert_true(world_closed(t->agent, &t->peer));
	assert_true(TAILQ_EMPTY(&t->agent->controls));
}

static void
a_token_that_is_there_is_not_looked_for(void **state)
{
	static const struct world_key keys[] = {{.number = 7}, {0}};
	struct table *t = *state;

	world_token(t->provider, "one", "1", TOKEN_LOGIN_REQUIRED, keys);
	ask_unlock(t, "one", NULL);
	expect_token(t, "one (serial 1)");
	ask_unlock(t, NULL, NULL);
	expect_token(t, "one (serial 1)");
	assert_null(t->provider->scan);
	assert_int_equal(t->provider->state, PROVIDER_READY);
}

/* It may find the one that is meant. */
static void
without_a_name_it_waits_for_scans(void **state)
{
	struct table *t = *state;

	ask_unlock(t, NULL, NULL);
	expect_refusal(t, "no token waits for a PIN");
	assert_null(t->provider->scan);
	provider_scan(t->provider, NULL);
	ask_unlock(t, NULL, NULL);
	expect_token(t, "fake (serial 1)");
}

/* A PIN is for a token that the person was asked about. */
static void
nothing_is_looked_for_with_a_pin(void **state)
{
	struct table *t = *state;

	ask_unlock(t, "fake", "1234");
	expect_refusal(t, "there is no such token");
	assert_true(TAILQ_EMPTY(&t->agent->tokens));
}

static bool
nobody_is_connected(void *arg)
{
	const struct agent *a = arg;

	return TAILQ_EMPTY(&a->controls);
}

static void
one_who_leaves_is_not_waited_for(void **state)
{
	struct table *t = *state;

	ask_unlock(t, "fake", NULL);
	assert_non_null(t->provider->scan);
	world_hang_up(&t->peer);
	assert_true(world_run(t->agent, nobody_is_connected, t->agent));
	assert_true(TAILQ_EMPTY(&t->provider->waiters));
	/* For the teardown. */
	close(world_pair(&t->peer));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_token_that_nobody_saw_is_looked_for),
		TEST(who_says_no_more_is_answered),
		TEST(a_token_that_is_there_is_not_looked_for),
		TEST(without_a_name_it_waits_for_scans),
		TEST(nothing_is_looked_for_with_a_pin),
		TEST(one_who_leaves_is_not_waited_for),
	};

	return cmocka_run_group_tests_name("agent/control", tests, NULL, NULL);
}
