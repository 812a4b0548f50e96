/* SPDX-License-Identifier: BSD-2-Clause */
/* Who waits for a login, who brings a PIN, who leaves. */
#include "tests/agent/login-play.h"

static void
waiters_are_joined(void **state)
{
	struct waiter w[10] = {0};

	(void)state;
	for (size_t i = 0; i < 5; i++)
		waiter_asks(&w[i]);
	person("1234");
	/* Those who come while the token thinks are served as well. */
	for (size_t i = 5; i < 10; i++)
		waiter_asks(&w[i]);
	assert_int_equal(play.prompts, 1);
	assert_false(play.prompt_open);
	for (size_t i = 0; i < 10; i++)
		assert_waits(&w[i]);
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	for (size_t i = 0; i < 10; i++)
		assert_told(&w[i], "");
	assert_sent("1234");
}

static void
a_cancel_pauses_the_prompts(void **state)
{
	struct waiter a = {0}, b = {0};

	(void)state;
	waiter_asks(&a);
	waiter_asks(&b);
	answer(ANSWER_CANCEL, "", false);
	assert_told(&a, "cancelled");
	assert_told(&b, "cancelled");
	waiter_asks(&a);
	assert_told(&a, "cancelled");
	assert_int_equal(play.prompts, 1);
	/* `unlock` is a person's own wish. */
	waiter_unlocks(&a, "1111");
	token_says(WIRE_PIN_REFUSED, 0);
	assert_told(&a, "CKR_WHAT");
	waiter_asks(&a);
	assert_true(play.prompt_open);
	login_leave(&a.w);
}

/* Nobody is told that somebody said no. */
static void
a_prompt_that_nobody_answers(void **state)
{
	struct waiter a = {0};

	(void)state;
	waiter_asks(&a);
	nobody_answers();
	assert_told(&a, "nobody was there; no prompt for this token");
	waiter_asks(&a);
	assert_told(&a, "not answered");
	assert_int_equal(play.prompts, 1);
}

static void
the_last_to_leave_closes_the_prompt(void **state)
{
	struct waiter a = {0}, b = {0};

	(void)state;
	waiter_asks(&a);
	waiter_asks(&b);
	login_leave(&a.w);
	assert_true(play.prompt_open);
	login_leave(&b.w);
	assert_false(play.prompt_open);
	login_leave(&b.w);
	assert_int_equal(a.done + b.done, 0);
	/* No pause: nobody said no. */
	waiter_asks(&a);
	assert_int_equal(play.prompts, 2);
	login_leave(&a.w);
}

static void
a_login_goes_on_without_its_waiters(void **state)
{
	struct waiter a = {0}, b = {0};

	(void)state;
	waiter_asks(&a);
	person("1111");
	login_leave(&a.w);
	/* Nobody is there to be asked again. */
	token_says(WIRE_PIN_REFUSED, 0);
	assert_false(play.prompt_open);
	assert_int_equal(a.done, 0);
	waiter_asks(&a);
	person("1234");
	login_leave(&a.w);
	waiter_asks(&b);
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&b, "");
	assert_int_equal(a.done, 0);
	assert_sent("1111 1234");
}

static void
an_offer_is_tried_once(void **state)
{
	struct waiter a = {0};

	(void)state;
	waiter_offers(&a, "1111");
	assert_waits(&a);
	token_says(WIRE_PIN_REFUSED, 0);
	assert_told(&a, "CKR_WHAT");
	assert_int_equal(play.prompts, 0);
	assert_sent("1111");
}

static void
a_second_offer_does_not_queue(void **state)
{
	struct waiter a = {0}, b = {0};

	(void)state;
	waiter_offers(&a, "1111");
	waiter_offers(&b, "2222");
	assert_told(&b, "another PIN");
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&a, "");
	assert_sent("1111");
}

/* An offer takes the prompt's place; if it was wrong, a person is asked. */
static void
an_offer_while_a_prompt_is_open(void **state)
{
	struct waiter a = {0}, b = {0};

	(void)state;
	waiter_asks(&a);
	waiter_offers(&b, "1111");
	assert_false(play.prompt_open);
	token_says(WIRE_PIN_REFUSED, 0);
	assert_told(&b, "CKR_WHAT");
	assert_waits(&a);
	assert_true(play.prompt_open);
	assert_int_equal(play.client_pid, 77);
	person("1234");
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&a, "");
	assert_sent("1111 1234");
}

/* The prompt that follows knows who asks, and for what. */
static void
who_joins_an_offer_is_asked_when_it_fails(void **state)
{
	struct waiter a = {0}, b = {0};

	(void)state;
	waiter_offers(&b, "1111");
	waiter_asks(&a);
	token_says(WIRE_PIN_REFUSED, 0);
	assert_told(&b, "CKR_WHAT");
	assert_true(play.prompt_open);
	assert_int_equal(play.client_pid, 77);
	assert_non_null(strstr(play.text, "to sign with key"));
	login_leave(&a.w);
}

static void
an_offerer_that_left_gets_no_answer(void **state)
{
	struct waiter a = {0};

	(void)state;
	waiter_offers(&a, "1111");
	login_leave(&a.w);
	token_says(WIRE_PIN_REFUSED, 0);
	assert_int_equal(a.done, 0);
	assert_int_equal(play.prompts, 0);
}

static void
what_cannot_be_started_fails(void **state)
{
	struct waiter a = {0};

	(void)state;
	play.prompt_fails = true;
	waiter_asks(&a);
	assert_told(&a, "prompt");
	play.prompt_fails = false;
	play.start_fails = true;
	waiter_asks(&a);
	person("1234");
	assert_told(&a, "process");
	play.start_fails = false;
	play.login_fails = true;
	waiter_offers(&a, "1234");
	assert_told(&a, "process");
	play.login_fails = false;
	waiter_asks(&a);
	answer(ANSWER_NO_WAY, "", false);
	assert_told(&a, "no display");
	assert_string_equal(play.token->last_error, "no display");
	assert_sent("");
}

static void
who_asks_again_when_told_waits_anew(void **state)
{
	struct waiter a = {.again = true}, b = {0};

	(void)state;
	waiter_asks(&a);
	waiter_asks(&b);
	person("1234");
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&b, "");
	assert_int_equal(a.done, 1);
	assert_non_null(a.w.login);
	assert_true(play.prompt_open);
	assert_int_equal(play.prompts, 2);
	login_leave(&a.w);
}

static void
lock_forgets(void **state)
{
	struct waiter a = {0};

	(void)state;
	waiter_asks(&a);
	login_forget(play.token->login, "locked by somebody");
	assert_told(&a, "locked by somebody");
	assert_false(play.prompt_open);
	waiter_asks(&a);
	person("1234");
	login_forget(play.token->login, "locked by somebody");
	assert_told(&a, "locked by somebody");
	/* What the process still says to that changes nothing bad. */
	token_says(WIRE_PIN_REFUSED, 0);
	assert_int_equal(a.done, 0);
	assert_false(play.prompt_open);
	assert_sent("1234");
}

static void
a_token_that_goes_tells_its_waiters(void **state)
{
	struct waiter a = {0}, b = {0};

	(void)state;
	waiter_asks(&a);
	waiter_asks(&b);
	play.token = token_free(play.token);
	assert_told(&a, "gone");
	assert_told(&b, "gone");
	assert_false(play.prompt_open);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY(waiters_are_joined),
		PLAY(a_cancel_pauses_the_prompts),
		PLAY(a_prompt_that_nobody_answers),
		PLAY(the_last_to_leave_closes_the_prompt),
		PLAY(a_login_goes_on_without_its_waiters),
		PLAY(an_offer_is_tried_once),
		PLAY(a_second_offer_does_not_queue),
		PLAY(an_offer_while_a_prompt_is_open),
		PLAY(who_joins_an_offer_is_asked_when_it_fails),
		PLAY(an_offerer_that_left_gets_no_answer),
		PLAY(what_cannot_be_started_fails),
		PLAY(who_asks_again_when_told_waits_anew),
		PLAY(lock_forgets),
		PLAY(a_token_that_goes_tells_its_waiters),
	};

	return cmocka_run_group_tests_name("agent/login-waiters", tests, NULL, NULL);
}
