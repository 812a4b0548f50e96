/* SPDX-License-Identifier: BSD-2-Clause */
/* No PIN try is wasted (design section 9). */
#include <stdio.h>
#include <stdlib.h>

#include "agent/login-state.h"
#include "tests/agent/login-play.h"

static void
one_prompt_one_login(void **state)
{
	struct waiter a = {0};

	(void)state;
	waiter_asks(&a);
	assert_true(play.prompt_open);
	assert_int_equal(play.client_pid, 77);
	assert_non_null(strstr(play.text, "work (serial 0001)"));
	assert_non_null(strstr(play.text, "to sign with key \"k\""));
	assert_string_equal(play.warning, "");
	person("1234");
	assert_waits(&a);
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&a, "");
	assert_sent("1234");
	assert_int_equal(login_count(play.token->login), 1);
}

static void
a_wrong_pin_is_asked_again(void **state)
{
	struct waiter a = {0}, b = {0};

	(void)state;
	waiter_asks(&a);
	waiter_asks(&b);
	person("1111");
	token_says(WIRE_PIN_REFUSED, 0);
	assert_waits(&a);
	assert_waits(&b);
	assert_true(play.prompt_open);
	assert_non_null(strstr(play.warning, "The PIN was wrong."));
	assert_non_null(strstr(play.warning, "1 wrong PIN since"));
	/* The refused one did not go again by itself. */
	assert_sent("1111");
	person("1234");
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&a, "");
	assert_told(&b, "");
	assert_sent("1111 1234");
}

static void
the_refused_pin_is_not_sent_again(void **state)
{
	struct waiter a = {0}, b = {0};

	(void)state;
	waiter_asks(&a);
	person("1111");
	token_says(WIRE_PIN_REFUSED, 0);
	person("1111");
	assert_true(play.prompt_open);
	assert_non_null(strstr(play.warning, "refused before"));
	answer(ANSWER_CANCEL, "", false);
	assert_told(&a, "cancelled");
	/* Not by another way in, not in a later request either. */
	waiter_offers(&b, "1111");
	assert_told(&b, "refused before");
	waiter_unlocks(&b, "1111");
	assert_told(&b, "refused before");
	assert_sent("1111");
	waiter_unlocks(&b, "1234");
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&b, "");
	/* A good one ends it: the PIN may have been changed to that. */
	waiter_unlocks(&b, "1111");
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&b, "");
	assert_sent("1111 1234 1111");
}

static void
what_cannot_be_right_costs_no_try(void **state)
{
	static const struct {
		const char *pin, *warning;
	} cases[] = {
		{"", "empty"},
		{"123", "shorter"},
		{"123456789", "longer"},
	};
	char huge[SECRET_MAX_BYTES + 2];
	struct waiter a = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		waiter_asks(&a);
		person(cases[i].pin);
		assert_waits(&a);
		assert_non_null(strstr(play.warning, cases[i].warning));
		login_leave(&a.w);
		assert_false(play.prompt_open);
	}
	memset(huge, '1', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	waiter_asks(&a);
	person(huge);
	assert_non_null(strstr(play.warning, "too long"));
	login_leave(&a.w);
	waiter_offers(&a, "123");
	assert_told(&a, "shorter");
	assert_sent("");
	assert_string_equal(login_pin_state(play.token->login), "ok");
}

static void
prompts_of_one_request_have_a_limit(void **state)
{
	struct waiter a = {0};

	(void)state;
	waiter_asks(&a);
	for (int i = 0; i < PROMPT_ROUNDS_MAX; i++)
		person("1");
	assert_told(&a, "too many");
	assert_int_equal(play.prompts, PROMPT_ROUNDS_MAX);
	assert_sent("");
	/* The next request starts from nothing, and without a warning. */
	waiter_asks(&a);
	assert_true(play.prompt_open);
	assert_string_equal(play.warning, "");
	login_leave(&a.w);
}

static void
a_last_typo_ends_the_request(void **state)
{
	struct waiter a = {0};
	char pin[SECRET_MAX_BYTES];

	(void)state;
	waiter_asks(&a);
	for (int i = 0; i < PROMPT_ROUNDS_MAX; i++) {
		snprintf(pin, sizeof(pin), "111%d", i);
		person(pin);
		token_says(WIRE_PIN_REFUSED, 0);
	}
	assert_told(&a, "too many");
	assert_int_equal(play.n_sent, PROMPT_ROUNDS_MAX);
	assert_false(play.prompt_open);
}

static void
what_is_known_of_the_tries(void **state)
{
	static const struct {
		uint32_t flags;
		unsigned wrong;
		const char *state, *tries;
		bool final;
	} cases[] = {
		{0, 0, "ok", "", false},
		{TOKEN_PIN_COUNT_LOW, 0, "few tries left", "Only few", false},
		{TOKEN_PIN_FINAL_TRY, 0, "maybe the last try", "LAST", true},
		{0, 1, "few tries left", "1 wrong PIN since", false},
		{0, 2, "maybe the last try", "2 wrong PINs", true},
		{TOKEN_PIN_FINAL_TRY, 1, "maybe the last try", "LAST try:",
		    true},
		{TOKEN_PIN_NOT_SET, 0, "not set, says the token", "", false},
		{TOKEN_PIN_NOT_SET | TOKEN_PIN_COUNT_LOW, 0, "few tries left",
		    "Only few", false},
		{TOKEN_PIN_LOCKED, 0, "locked", "", false},
	};
	const struct login *l = play.token->login;
	char tries[256], pin[SECRET_MAX_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct waiter a = {0};

		play.token->flags = TOKEN_LOGIN_REQUIRED;
		waiter_unlocks(&a, "1234");
		token_says(WIRE_OK, 0);
		for (unsigned n = 0; n < cases[i].wrong; n++) {
			snprintf(pin, sizeof(pin), "%zu11%u", i, n);
			waiter_unlocks(&a, pin);
			token_says(WIRE_PIN_REFUSED, 0);
		}
		play.token->flags |= cases[i].flags;
		login_tries(l, tries, sizeof(tries));
		assert_string_equal(login_pin_state(l), cases[i].state);
		assert_int_equal(login_final_try(l), cases[i].final);
		if (cases[i].tries[0] == '\0')
			assert_string_equal(tries, "");
		else
			assert_non_null(strstr(tries, cases[i].tries));
	}
}

static void
a_cached_pin_is_tried_once(void **state)
{
	struct waiter a = {0};

	(void)state;
	waiter_asks(&a);
	answer(ANSWER_OK, "1111", true);
	token_says(WIRE_PIN_REFUSED, 0);
	assert_told(&a, "CKR_WHAT");
	assert_false(play.prompt_open);
	/* From now on a person, whatever the cache says. */
	waiter_asks(&a);
	answer(ANSWER_OK, "2222", true);
	assert_told(&a, "person");
	waiter_asks(&a);
	person("1234");
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&a, "");
	assert_sent("1111 1234");
	/* A good login by a person lets the cache help again. */
	waiter_asks(&a);
	answer(ANSWER_OK, "1234", true);
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&a, "");
}

static void
few_tries_are_for_persons(void **state)
{
	struct waiter a = {0};

	(void)state;
	play.token->flags |= TOKEN_PIN_COUNT_LOW;
	waiter_asks(&a);
	answer(ANSWER_OK, "1111", true);
	assert_told(&a, "person");
	assert_sent("");
	/* ssh-add -s counts as one, but not for the last try. */
	waiter_offers(&a, "2222");
	token_says(WIRE_PIN_REFUSED, TOKEN_PIN_FINAL_TRY);
	assert_told(&a, "CKR_WHAT");
	waiter_offers(&a, "3333");
	assert_told(&a, "last try");
	assert_sent("2222");
	/* A person is told, and then may. */
	waiter_asks(&a);
	assert_non_null(strstr(play.warning, "LAST try"));
	person("4444");
	token_says(WIRE_OK, 0);
	assert_told(&a, "");
	assert_sent("2222 4444");
}

static void
our_own_count_forbids_the_last_offer(void **state)
{
	struct waiter a = {0};

	(void)state;
	waiter_offers(&a, "1111");
	token_says(WIRE_PIN_REFUSED, 0);
	assert_told(&a, "CKR_WHAT");
	waiter_offers(&a, "2222");
	token_says(WIRE_PIN_REFUSED, 0);
	assert_told(&a, "CKR_WHAT");
	waiter_offers(&a, "3333");
	assert_told(&a, "last try");
	assert_sent("1111 2222");
	assert_int_equal(play.prompts, 0);
}

static void
nothing_is_sent_to_a_locked_token(void **state)
{
	struct waiter a = {0};

	(void)state;
	waiter_asks(&a);
	person("1111");
	token_says(WIRE_PIN_LOCKED, 0);
	assert_told(&a, "locked");
	assert_true(play.token->flags & TOKEN_PIN_LOCKED);
	waiter_asks(&a);
	assert_told(&a, "locked");
	waiter_offers(&a, "2222");
	assert_told(&a, "locked");
	waiter_unlocks(&a, "2222");
	assert_told(&a, "locked");
	assert_sent("1111");
	assert_false(play.prompt_open);
}

/* Many modules say "incorrect" for the very try that locked the PIN. */
static void
a_refusal_that_locked_is_the_end(void **state)
{
	struct waiter a = {0};

	(void)state;
	waiter_asks(&a);
	person("1111");
	token_says(WIRE_PIN_REFUSED, TOKEN_PIN_LOCKED);
	assert_false(play.prompt_open);
	assert_told(&a, "locked");
	assert_sent("1111");
}

/* By another program, between the prompt and its answer. */
static void
a_token_locked_meanwhile_gets_no_pin(void **state)
{
	struct waiter a = {0};

	(void)state;
	waiter_asks(&a);
	play.token->flags |= TOKEN_PIN_LOCKED;
	person("1111");
	assert_told(&a, "locked");
	assert_sent("");
}

/* The token's flag is a hint: a person's PIN is tried, and no other. */
static void
a_token_that_says_it_has_no_pin_is_for_persons(void **state)
{
	struct waiter a = {0};

	(void)state;
	play.token->flags |= TOKEN_PIN_NOT_SET;
	waiter_asks(&a);
	answer(ANSWER_OK, "1111", true);
	assert_told(&a, "person");
	assert_sent("");
	waiter_asks(&a);
	person("1111");
	token_says(WIRE_PIN_REFUSED, TOKEN_PIN_NOT_SET);
	person("1234");
	token_says(WIRE_OK, TOKEN_LOGGED_IN | TOKEN_PIN_NOT_SET);
	assert_told(&a, "");
	waiter_offers(&a, "1234");
	token_says(WIRE_OK, TOKEN_LOGGED_IN | TOKEN_PIN_NOT_SET);
	assert_told(&a, "");
	waiter_unlocks(&a, "1234");
	token_says(WIRE_OK, TOKEN_LOGGED_IN | TOKEN_PIN_NOT_SET);
	assert_told(&a, "");
	assert_sent("1111 1234 1234 1234");
}

static void
a_cancel_at_the_pad_pauses_too(void **state)
{
	struct waiter a = {0};

	(void)state;
	play.token->flags |= TOKEN_PROTECTED_PATH;
	waiter_asks(&a);
	assert_int_equal(play.n_sent, 1);
	token_says(WIRE_CANCELLED, TOKEN_PROTECTED_PATH);
	assert_told(&a, "CKR_WHAT");
	waiter_asks(&a);
	assert_told(&a, "cancelled");
	assert_int_equal(play.n_sent, 1);
	assert_int_equal(play.prompts, 0);
	waiter_unlocks(&a, NULL);
	assert_int_equal(play.n_sent, 2);
	token_says(WIRE_OK, TOKEN_PROTECTED_PATH | TOKEN_LOGGED_IN);
	assert_told(&a, "");
}

/* Nobody tells a person at the pad that it is the last try. */
static void
the_pad_is_not_lit_for_the_last_try(void **state)
{
	struct waiter a = {0};

	(void)state;
	play.token->flags |= TOKEN_PROTECTED_PATH | TOKEN_PIN_FINAL_TRY;
	waiter_asks(&a);
	assert_told(&a, "last try");
	assert_int_equal(play.n_sent, 0);
	/* p11-agentctl says it first. */
	waiter_unlocks(&a, NULL);
	assert_int_equal(play.n_sent, 1);
	token_says(WIRE_OK, TOKEN_PROTECTED_PATH | TOKEN_LOGGED_IN);
	assert_told(&a, "");
}

static void
a_wrong_pin_at_the_pad_is_not_asked_again(void **state)
{
	struct waiter a = {0};

	(void)state;
	play.token->flags |= TOKEN_PROTECTED_PATH;
	waiter_asks(&a);
	token_says(WIRE_PIN_REFUSED, TOKEN_PROTECTED_PATH);
	assert_told(&a, "CKR_WHAT");
	assert_int_equal(play.n_sent, 1);
	assert_string_equal(login_pin_state(play.token->login),
	    "few tries left");
}

static void
a_dead_process_drops_the_pin(void **state)
{
	struct waiter a = {0}, b = {0};

	(void)state;
	waiter_asks(&a);
	waiter_asks(&b);
	person("1111");
	login_process_gone(play.token->login, "killed by signal 11",
	    LOGIN_LOST);
	assert_told(&a, "signal 11");
	assert_told(&b, "signal 11");
	assert_sent("1111");
	assert_false(play.prompt_open);
	/* The next request asks a person. */
	waiter_asks(&a);
	assert_true(play.prompt_open);
	assert_sent("1111");
	/* A death while a person types costs nothing. */
	login_process_gone(play.token->login, "killed by signal 11",
	    LOGIN_LOST);
	assert_waits(&a);
	assert_true(play.prompt_open);
	login_leave(&a.w);
}

/* Whether a PIN that was cut off was right is not known. */
static void
a_pin_that_was_cut_off_is_for_persons(void **state)
{
	struct waiter a = {0};

	(void)state;
	waiter_asks(&a);
	answer(ANSWER_OK, "1111", true);
	assert_sent("1111");
	login_forget(play.token->login, "the screen was locked");
	assert_told(&a, "the screen was locked");
	waiter_asks(&a);
	answer(ANSWER_OK, "1111", true);
	assert_told(&a, "only a person may try now");
	assert_sent("1111");
}

/* With forget-on = { removal } the C_Login under way is the last to have it. */
static void
a_kept_pin_goes_with_its_token(void **state)
{
	struct config_token *section = calloc(1, sizeof(*section));
	struct config *c = play.agent->config;
	struct waiter a = {0};

	(void)state;
	assert_non_null(section);
	*section = (struct config_token){
		.name = world_copy("t"),
		.keep_pin_sec = UINT32_MAX,
		.forget_on = FORGET_ON_REMOVAL,
	};
	c->tokens = section;
	c->n_tokens = 1;
	waiter_asks(&a);
	person("1234");
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&a, "");
	assert_true(login_remembers(play.token->login));
	login_token_left(play.token->login, "its card has left", true);
	assert_false(login_remembers(play.token->login));
	waiter_asks(&a);
	assert_true(play.prompt_open);
	login_leave(&a.w);
}

static void
failures_end_the_request(void **state)
{
	static const enum wire_outcome cases[] = {WIRE_ERROR,
	    WIRE_NEED_LOGIN, WIRE_NEED_CONTEXT, WIRE_KEY_UNUSABLE};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct waiter a = {0};

		waiter_asks(&a);
		person("1234");
		token_says(cases[i], 0);
		assert_told(&a, "C_Login: CKR_WHAT");
		assert_int_equal(play.ended + play.lost, 0);
		assert_int_equal(play.n_sent, i + 1);
		assert_false(play.prompt_open);
		assert_string_equal(play.token->last_error,
		    "C_Login: CKR_WHAT");
	}
}

/* What was not sent, or is right, goes to a fresh process; once. */
static void
a_pin_that_is_not_in_doubt_climbs(void **state)
{
	struct waiter a = {0};

	(void)state;
	waiter_asks(&a);
	person("1234");
	token_lost(false);
	assert_waits(&a);
	assert_int_equal(play.lost, 1);
	assert_sent("1234 1234");
	token_says(WIRE_OK, 0);
	assert_told(&a, "");
	/* The same when the process ends before it reads the PIN. */
	waiter_asks(&a);
	person("1234");
	login_process_gone(play.token->login, "killed by signal 11",
	    LOGIN_UNSENT);
	assert_waits(&a);
	assert_sent("1234 1234 1234 1234");
	token_lost(false);
	assert_told(&a, "CKR_GONE");
	assert_sent("1234 1234 1234 1234");
	assert_int_equal(play.prompts, 2);
}

static void
a_pin_in_doubt_is_not_sent_again(void **state)
{
	struct waiter a = {0};

	(void)state;
	waiter_asks(&a);
	person("1234");
	token_lost(true);
	assert_told(&a, "CKR_GONE");
	assert_int_equal(play.lost, 1);
	/* Nor one that was not, when the process is ended by our will. */
	waiter_asks(&a);
	person("1234");
	login_process_gone(play.token->login, "the token is gone",
	    LOGIN_ENDED);
	assert_told(&a, "the token is gone");
	/* Nor to a token that has left. */
	waiter_asks(&a);
	person("1234");
	play.token->present = false;
	token_lost(false);
	assert_told(&a, "CKR_GONE");
	play.token->present = true;
	assert_sent("1234 1234 1234");
}

/* In the place of a kept PIN that was sent in vain a person is asked. */
static void
a_kept_pin_in_doubt_is_forgotten(void **state)
{
	struct secret *pin = secret_new(bytes_str("1234"));
	struct waiter a = {.again = true};

	(void)state;
	assert_non_null(pin);
	kept_pin_put(play.token->login->kept, pin, UINT32_MAX);
	secret_free(pin);
	waiter_asks(&a);
	assert_false(play.prompt_open);
	assert_sent("1234");
	token_lost(true);
	/* Told to go on, it wants a login of the fresh process. */
	assert_told(&a, "");
	assert_waits(&a);
	assert_true(play.prompt_open);
	assert_sent("1234");
	person("1234");
	token_lost(true);
	assert_told(&a, "CKR_GONE");
	assert_sent("1234 1234");
	waiter_asks(&a);
	assert_true(play.prompt_open);
	login_leave(&a.w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY(one_prompt_one_login),
		PLAY(a_wrong_pin_is_asked_again),
		PLAY(the_refused_pin_is_not_sent_again),
		PLAY(what_cannot_be_right_costs_no_try),
		PLAY(prompts_of_one_request_have_a_limit),
		PLAY(a_last_typo_ends_the_request),
		PLAY(what_is_known_of_the_tries),
		PLAY(a_cached_pin_is_tried_once),
		PLAY(few_tries_are_for_persons),
		PLAY(our_own_count_forbids_the_last_offer),
		PLAY(nothing_is_sent_to_a_locked_token),
		PLAY(a_refusal_that_locked_is_the_end),
		PLAY(a_token_locked_meanwhile_gets_no_pin),
		PLAY(a_token_that_says_it_has_no_pin_is_for_persons),
		PLAY(a_cancel_at_the_pad_pauses_too),
		PLAY(the_pad_is_not_lit_for_the_last_try),
		PLAY(a_wrong_pin_at_the_pad_is_not_asked_again),
		PLAY(a_dead_process_drops_the_pin),
		PLAY(a_pin_that_was_cut_off_is_for_persons),
		PLAY(a_kept_pin_goes_with_its_token),
		PLAY(failures_end_the_request),
		PLAY(a_pin_that_is_not_in_doubt_climbs),
		PLAY(a_pin_in_doubt_is_not_sent_again),
		PLAY(a_kept_pin_in_doubt_is_forgotten),
	};

	return cmocka_run_group_tests_name("agent/login", tests, NULL, NULL);
}
