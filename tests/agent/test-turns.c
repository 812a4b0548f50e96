/* SPDX-License-Identifier: BSD-2-Clause */
/* login = "each": signatures take turns, with a login each; and "1s". */
#include "agent/sign-job.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/login.h"
#include "agent/process.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

static const struct world_key KEYS[] = {{.number = 7}, {0}};

struct table {
	struct agent *agent;
	struct token *token;
	struct world_peer peer;
};

/* A token whose processes do what these words say (fake-provider.c). */
static void
begin(struct table *t, const char *words)
{
	struct config *c;
	char env[128];

	snprintf(env, sizeof(env), "P11_FAKE=%s", words);
	t->agent = world_agent();
	world_section(t->agent, "k")->has_uri = true;
	c = t->agent->config;
	c->tokens = calloc(1, sizeof(*c->tokens));
	assert_non_null(c->tokens);
	c->n_tokens = 1;
	c->tokens[0] = (struct config_token){
		.name = world_copy("t"), .place = {world_copy("a.conf"), 1},
		.login = LOGIN_EACH,
	};
	t->token = world_token(world_provider(t->agent, "soft", env), "fake",
	    "1", TOKEN_LOGIN_REQUIRED, KEYS);
	world_client(t->agent, &t->peer);
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
	struct table *t = *state;

	agent_free(t->agent);
	world_hang_up(&t->peer);
	free(t);
	return 0;
}

static void
ask(struct table *t, const char *data)
{
	struct buffer out = BUFFER_INIT(1024);

	world_put_sign(&out, &t->token->keys[0], data, 0);
	assert_true(world_send(t->agent, &t->peer, buffer_bytes(&out)));
	buffer_clear(&out);
}

static void
ask_three(struct table *t)
{
	ask(t, "a");
	ask(t, "b");
	ask(t, "c");
}

static void
expect(struct table *t, int byte)
{
	assert_int_equal(world_signed(t->agent, &t->peer), byte);
}

static void
expect_three_failures(struct table *t)
{
	for (int i = 0; i < 3; i++)
		expect(t, -1);
	assert_true(TAILQ_EMPTY(&t->token->held));
	assert_null(t->token->owner);
}

static bool
prompt_is_open(void *arg)
{
	const struct table *t = arg;

	return login_is_waited_for(t->token->login);
}

/* Logged in, and at work on a signature. */
static bool
signs(void *arg)
{
	const struct token *t = ((struct table *)arg)->token;

	return t->process != NULL && (t->flags & TOKEN_LOGGED_IN) != 0 &&
	    process_is_busy(t->process);
}

/* A PIN serves one request, also when others wait already. */
static void
one_after_the_other(void **state)
{
	char prompts[] = "/tmp/p11-turns.XXXXXX";
	int fd = mkstemp(prompts);
	struct table *t = *state;

	assert_true(fd >= 0);
	setenv("P11_FAKE_PROMPTS", prompts, 1);
	setenv("P11_FAKE_PIN", "1234", 1);
	begin(t, "");
	t->token->backoff.deaths = 2;
	ask_three(t);
	expect(t, 'a');
	expect(t, 'b');
	expect(t, 'c');
	/* Each signature ends its process, which is no death. */
	assert_int_equal(t->token->backoff.deaths, 0);
	assert_int_equal(login_count(t->token->login), 3);
	assert_int_equal(lseek(fd, 0, SEEK_END), 3);
	assert_int_equal(unsetenv("P11_FAKE_PROMPTS"), 0);
	unlink(prompts);
	close(fd);
}

/* Nobody's prompt opens behind the one that lock closed. */
static void
lock_fails_those_in_line(void **state)
{
	struct table *t = *state;

	begin(t, "");
	ask_three(t);
	assert_true(world_run(t->agent, prompt_is_open, t));
	token_close(t->token, "locked by a test");
	assert_null(t->token->process);
	assert_false(login_is_waited_for(t->token->login));
	expect_three_failures(t);
	assert_true(world_quiet(t->agent, &t->peer));
	assert_null(t->token->process);
}

static void
lock_ends_a_signature_under_way(void **state)
{
	struct table *t = *state;

	setenv("P11_FAKE_PIN", "1234", 1);
	begin(t, "sign-then=hang");
	ask_three(t);
	assert_true(world_run(t->agent, signs, t));
	token_close(t->token, "locked by a test");
	assert_null(t->token->process);
	expect_three_failures(t);
	assert_true(world_quiet(t->agent, &t->peer));
	assert_null(t->token->process);
}

/* Nobody in line sends a PIN, or starts a process to do so. */
static void
a_pin_that_locks_fails_all(void **state)
{
	struct table *t = *state;

	setenv("P11_FAKE_PIN", "1111", 1);
	begin(t, "locks");
	ask_three(t);
	expect_three_failures(t);
	assert_true(world_quiet(t->agent, &t->peer));
	assert_null(t->token->process);
}

/* The end of a login that has ended before is no end of anything. */
static void
a_login_s_time_ends_no_fresh_process(void **state)
{
	const struct timeval later = {.tv_sec = 1, .tv_usec = 100 * 1000};
	struct table *t = *state;
	pid_t pid;

	setenv("P11_FAKE_PIN", "1234", 1);
	begin(t, "");
	t->agent->config->tokens[0].login = LOGIN_SECONDS;
	t->agent->config->tokens[0].login_sec = 1;
	ask(t, "a");
	expect(t, 'a');
	process_end(t->token->process, "by a test");
	assert_true(process_start(t->token));
	pid = process_pid(t->token->process);
	assert_int_equal(event_base_loopexit(t->agent->base, &later), 0);
	assert_int_equal(event_base_dispatch(t->agent->base), 0);
	assert_non_null(t->token->process);
	assert_int_equal(process_pid(t->token->process), pid);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_after_the_other),
		TEST(lock_fails_those_in_line),
		TEST(lock_ends_a_signature_under_way),
		TEST(a_pin_that_locks_fails_all),
		TEST(a_login_s_time_ends_no_fresh_process),
	};

	return cmocka_run_group_tests_name("agent/turns", tests, NULL, NULL);
}
