/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys that want their PIN for each signature: who is asked, how often. */
#include "tests/agent/login-play.h"

enum { N = 4 };

static void
signature_is_made(struct waiter *w)
{
	assert_true(signature_says(w, WIRE_PIN_GOOD, WIRE_OK, 0));
	login_over(play.token->login, &w->w);
}

static void
one_prompt_for_those_that_wait(void **state)
{
	struct waiter w[N] = {0}, late = {0};

	(void)state;
	for (size_t i = 0; i < N; i++)
		waiter_wants_pin(&w[i]);
	assert_non_null(strstr(play.text, "to sign with key \"9c\""));
	/* So that `release` does not take its token for idle. */
	assert_true(login_is_waited_for(play.token->login));
	person("1234");
	assert_true(play.person);
	/* Whoever comes after the answer has not been asked for. */
	assert_int_equal(w[0].signs, 1);
	assert_true(signature_says(&w[0], WIRE_PIN_GOOD, WIRE_OK, 0));
	waiter_wants_pin(&late);
	login_over(play.token->login, &w[0].w);
	for (size_t i = 1; i < N; i++) {
		assert_false(play.person);
		signature_is_made(&w[i]);
		assert_int_equal(w[i].signs, 1);
	}
	assert_sent("1234 1234 1234 1234");
	/* It is its turn, and it may ask. */
	assert_told(&late, "");
	assert_int_equal(late.signs, 0);
	waiter_wants_pin(&late);
	assert_int_equal(play.prompts, 2);
	person("1234");
	signature_is_made(&late);
	assert_int_equal(play.logins, 0);
}

static void
the_login_s_pin_serves_the_signature(void **state)
{
	struct waiter login = {0}, w = {0}, other = {0};

	(void)state;
	waiter_asks(&login);
	waiter_wants_pin(&w);
	waiter_asks(&other);
	person("1234");
	assert_int_equal(play.logins, 1);
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&login, "");
	assert_told(&other, "");
	signature_is_made(&w);
	assert_sent("1234 1234");
	assert_int_equal(play.prompts, 1);
	/* That was all. */
	waiter_wants_pin(&w);
	assert_int_equal(play.prompts, 2);
	login_leave(&w.w);
	assert_false(play.prompt_open);
}

/* A person is told which key it is for, and that is what it is for. */
static void
a_prompt_serves_the_key_that_it_names(void **state)
{
	static const uint8_t one[KEY_REF_BYTES] = {1}, two[KEY_REF_BYTES] = {2};
	struct waiter w[N] = {
		{.w.key = one}, {.w.key = two}, {.w.key = one},
		{.w.key = two},
	};

	(void)state;
	for (size_t i = 0; i < N; i++)
		waiter_wants_pin(&w[i]);
	person("1234");
	signature_is_made(&w[0]);
	signature_is_made(&w[2]);
	assert_sent("1234 1234");
	/* The other two ask in their own words. */
	assert_told(&w[1], "");
	assert_told(&w[3], "");
	waiter_wants_pin(&w[1]);
	waiter_wants_pin(&w[3]);
	assert_int_equal(play.prompts, 2);
	person("1234");
	signature_is_made(&w[1]);
	signature_is_made(&w[3]);
	assert_sent("1234 1234 1234 1234");
	assert_int_equal(play.prompts, 2);
}

/* A prompt of a login, too, is for the key that it names. */
static void
a_login_s_prompt_serves_the_key_that_it_names(void **state)
{
	static const uint8_t one[KEY_REF_BYTES] = {1}, two[KEY_REF_BYTES] = {2};
	struct waiter login = {.w.key = one}, w = {.w.key = two};
	struct waiter same = {.w.key = one};

	(void)state;
	waiter_asks(&login);
	waiter_wants_pin(&w);
	waiter_wants_pin(&same);
	person("1234");
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&login, "");
	signature_is_made(&same);
	assert_told(&w, "");
	assert_sent("1234 1234");
	assert_int_equal(play.prompts, 1);
	/* A PIN by `unlock` is for all. */
	waiter_wants_pin(&w);
	waiter_wants_pin(&same);
	waiter_unlocks(&login, "1234");
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&login, "");
	signature_is_made(&w);
	signature_is_made(&same);
	assert_int_equal(play.prompts, 2);
}

static void
a_wrong_pin_is_asked_again(void **state)
{
	struct waiter w[N] = {0};

	(void)state;
	for (size_t i = 0; i < N; i++)
		waiter_wants_pin(&w[i]);
	person("1111");
	assert_false(signature_says(&w[0], WIRE_PIN_TRIED, WIRE_PIN_REFUSED,
	    0));
	assert_int_equal(play.prompts, 2);
	assert_non_null(strstr(play.warning, "The PIN was wrong."));
	person("1111");
	assert_non_null(strstr(play.warning, "refused before"));
	assert_sent("1111");
	person("1234");
	for (size_t i = 0; i < N; i++)
		signature_is_made(&w[i]);
	assert_sent("1111 1234 1234 1234 1234");
}

/* By another program, while some of those that waited were served. */
static void
a_pin_that_was_changed_is_sent_once(void **state)
{
	struct waiter w[N] = {0};

	(void)state;
	for (size_t i = 0; i < N; i++)
		waiter_wants_pin(&w[i]);
	person("1234");
	signature_is_made(&w[0]);
	assert_false(signature_says(&w[1], WIRE_PIN_TRIED, WIRE_PIN_REFUSED,
	    0));
	assert_true(play.prompt_open);
	assert_sent("1234 1234");
	answer(ANSWER_CANCEL, "", false);
	for (size_t i = 1; i < N; i++)
		assert_told(&w[i], "cancelled");
	assert_sent("1234 1234");
}

static void
a_pin_in_doubt_is_not_sent_again(void **state)
{
	static const enum wire_outcome outcomes[] = {WIRE_LOST,
	    WIRE_NEED_LOGIN};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct waiter w = {0}, other = {0};

		waiter_wants_pin(&w);
		waiter_wants_pin(&other);
		person("1234");
		if (i < 2)
			assert_true(signature_says(&w, WIRE_PIN_TRIED,
			    outcomes[i], 0));
		else
			login_signature_lost(play.token->login);
		assert_int_equal(play.n_sent, i + 1);
		/* The next one has its turn when this one is over. */
		assert_waits(&other);
		login_over(play.token->login, &w.w);
		assert_told(&other, "");
		assert_int_equal(play.n_sent, i + 1);
	}
}

static void
failures_end_the_request(void **state)
{
	static const struct {
		enum wire_outcome outcome;
		enum wire_pin pin;
		const char *why;
	} cases[] = {
		{WIRE_ERROR, WIRE_PIN_TRIED, "CKR_WHAT"},
		{WIRE_PIN_LOCKED, WIRE_PIN_UNSEEN, "locked"},
		{WIRE_PIN_LOCKED, WIRE_PIN_TRIED, "locked"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct waiter w = {0}, other = {0};

		play.token->flags = TOKEN_LOGIN_REQUIRED | TOKEN_LOGGED_IN;
		waiter_wants_pin(&w);
		waiter_wants_pin(&other);
		person("1234");
		assert_false(signature_says(&w, cases[i].pin,
		    cases[i].outcome, 0));
		assert_told(&w, cases[i].why);
		assert_told(&other, cases[i].why);
		assert_int_equal(play.n_sent, i + 1);
	}
	/* It is locked now. */
	struct waiter w = {0};

	waiter_wants_pin(&w);
	assert_told(&w, "locked");
	assert_false(play.prompt_open);
}

static void
a_pin_that_was_held_is_asked_again(void **state)
{
	struct waiter w = {0};

	(void)state;
	waiter_wants_pin(&w);
	person("1234");
	assert_false(signature_says(&w, WIRE_PIN_UNSEEN, WIRE_PIN_HELD,
	    TOKEN_PIN_FINAL_TRY));
	assert_non_null(strstr(play.warning, "LAST"));
	person("1234");
	signature_is_made(&w);
	assert_sent("1234 1234");
}

/* The token forgot the user, and has not looked at the PIN. */
static void
the_user_is_logged_in_first(void **state)
{
	struct waiter w = {0};

	(void)state;
	waiter_wants_pin(&w);
	person("1234");
	assert_false(signature_says(&w, WIRE_PIN_UNSEEN, WIRE_NEED_LOGIN, 0));
	assert_int_equal(play.logins, 1);
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	signature_is_made(&w);
	assert_int_equal(play.prompts, 1);
	assert_sent("1234 1234 1234");
}

static void
a_pad_is_for_one_signature(void **state)
{
	struct waiter w = {0}, other = {0};

	(void)state;
	play.token->flags |= TOKEN_PROTECTED_PATH;
	waiter_wants_pin(&w);
	waiter_wants_pin(&other);
	assert_int_equal(play.prompts, 0);
	assert_true(play.notice_open);
	assert_int_equal(play.client_pid, 77);
	assert_non_null(strstr(play.text, "on the reader, to sign with"));
	assert_true(signature_says(&w, WIRE_PIN_GOOD, WIRE_OK,
	    TOKEN_PROTECTED_PATH));
	assert_false(play.notice_open);
	login_over(play.token->login, &w.w);
	assert_told(&other, "");
	waiter_wants_pin(&other);
	assert_true(play.notice_open);
	/* Not done on the pad is a cancelled prompt. */
	assert_false(signature_says(&other, WIRE_PIN_TRIED, WIRE_CANCELLED,
	    TOKEN_PROTECTED_PATH));
	assert_false(play.notice_open);
	assert_told(&other, "CKR_WHAT");
	waiter_wants_pin(&other);
	assert_told(&other, "cancelled");
	assert_int_equal(play.n_sent, 2);
}

static void
the_pad_is_not_lit_for_the_last_try(void **state)
{
	struct waiter w = {0};

	(void)state;
	play.token->flags |= TOKEN_PROTECTED_PATH | TOKEN_PIN_FINAL_TRY;
	waiter_wants_pin(&w);
	assert_told(&w, "last try");
	assert_false(play.notice_open);
	/* A person who was told may. */
	waiter_unlocks(&w, NULL);
	assert_true(play.notice_open);
	token_says(WIRE_OK, TOKEN_PROTECTED_PATH | TOKEN_LOGGED_IN);
	assert_told(&w, "");
	assert_false(play.notice_open);
}

/* What it was asked with is accounted for all the same. */
static void
a_client_leaves_with_the_pin_on_its_way(void **state)
{
	struct waiter w = {0}, other = {0};

	(void)state;
	waiter_wants_pin(&w);
	waiter_wants_pin(&other);
	person("1111");
	w.left = true;
	assert_true(signature_says(&w, WIRE_PIN_TRIED, WIRE_PIN_REFUSED, 0));
	login_over(play.token->login, &w.w);
	assert_true(play.prompt_open);
	assert_non_null(strstr(play.warning, "1 wrong PIN"));
	person("1234");
	signature_is_made(&other);
	assert_sent("1111 1234");
}

static void
lock_ends_all(void **state)
{
	struct waiter w[2] = {0};

	(void)state;
	waiter_wants_pin(&w[0]);
	waiter_wants_pin(&w[1]);
	person("1234");
	signature_is_made(&w[0]);
	/* The second one's signature is on its way. */
	login_forget(play.token->login, "locked by p11-agentctl");
	login_signature_lost(play.token->login);
	login_over(play.token->login, &w[1].w);
	waiter_wants_pin(&w[0]);
	assert_true(play.prompt_open);
	assert_sent("1234 1234");
	login_forget(play.token->login, "locked by p11-agentctl");
	assert_told(&w[0], "locked by p11-agentctl");
	assert_false(play.prompt_open);
}

static void
a_signature_that_cannot_be_sent_fails(void **state)
{
	struct waiter w[2] = {0};

	(void)state;
	waiter_wants_pin(&w[0]);
	waiter_wants_pin(&w[1]);
	play.login_fails = true;
	person("1234");
	assert_told(&w[0], "takes no PIN");
	assert_told(&w[1], "takes no PIN");
	assert_sent("");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY(one_prompt_for_those_that_wait),
		PLAY(a_prompt_serves_the_key_that_it_names),
		PLAY(a_login_s_prompt_serves_the_key_that_it_names),
		PLAY(the_login_s_pin_serves_the_signature),
		PLAY(a_wrong_pin_is_asked_again),
		PLAY(a_pin_that_was_changed_is_sent_once),
		PLAY(a_pin_in_doubt_is_not_sent_again),
		PLAY(failures_end_the_request),
		PLAY(a_pin_that_was_held_is_asked_again),
		PLAY(the_user_is_logged_in_first),
		PLAY(a_pad_is_for_one_signature),
		PLAY(the_pad_is_not_lit_for_the_last_try),
		PLAY(a_client_leaves_with_the_pin_on_its_way),
		PLAY(lock_ends_all),
		PLAY(a_signature_that_cannot_be_sent_fails),
	};

	return cmocka_run_group_tests_name("login-context", tests, NULL,
	    NULL);
}
