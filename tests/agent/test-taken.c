/* SPDX-License-Identifier: BSD-2-Clause */
/* The test plays p11-agent-readers, the scans and the clock. */
#include "agent/taken.h"

#include <event2/event.h>
#include <stdlib.h>

#include "agent/clock.h"
#include "agent/provider.h"
#include "agent/readers.h"
#include "agent/token.h"
#include "common/limits.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

static struct {
	bool card;
	unsigned looks, scans;
	int64_t ms;
} play;

bool __wrap_readers_has_card(const struct readers *r, const struct token *t);
void __wrap_readers_look(struct readers *r);
void __wrap_provider_scan_again(struct provider *p);
int64_t __wrap_clock_ms(void);

bool
__wrap_readers_has_card(const struct readers *r, const struct token *t)
{
	(void)r;
	(void)t;
	return play.card;
}

void
__wrap_readers_look(struct readers *r)
{
	(void)r;
	play.looks++;
}

void
__wrap_provider_scan_again(struct provider *p)
{
	(void)p;
	play.scans++;
}

int64_t
__wrap_clock_ms(void)
{
	return play.ms;
}

struct waiter {
	struct taken_waiter w;
	unsigned told;
	enum taken_answer answer;
	struct taken *again; /* waits there once more when it is told */
};

static void
told(void *arg, enum taken_answer answer)
{
	struct waiter *w = arg;

	w->told++;
	w->answer = answer;
	if (w->again != NULL && w->told == 1)
		taken_wait(w->again, &w->w);
}

static void
wait_for(struct taken *k, struct waiter *w)
{
	*w = (struct waiter){.w.done = told};
	w->w.arg = w;
	taken_wait(k, &w->w);
	assert_int_equal(w->told, 0);
}

static void
assert_told(const struct waiter *w, enum taken_answer answer)
{
	assert_int_equal(w->told, 1);
	assert_int_equal(w->answer, answer);
	assert_null(w->w.taken);
}

struct table {
	struct agent *agent;
	struct token *token;
	struct taken *taken;
};

static int
setup(void **state)
{
	static const struct world_key keys[] = {{.number = 1}, {0}};
	struct table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	play.card = true;
	play.looks = play.scans = 0;
	play.ms = 1000000;
	t->agent = world_agent();
	world_section(t->agent, "k")->has_uri = true;
	t->token = world_token(world_provider(t->agent, "soft", NULL), "one",
	    "1", 0, keys);
	t->taken = t->token->taken;
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

static void
only_a_card_that_is_there_is_suspected(void **state)
{
	struct table *t = *state;

	play.card = false;
	assert_false(taken_suspect(t->taken, false));
	assert_false(taken_in_doubt(t->taken));
	play.card = true;
	assert_true(taken_suspect(t->taken, false));
	assert_true(taken_in_doubt(t->taken));
	assert_false(taken_is(t->taken));
	assert_int_equal(play.looks, 1);
}

/* A loss for another reason: a scan says more. */
static void
nobody_has_it(void **state)
{
	struct table *t = *state;
	struct waiter w;

	taken_suspect(t->taken, false);
	wait_for(t->taken, &w);
	taken_told(t->taken, false, "");
	assert_told(&w, TAKEN_NOT);
	assert_false(taken_in_doubt(t->taken));
	assert_int_equal(play.scans, 1);
	assert_true(t->token->present);
}

/* The scan has been: what it did not see has left. */
static void
nobody_has_it_and_no_scan_saw_it(void **state)
{
	struct table *t = *state;
	struct waiter w;

	taken_suspect(t->taken, true);
	assert_int_equal(t->agent->n_exposed, 1);
	wait_for(t->taken, &w);
	taken_told(t->taken, false, "");
	assert_told(&w, TAKEN_NOT);
	assert_int_equal(play.scans, 0);
	assert_true(TAILQ_EMPTY(&t->agent->tokens));
	assert_int_equal(t->agent->n_exposed, 0);
}

static void
it_is_let_go_of(void **state)
{
	struct table *t = *state;
	struct waiter w, more;

	t->token->backoff.deaths = 2;
	taken_suspect(t->taken, true);
	wait_for(t->taken, &w);
	taken_told(t->taken, true, "run this");
	assert_true(taken_is(t->taken));
	assert_int_equal(t->token->backoff.deaths, 0);
	assert_string_equal(taken_words(t->taken), TAKEN_WORDS "; run this");
	assert_string_equal(t->token->last_error, TAKEN_WORDS "; run this");
	assert_int_equal(w.told, 0);
	/* What is known may be old. */
	wait_for(t->taken, &more);
	assert_int_equal(play.looks, 2);
	taken_told(t->taken, true, "");
	taken_told(t->taken, false, "");
	assert_told(&w, TAKEN_FREE);
	assert_told(&more, TAKEN_FREE);
	assert_false(taken_in_doubt(t->taken));
	assert_true(t->token->present);
	assert_int_equal(play.scans, 0);
}

static bool
is_told(void *arg)
{
	const struct waiter *w = arg;

	return w->told > 0;
}

static bool
looks_again(void *arg)
{
	(void)arg;
	return play.looks > 3;
}

static void
it_is_not_let_go_of(void **state)
{
	struct table *t = *state;
	struct waiter w, late;

	taken_told(t->taken, true, "");
	wait_for(t->taken, &w);
	play.ms += 1000;
	wait_for(t->taken, &late);
	assert_true(world_run(t->agent, looks_again, NULL));
	assert_int_equal(w.told, 0);
	play.ms += TAKEN_WAIT_SEC * 1000 - 1000;
	assert_true(world_run(t->agent, is_told, &w));
	assert_told(&w, TAKEN_STILL);
	assert_int_equal(late.told, 0);
	assert_true(taken_is(t->taken));
	taken_leave(&late.w);
	/* Its time was over: it is told at once. */
	w.told = 0;
	taken_wait(t->taken, &w.w);
	assert_told(&w, TAKEN_STILL);
}

/* A loss like any other. */
static void
nobody_answers(void **state)
{
	struct table *t = *state;
	struct waiter w;

	taken_suspect(t->taken, true);
	wait_for(t->taken, &w);
	play.ms += TAKEN_WAIT_SEC * 1000;
	assert_true(world_run(t->agent, is_told, &w));
	assert_told(&w, TAKEN_NOT);
	assert_true(TAILQ_EMPTY(&t->agent->tokens));
}

static void
it_leaves(void **state)
{
	struct table *t = *state;
	struct waiter w;

	taken_told(t->taken, true, "");
	wait_for(t->taken, &w);
	token_leave(t->token, "its card has left");
	assert_told(&w, TAKEN_NOT);
	assert_true(TAILQ_EMPTY(&t->agent->tokens));
}

/* Taken again as soon as it was free; the time counts from the first wait. */
static void
who_waits_again_is_of_the_next_round(void **state)
{
	struct table *t = *state;
	struct waiter w;

	taken_told(t->taken, true, "");
	wait_for(t->taken, &w);
	w.again = t->taken;
	taken_told(t->taken, false, "");
	assert_int_equal(w.told, 1);
	assert_non_null(w.w.taken);
	taken_leave(&w.w);
	assert_null(w.w.taken);
}

static bool
has_process(void *arg)
{
	const struct token *t = arg;

	return t->process != NULL;
}

/* A client asks the held token for a signature, which then waits. */
static void
ask(struct table *t, struct world_peer *peer)
{
	struct buffer b = BUFFER_INIT(CLIENT_MSG_MAX_BYTES);

	world_client(t->agent, peer);
	taken_told(t->taken, true, "");
	world_put_sign(&b, &t->token->keys[0], "data", 0);
	assert_true(world_send(t->agent, peer, buffer_bytes(&b)));
	buffer_clear(&b);
	world_spin(t->agent);
	assert_null(t->token->process);
}

static void
a_signature_goes_on(void **state)
{
	struct table *t = *state;
	struct world_peer peer;

	ask(t, &peer);
	taken_told(t->taken, false, "");
	assert_non_null(t->token->process);
	world_hang_up(&peer);
}

/* One key on two tokens is one identity: the other one signs in the end. */
static void
a_signature_moves_to_the_other_token(void **state)
{
	static const struct world_key keys[] = {{.number = 1}, {0}};
	struct table *t = *state;
	struct token *other = world_token(t->token->provider, "two", "2", 0,
	    keys);
	struct world_peer peer;

	ask(t, &peer);
	assert_null(other->process);
	play.ms += TAKEN_WAIT_SEC * 1000;
	assert_true(world_run(t->agent, has_process, other));
	assert_null(t->token->process);
	world_hang_up(&peer);
}

/* Its client has gone: nobody waits any more. */
static void
a_client_hangs_up(void **state)
{
	struct table *t = *state;
	struct world_peer peer;

	ask(t, &peer);
	world_hang_up(&peer);
	world_spin(t->agent);
	taken_told(t->taken, false, "");
	assert_null(t->token->process);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(only_a_card_that_is_there_is_suspected),
		TEST(nobody_has_it),
		TEST(nobody_has_it_and_no_scan_saw_it),
		TEST(it_is_let_go_of),
		TEST(it_is_not_let_go_of),
		TEST(nobody_answers),
		TEST(it_leaves),
		TEST(who_waits_again_is_of_the_next_round),
		TEST(a_signature_goes_on),
		TEST(a_signature_moves_to_the_other_token),
		TEST(a_client_hangs_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
