/* SPDX-License-Identifier: BSD-2-Clause */
/* What p11-agent-readers says of cards, and the scans that follow. */
#include "agent/readers.h"

#include "pkcs11/readers-wire.h"
#include "tests/agent/link-play.h"
#include "tests/cmocka-all.h"

static const struct world_key KEYS[] = {{.number = 1}, {0}};

struct table {
	struct agent *agent;
	struct readers *readers;
	struct provider *provider;
	struct readers_state picture; /* with one reader, that of world_token */
	struct card_reader *reader;
};

static int
setup(void **state)
{
	static struct table t;

	play_reset();
	t = (struct table){.agent = world_agent()};
	world_section(t.agent, "k")->has_uri = true;
	t.provider = world_provider(t.agent, "card", NULL);
	/* Else it is watched. */
	t.provider->pcsc = true;
	t.agent->config->start_wait_ms = 0;
	t.readers = t.agent->readers;
	t.picture.n_readers = 1;
	t.reader = &t.picture.readers[0];
	t.reader->name = bytes_str("Reader 00");
	readers_start(t.readers);
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

/* The program says how things are. */
static void
says(struct table *t)
{
	struct buffer b = BUFFER_INIT(READERS_MSG_MAX_BYTES);

	readers_state_put(&b, &t->picture);
	play_says(&b);
}

static void
insert(struct table *t)
{
	t->reader->card_present = true;
	t->reader->events++;
	says(t);
}

static void
pull_out(struct table *t)
{
	t->reader->card_present = false;
	t->reader->events++;
	says(t);
}

/* A scan is asked for after so many seconds, and ends without a token. */
static void
expect_look(struct table *t, time_t sec)
{
	unsigned scans = play.scans;

	assert_int_equal(play.wait_sec, sec);
	assert_int_equal(play.scans, scans);
	play_wait(t->agent);
	assert_int_equal(play.scans, scans + 1);
	readers_scanned(t->readers);
}

/* Its module may have looked too early. */
static void
a_card_that_no_scan_found_is_looked_for(void **state)
{
	struct table *t = *state;

	says(t);
	insert(t);
	assert_int_equal(play.scans, 1);
	expect_look(t, 1);
	expect_look(t, 2);
	expect_look(t, 4);
	/* It is no token of ours. */
	assert_false(play_waits());
	/* The next card has three again. */
	pull_out(t);
	insert(t);
	expect_look(t, 1);
	expect_look(t, 2);
	expect_look(t, 4);
	assert_false(play_waits());
}

/* At the start the first scans are under way anyway. */
static void
a_card_that_was_there_before_us(void **state)
{
	struct table *t = *state;

	t->provider->state = PROVIDER_SCANNING;
	insert(t);
	assert_int_equal(play.scans, 0);
	assert_false(play_waits());
	t->provider->state = PROVIDER_READY;
	readers_scanned(t->readers);
	expect_look(t, 1);
}

static void
one_that_a_scan_found_is_not_looked_for(void **state)
{
	struct table *t = *state;

	says(t);
	insert(t);
	expect_look(t, 1);
	world_token(t->provider, "one", "1", TOKEN_REMOVABLE, KEYS);
	/* Nor by the look that is due. */
	assert_int_equal(play.wait_sec, 2);
	play_wait(t->agent);
	assert_int_equal(play.scans, 2);
	readers_scanned(t->readers);
	assert_false(play_waits());
	/* Lost without an event, it has all three again. */
	token_leave(TAILQ_FIRST(&t->agent->tokens), "the module says so");
	readers_scanned(t->readers);
	expect_look(t, 1);
	expect_look(t, 2);
	expect_look(t, 4);
	assert_false(play_waits());
}

static void
one_that_left_is_not_looked_for(void **state)
{
	struct table *t = *state;

	says(t);
	insert(t);
	assert_true(play_waits());
	pull_out(t);
	assert_false(play_waits());
	assert_int_equal(play.scans, 1);
}

/* That program tells when it lets go of it, and a scan follows then. */
static void
one_that_is_held_is_not_looked_for(void **state)
{
	struct table *t = *state;

	t->reader->exclusive = true;
	says(t);
	insert(t);
	assert_int_equal(play.scans, 1);
	assert_false(play_waits());
	t->reader->exclusive = false;
	says(t);
	assert_int_equal(play.scans, 2);
	expect_look(t, 1);
}

static void
a_card_that_left_takes_its_token_along(void **state)
{
	struct table *t = *state;

	says(t);
	insert(t);
	world_token(t->provider, "one", "1", TOKEN_REMOVABLE, KEYS);
	assert_int_equal(t->agent->n_exposed, 1);
	/* Swapped between two looks. */
	t->reader->events += 2;
	says(t);
	assert_int_equal(t->agent->n_exposed, 0);
	assert_int_equal(play.scans, 2);
	world_token(t->provider, "one", "1", TOKEN_REMOVABLE, KEYS);
	t->picture.n_readers = 0;
	says(t);
	assert_int_equal(t->agent->n_exposed, 0);
	assert_int_equal(play.scans, 2);
}

static void
nonsense_ends_it(void **state)
{
	struct buffer b = BUFFER_INIT(64);

	(void)state;
	buffer_put_string(&b, bytes_str("P?"));
	play_says(&b);
	assert_int_equal(play.killed, 1);
	buffer_put_string(&b, bytes_str("?"));
	play_says(&b);
	assert_int_equal(play.killed, 2);
}

/* What was seen stays believed meanwhile. */
static void
it_rests_longer_and_longer(void **state)
{
	static const time_t rests[] = {1, 1, 1, 2, 4, 8, 16, 32, 60, 60};
	struct table *t = *state;

	says(t);
	insert(t);
	world_token(t->provider, "one", "1", TOKEN_REMOVABLE, KEYS);
	for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
		play_ends();
		assert_int_equal(play.wait_sec, rests[i]);
		/* Nobody hurries it. */
		readers_look(t->readers);
		assert_false(play.runs);
		play_wait(t->agent);
		assert_true(play.runs);
	}
	assert_int_equal(t->agent->n_exposed, 1);
	says(t);
	assert_int_equal(t->agent->n_exposed, 1);
	play_ends();
	assert_int_equal(play.wait_sec, 1);
	/* What happened in its absence shows. */
	play_wait(t->agent);
	pull_out(t);
	assert_int_equal(t->agent->n_exposed, 0);
}

static unsigned told;

static void
waiter_told(void *arg)
{
	(void)arg;
	told++;
}

static void
says_that_it_lives(void)
{
	struct buffer b = BUFFER_INIT(READERS_MSG_MAX_BYTES);

	readers_note_put(&b, READERS_ALIVE);
	play_says(&b);
}

/* A question serves all who want to know; any news is an answer, too. */
static void
it_is_asked_whether_it_lives(void **state)
{
	static const uint8_t ask[] = {0, 0, 0, 1, READERS_ASK};
	struct readers_waiter w[2] = {{.done = waiter_told},
	    {.done = waiter_told}};
	struct table *t = *state;

	says(t);
	assert_int_equal(play_heard()->len, 0);
	for (int news = 0; news < 2; news++) {
		told = 0;
		assert_true(readers_ask(t->readers, &w[0]));
		assert_true(readers_ask(t->readers, &w[1]));
		readers_ask_sometimes(t->readers);
		assert_int_equal(play_heard()->len, sizeof(ask));
		assert_memory_equal(play_heard()->p, ask, sizeof(ask));
		buffer_clear(play_heard());
		assert_int_equal(told, 0);
		if (news)
			insert(t);
		else
			says_that_it_lives();
		assert_int_equal(told, 2);
	}
	/* Just now it did. */
	readers_ask_sometimes(t->readers);
	assert_int_equal(play_heard()->len, 0);
	assert_int_equal(play.killed, 0);
}

static void
silence_ends_it(void **state)
{
	struct readers_waiter w = {.done = waiter_told};
	struct table *t = *state;

	told = 0;
	says(t);
	assert_null(readers_fault(t->readers));
	assert_true(readers_ask(t->readers, &w));
	assert_int_equal(play.wait_sec, 5);
	play_wait(t->agent);
	assert_int_equal(play.killed, 1);
	assert_int_equal(told, 0);
	play_ends();
	assert_int_equal(told, 1);
	assert_non_null(strstr(readers_fault(t->readers), "as told"));
	/* Nobody is there to be asked. */
	assert_false(readers_ask(t->readers, &w));
	play_wait(t->agent);
	insert(t);
	assert_null(readers_fault(t->readers));
	assert_int_equal(play.scans, 1);
	/* A waiter who leaves is not told. */
	assert_true(readers_ask(t->readers, &w));
	readers_leave(&w);
	readers_leave(&w);
	says_that_it_lives();
	assert_int_equal(told, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_card_that_no_scan_found_is_looked_for),
		TEST(a_card_that_was_there_before_us),
		TEST(one_that_a_scan_found_is_not_looked_for),
		TEST(one_that_left_is_not_looked_for),
		TEST(one_that_is_held_is_not_looked_for),
		TEST(a_card_that_left_takes_its_token_along),
		TEST(nonsense_ends_it),
		TEST(it_rests_longer_and_longer),
		TEST(it_is_asked_whether_it_lives),
		TEST(silence_ends_it),
	};

	return cmocka_run_group_tests_name("agent/readers", tests, NULL, NULL);
}
