/* SPDX-License-Identifier: BSD-2-Clause */
/* Each try is in the file before its PIN is sent (design section 9). */
#include <stdio.h>
#include <stdlib.h>

#include "agent/login-state.h"
#include "tests/agent/login-play.h"

static struct pin_record *
record(void)
{
	return play.token->login->record;
}

static void
assert_counts(unsigned wrong, unsigned doubt)
{
	assert_int_equal(record()->wrong, wrong);
	assert_int_equal(record()->doubt, doubt);
	assert_int_equal(record()->pending, 0);
}

static void
assert_tries(const char *text)
{
	char tries[1024];

	login_tries(play.token->login, tries, sizeof(tries));
	if (strstr(tries, text) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", text, tries);
}

static void
the_process_dies(void)
{
	login_process_gone(play.token->login, "killed by signal 9",
	    LOGIN_LOST);
}

static void
first_the_file_then_the_token(void **state)
{
	struct waiter a = {0}, b = {0};

	(void)state;
	play.file = FILE_IS_SLOW;
	waiter_asks(&a);
	person("1111");
	assert_false(play.prompt_open);
	waiter_asks(&b);
	assert_sent("");
	assert_int_equal(record()->pending, 1);
	/* Only one is on its way. */
	struct waiter c = {0};
	waiter_offers(&c, "2222");
	assert_told(&c, "another PIN");
	file_says(NULL);
	assert_sent("1111");
	token_says(WIRE_PIN_REFUSED, 0);
	assert_counts(1, 0);
	person("1234");
	assert_sent("1111");
	file_says(NULL);
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&a, "");
	assert_told(&b, "");
	assert_counts(0, 0);
	assert_sent("1111 1234");
	assert_int_equal(play.stores, 2);
}

/* The example of the issue: a command's wrong PIN, and a kill each time. */
static void
eight_kills_and_one_try(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		struct waiter a = {0};

		waiter_asks(&a);
		assert_int_equal(play.persons_only, i > 0);
		answer(ANSWER_OK, "1111", true);
		if (i == 0)
			the_process_dies();
		assert_told(&a, i == 0 ? "signal 9" : "only a person");
	}
	assert_sent("1111");
	assert_counts(0, 1);
	assert_int_equal(login_pins_in_doubt(play.token->login), 1);
	assert_tries("1 PIN was sent and no answer said whether it was right");
	assert_string_equal(login_pin_state(play.token->login),
	    "few tries left");
	assert_true(record()->unattended_off);
}

static void
ssh_add_leaves_the_last_try(void **state)
{
	struct waiter a = {0};

	(void)state;
	for (int i = 0; i < 8; i++) {
		char pin[SECRET_MAX_BYTES];

		snprintf(pin, sizeof(pin), "111%d", i);
		waiter_offers(&a, pin);
		if (i < 2)
			the_process_dies();
		assert_told(&a, i < 2 ? "signal 9" : "last try");
	}
	assert_sent("1110 1111");
	assert_counts(0, 2);
	assert_tries("2 PINs were sent");
	assert_tries("LAST");
	/* A good one ends the doubt. */
	waiter_unlocks(&a, "1234");
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&a, "");
	assert_counts(0, 0);
	assert_string_equal(login_pin_state(play.token->login), "ok");
}

/* A try without yes or no counts as well; one that was not sent does not. */
static void
how_a_try_may_end(void **state)
{
	static const struct {
		enum wire_outcome outcome;
		unsigned wrong, doubt;
	} cases[] = {
		{WIRE_ERROR, 0, 1},
		{WIRE_PIN_REFUSED, 1, 0},
		{WIRE_CANCELLED, 0, 0},
		{WIRE_LOGGED_IN, 0, 0},
		{WIRE_PIN_HELD, 0, 0},
		{WIRE_PIN_EXPIRED, 0, 0},
		{WIRE_OK, 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct waiter a = {0};

		waiter_unlocks(&a, "1234");
		token_says(cases[i].outcome, 0);
		assert_int_equal(a.done, 1);
		assert_counts(cases[i].wrong, cases[i].doubt);
		play_teardown(state);
		play_setup(state);
	}
}

static void
what_was_not_sent_costs_nothing(void **state)
{
	struct login *l = play.token->login;
	struct waiter a = {0};

	(void)state;
	/* Nobody waits any more when the file is ready. */
	play.file = FILE_IS_SLOW;
	waiter_asks(&a);
	person("1111");
	login_leave(&a.w);
	assert_null(play.storing);
	assert_counts(0, 0);
	/* Locked, or away, meanwhile. */
	waiter_asks(&a);
	person("1111");
	login_forget(l, "locked by a test");
	assert_null(play.storing);
	assert_told(&a, "locked by a test");
	waiter_asks(&a);
	person("1111");
	login_token_left(l, "it left", false);
	assert_null(play.storing);
	assert_told(&a, "it left");
	/* Another program locked the PIN. */
	waiter_asks(&a);
	person("1111");
	play.token->flags |= TOKEN_PIN_LOCKED;
	file_says(NULL);
	assert_told(&a, "locked");
	play.token->flags &= ~(uint32_t)TOKEN_PIN_LOCKED;
	/* No process takes it, or it ends before it reads it. */
	play.file = FILE_TAKES;
	play.login_fails = true;
	waiter_asks(&a);
	person("1111");
	assert_told(&a, "takes no PIN");
	play.login_fails = false;
	assert_sent("");
	waiter_asks(&a);
	person("1111");
	login_process_gone(l, "the token was removed", LOGIN_STOPPED);
	assert_told(&a, "removed");
	assert_counts(0, 0);
	assert_false(record()->unattended_off);
}

/* The try waits for another program, and is forgotten meanwhile. */
static void
what_waits_for_the_token_was_not_sent(void **state)
{
	struct login *l = play.token->login;
	struct waiter a = {0};

	(void)state;
	waiter_asks(&a);
	answer(ANSWER_OK, "1111", true);
	taken_told(play.token->taken, true, "");
	login_process_gone(l, "its card is held", LOGIN_UNSENT);
	assert_waits(&a);
	login_forget(l, "the screen was locked");
	assert_told(&a, "the screen was locked");
	assert_counts(0, 0);
	assert_false(record()->unattended_off);
}

/* A fresh process gets the PIN that was not sent: that is still one try. */
static void
a_climb_is_one_try(void **state)
{
	struct waiter a = {0};

	(void)state;
	waiter_asks(&a);
	person("1111");
	token_lost(false);
	assert_sent("1111 1111");
	assert_int_equal(record()->pending, 1);
	assert_int_equal(play.stores, 1);
	the_process_dies();
	assert_told(&a, "signal 9");
	assert_counts(0, 1);
}

static void
a_program_s_pin_is_not_sent_unstored(void **state)
{
	struct waiter a = {0};

	(void)state;
	play.file = FILE_IS_SLOW;
	waiter_asks(&a);
	answer(ANSWER_OK, "1111", true);
	file_says("the disk is full");
	assert_told(&a, "only a person may try");
	assert_sent("");
	assert_counts(0, 0);
	/* The next time it is not even run. */
	play.file = FILE_IS_BROKEN;
	waiter_asks(&a);
	assert_true(play.persons_only);
	assert_non_null(strstr(play.warning, "cannot be stored"));
	/* A person has a way out. */
	person("1234");
	assert_sent("1234");
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&a, "");
	/* And what a file that works again. */
	play.file = FILE_IS_SLOW;
	waiter_asks(&a);
	person("1234");
	file_says(NULL);
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&a, "");
	waiter_asks(&a);
	assert_false(play.persons_only);
	login_leave(&a.w);
}

static void
ssh_add_has_one_try_unstored(void **state)
{
	struct waiter a = {0}, b = {0};

	(void)state;
	play.file = FILE_IS_BROKEN;
	waiter_offers(&a, "1111");
	the_process_dies();
	assert_told(&a, "signal 9");
	waiter_offers(&a, "2222");
	assert_told(&a, "its one try");
	assert_sent("1111");
	/* A try that was seen to be wrong is no better. */
	waiter_unlocks(&b, "1234");
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&b, "");
	waiter_offers(&a, "3333");
	token_says(WIRE_PIN_REFUSED, 0);
	assert_told(&a, "CKR_WHAT");
	waiter_offers(&a, "4444");
	assert_told(&a, "its one try");
	assert_sent("1111 1234 3333");
}

/* The first one is found out about while it is under way. */
static void
an_offer_that_cannot_be_stored(void **state)
{
	struct waiter a = {0}, b = {0};

	(void)state;
	waiter_unlocks(&b, "9999");
	token_says(WIRE_PIN_REFUSED, 0);
	assert_told(&b, "CKR_WHAT");
	play.file = FILE_IS_SLOW;
	waiter_asks(&b);
	waiter_offers(&a, "1111");
	file_says("the disk is full");
	assert_told(&a, "its one try");
	/* The waiter for a prompt has it back. */
	assert_true(play.prompt_open);
	assert_waits(&b);
	assert_sent("9999");
	login_leave(&b.w);
	assert_counts(1, 0);
}

static void
a_count_that_was_not_read(void **state)
{
	struct waiter a = {0};

	(void)state;
	record()->unread = true;
	assert_tries("of before are not known");
	waiter_asks(&a);
	assert_true(play.persons_only);
	answer(ANSWER_OK, "1111", true);
	assert_told(&a, "only a person");
	waiter_offers(&a, "1111");
	token_says(WIRE_PIN_REFUSED, 0);
	assert_told(&a, "CKR_WHAT");
	waiter_offers(&a, "2222");
	assert_told(&a, "its one try");
	assert_sent("1111");
	waiter_unlocks(&a, "1234");
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&a, "");
	assert_false(record()->unread);
}

static void
a_proven_pin_is_sent_at_once(void **state)
{
	struct secret *pin = secret_new(bytes_str("1234"));
	struct waiter a = {0};

	(void)state;
	assert_non_null(pin);
	kept_pin_put(play.token->login->kept, pin, UINT32_MAX);
	secret_free(pin);
	play.file = FILE_IS_BROKEN;
	waiter_asks(&a);
	assert_sent("1234");
	assert_int_equal(play.stores, 0);
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&a, "");
	/* The proven PIN is not right for ever. */
	waiter_asks(&a);
	the_process_dies();
	assert_told(&a, "");
	assert_counts(0, 1);
}

static void
a_signature_s_login_is_stored_too(void **state)
{
	struct waiter w[3] = {0};

	(void)state;
	play.file = FILE_IS_SLOW;
	waiter_wants_pin(&w[0]);
	waiter_wants_pin(&w[1]);
	person("1234");
	assert_sent("");
	file_says(NULL);
	assert_true(signature_says(&w[0], WIRE_PIN_GOOD, WIRE_OK, 0));
	login_over(play.token->login, &w[0].w);
	/* Proven: nothing to store. */
	assert_true(signature_says(&w[1], WIRE_PIN_GOOD, WIRE_OK, 0));
	login_over(play.token->login, &w[1].w);
	assert_int_equal(play.stores, 1);
	assert_sent("1234 1234");
	assert_counts(0, 0);
	/* The process dies with the next try. */
	waiter_wants_pin(&w[2]);
	person("1111");
	file_says(NULL);
	login_signature_lost(play.token->login);
	login_over(play.token->login, &w[2].w);
	assert_counts(0, 1);
}

/* The pad has the PIN, we have the count. */
static void
a_pad_s_try_is_stored_before_it_is_lit(void **state)
{
	struct waiter a = {0};

	(void)state;
	play.token->flags |= TOKEN_PROTECTED_PATH;
	play.file = FILE_IS_SLOW;
	waiter_asks(&a);
	assert_false(play.notice_open);
	assert_int_equal(play.n_sent, 0);
	file_says(NULL);
	assert_true(play.notice_open);
	assert_int_equal(play.n_sent, 1);
	the_process_dies();
	assert_told(&a, "signal 9");
	assert_counts(0, 1);
}

static bool
refused_is_gone(void *arg)
{
	(void)arg;
	return !kept_pin_is_there(record()->refused);
}

/* To tell it when it comes again; it might be right elsewhere. */
static void
a_refused_pin_is_forgotten(void **state)
{
	struct waiter a = {0};

	(void)state;
	play.hurry = true;
	waiter_unlocks(&a, "1111");
	token_says(WIRE_PIN_REFUSED, 0);
	assert_told(&a, "CKR_WHAT");
	assert_int_equal(play.kept_sec, 600);
	waiter_unlocks(&a, "1111");
	assert_told(&a, "refused before");
	assert_true(world_run(play.agent, refused_is_gone, NULL));
	waiter_unlocks(&a, "1111");
	assert_sent("1111 1111");
	token_says(WIRE_PIN_REFUSED, 0);
	assert_counts(2, 0);
}

static void
an_expired_pin_is_not_wrong(void **state)
{
	struct waiter a = {0}, b = {0};

	(void)state;
	waiter_asks(&a);
	waiter_asks(&b);
	person("1234");
	token_says(WIRE_PIN_EXPIRED, TOKEN_PIN_TO_CHANGE);
	assert_told(&a, "pkcs11-tool --module /lib/fake.so --login "
	    "--change-pin");
	assert_told(&b, "has to be changed");
	assert_false(play.prompt_open);
	assert_int_equal(play.prompts, 1);
	assert_counts(0, 0);
	assert_int_equal(play.ended, 1);
	assert_string_equal(login_pin_state(play.token->login),
	    "to be changed");
	assert_tries("--change-pin");
	/* Not proven: a person is asked once more, and it may be sent. */
	waiter_asks(&a);
	assert_non_null(strstr(play.warning, "--change-pin"));
	person("1234");
	token_says(WIRE_OK, TOKEN_LOGGED_IN);
	assert_told(&a, "");
	assert_sent("1234 1234");
	/* For one signature's login as well. */
	waiter_wants_pin(&a);
	person("1234");
	assert_false(signature_says(&a, WIRE_PIN_TRIED, WIRE_PIN_EXPIRED, 0));
	assert_told(&a, "--change-pin");
	assert_false(play.prompt_open);
	assert_counts(0, 0);
}

/* After the change the one we kept would cost a try. */
static void
an_expired_pin_is_not_kept(void **state)
{
	struct secret *pin = secret_new(bytes_str("1234"));
	struct login *l = play.token->login;
	char *text;

	(void)state;
	assert_non_null(pin);
	kept_pin_put(l->kept, pin, UINT32_MAX);
	secret_free(pin);
	text = login_pin_expired(l, "C_SignInit: CKR_PIN_EXPIRED");
	assert_non_null(text);
	assert_string_equal(play.token->last_error, text);
	assert_non_null(strstr(text, "C_SignInit: CKR_PIN_EXPIRED: its PIN has "
	    "to be changed"));
	free(text);
	assert_false(kept_pin_is_there(l->kept));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY(first_the_file_then_the_token),
		PLAY(eight_kills_and_one_try),
		PLAY(ssh_add_leaves_the_last_try),
		PLAY(how_a_try_may_end),
		PLAY(what_was_not_sent_costs_nothing),
		PLAY(what_waits_for_the_token_was_not_sent),
		PLAY(a_climb_is_one_try),
		PLAY(a_program_s_pin_is_not_sent_unstored),
		PLAY(ssh_add_has_one_try_unstored),
		PLAY(an_offer_that_cannot_be_stored),
		PLAY(a_count_that_was_not_read),
		PLAY(a_proven_pin_is_sent_at_once),
		PLAY(a_signature_s_login_is_stored_too),
		PLAY(a_pad_s_try_is_stored_before_it_is_lit),
		PLAY(a_refused_pin_is_forgotten),
		PLAY(an_expired_pin_is_not_wrong),
		PLAY(an_expired_pin_is_not_kept),
	};

	return cmocka_run_group_tests_name("agent/login-store", tests, NULL,
	    NULL);
}
