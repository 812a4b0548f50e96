/* SPDX-License-Identifier: BSD-2-Clause */
/* The test plays p11-agent-readers, and counts scans and waits. */
#include "agent/readers.h"

#include <event2/event.h>
#include <stdlib.h>

#include "agent/link.h"
#include "agent/provider-list.h"
#include "agent/token.h"
#include "pkcs11/readers-wire.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

static struct {
	const struct link_events *events;
	void *arg;
	unsigned starts, scans, kills;
	struct event *timer; /* armed last, and for how long */
	struct timeval tv;
} play;

struct link *__wrap_link_start(struct agent *agent,
    const struct link_spec *spec, const struct link_events *events, void *arg);
void __wrap_link_kill(struct link *l, const char *why);
struct link *__wrap_link_forget(struct link *l);
void __wrap_providers_scan_again(struct agent *a);
int __wrap_event_add(struct event *ev, const struct timeval *tv);
int __real_event_add(struct event *ev, const struct timeval *tv);

struct link *
__wrap_link_start(struct agent *agent, const struct link_spec *spec,
    const struct link_events *events, void *arg)
{
	(void)agent;
	(void)spec;
	play.events = events;
	play.arg = arg;
	play.starts++;
	/* Only ever handed back to the functions below. */
	return (struct link *)&play;
}

void
__wrap_link_kill(struct link *l, const char *why)
{
	(void)l;
	(void)why;
	play.kills++;
}

struct link *
__wrap_link_forget(struct link *l)
{
	(void)l;
	return NULL;
}

void
__wrap_providers_scan_again(struct agent *a)
{
	(void)a;
	play.scans++;
}

int
__wrap_event_add(struct event *ev, const struct timeval *tv)
{
	play.timer = ev;
	play.tv = tv == NULL ? (struct timeval){0} : *tv;
	return __real_event_add(ev, tv);
}

struct table {
	struct agent *agent;
	struct provider *provider;
};

static int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	play = (typeof(play)){0};
	t->agent = world_agent();
	t->provider = world_provider(t->agent, "a", NULL);
	readers_start(t->agent->readers);
	assert_int_equal(play.starts, 1);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct table *t = *state;

	t->agent = agent_free(t->agent);
	free(t);
	return 0;
}

/* One reader, whose card came or went this often; a scan is under way. */
static void
say(struct table *t, bool card, uint32_t events)
{
	struct readers_state m = {
		.n_readers = 1,
		.readers[0] = {
			.name = bytes_str("Reader 0"), .card_present = card,
			.events = events,
		},
	};
	struct buffer b = BUFFER_INIT(4096);

	readers_state_put(&b, &m);
	assert_false(b.failed);
	t->provider->state = PROVIDER_SCANNING;
	/* Without the length in front. */
	play.events->frame(play.arg, bytes_of(b.p + 4, b.len - 4));
	t->provider->state = PROVIDER_READY;
	buffer_clear(&b);
}

static void
report(struct table *t)
{
	static const struct world_key keys[] = {{.number = 7}, {0}};
	struct token_id id = world_token_id("one", "1");

	id.slot_description = bytes_str("Reader 0");
	assert_non_null(world_report(t->provider, &id, 0, keys));
}

/* A scan ended; the wait for another look begins, and ends at once. */
static void
expect_look(struct table *t, time_t sec)
{
	unsigned scans = play.scans;

	play.timer = NULL;
	readers_scanned(t->agent->readers);
	assert_non_null(play.timer);
	assert_int_equal(play.tv.tv_sec, sec);
	event_del(play.timer);
	event_active(play.timer, EV_TIMEOUT, 1);
	world_spin(t->agent);
	assert_int_equal(play.scans, scans + 1);
}

static void
expect_no_look(struct table *t)
{
	play.timer = NULL;
	readers_scanned(t->agent->readers);
	assert_null(play.timer);
}

static void
a_card_is_scanned_when_it_comes(void **state)
{
	struct table *t = *state;

	say(t, false, 0);
	assert_int_equal(play.scans, 0);
	say(t, true, 1);
	assert_int_equal(play.scans, 1);
	say(t, true, 1);
	assert_int_equal(play.scans, 1);
	/* Swapped between two looks. */
	say(t, true, 3);
	assert_int_equal(play.scans, 2);
}

/* The first picture: the first scans are under way anyway. */
static void
a_card_at_the_start_is_no_news(void **state)
{
	struct table *t = *state;

	say(t, true, 1);
	assert_int_equal(play.scans, 0);
}

static void
a_card_that_leaves_takes_its_token(void **state)
{
	struct table *t = *state;

	say(t, true, 1);
	report(t);
	assert_int_equal(t->agent->n_exposed, 0);
	assert_false(TAILQ_EMPTY(&t->agent->tokens));
	say(t, false, 2);
	assert_true(TAILQ_EMPTY(&t->agent->tokens));
}

/* Three more times, then not before it is another card. */
static void
a_card_no_scan_found_is_looked_for(void **state)
{
	struct table *t = *state;

	say(t, true, 1);
	expect_look(t, 1);
	expect_look(t, 2);
	expect_look(t, 4);
	expect_no_look(t);
	say(t, true, 3);
	expect_look(t, 1);
}

/* One that was found begins anew when it is lost again. */
static void
a_card_that_was_found_is_forgiven(void **state)
{
	struct table *t = *state;

	say(t, true, 1);
	expect_look(t, 1);
	report(t);
	expect_no_look(t);
	token_leave(TAILQ_FIRST(&t->agent->tokens), "the module says so");
	expect_look(t, 1);
	expect_look(t, 2);
}

static void
nonsense_ends_the_program(void **state)
{
	(void)state;
	play.events->frame(play.arg, bytes_str("\x7fwhat"));
	assert_int_equal(play.kills, 1);
	play.events->frame(play.arg, bytes_str("P"));
	assert_int_equal(play.kills, 2);
}

/* Started again after 1 s, then each time twice as long. */
static void
one_that_dies_is_started_again(void **state)
{
	struct table *t = *state;

	for (time_t sec = 1; sec <= 4; sec *= 2) {
		unsigned starts = play.starts;

		play.events->ended(play.arg, "killed by signal 9 (Killed)");
		assert_int_equal(play.tv.tv_sec, sec);
		event_active(play.timer, EV_TIMEOUT, 1);
		world_spin(t->agent);
		assert_int_equal(play.starts, starts + 1);
	}
	say(t, false, 0);
	play.events->ended(play.arg, "killed by signal 9 (Killed)");
	assert_int_equal(play.tv.tv_sec, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_card_is_scanned_when_it_comes),
		TEST(a_card_at_the_start_is_no_news),
		TEST(a_card_that_leaves_takes_its_token),
		TEST(a_card_no_scan_found_is_looked_for),
		TEST(a_card_that_was_found_is_forgiven),
		TEST(nonsense_ends_the_program),
		TEST(one_that_dies_is_started_again),
	};

	return cmocka_run_group_tests_name("agent/readers", tests, NULL,
	    NULL);
}
