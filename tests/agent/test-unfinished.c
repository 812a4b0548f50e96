/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits on what has begun and not ended; the test plays the clock. */
#include "agent/unfinished.h"

#include <event2/event.h>
#include <stdio.h>

#include "agent/clock.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

enum { MS = 60 * 1000, MAX_BYTES = 1000 };

static struct {
	struct agent *agent;
	struct unfinished *all;
	int64_t now_ms, timer_ms; /* -1: none */
	struct event *timer;
} play;

int64_t __wrap_clock_ms(void);
int __wrap_event_add(struct event *ev, const struct timeval *tv);
int __wrap_event_del(struct event *ev);
int __real_event_add(struct event *ev, const struct timeval *tv);
int __real_event_del(struct event *ev);

int64_t
__wrap_clock_ms(void)
{
	return play.now_ms;
}

/* Only timers of the part under test are added between setup and teardown. */
int
__wrap_event_add(struct event *ev, const struct timeval *tv)
{
	if (play.all == NULL || tv == NULL)
		return __real_event_add(ev, tv);
	play.timer = ev;
	play.timer_ms = play.now_ms + tv->tv_sec * 1000 + tv->tv_usec / 1000;
	return 0;
}

int
__wrap_event_del(struct event *ev)
{
	if (ev == play.timer)
		play.timer_ms = -1;
	return __real_event_del(ev);
}

struct part {
	struct unfinished_part p;
	unsigned dropped;
	char why[128];
};

static void
dropped(void *arg, const char *why)
{
	struct part *p = arg;

	p->dropped++;
	snprintf(p->why, sizeof(p->why), "%s", why);
}

static void
hold(struct part *p, size_t bytes)
{
	p->p.dropped = dropped;
	p->p.arg = p;
	unfinished_hold(play.all, &p->p, bytes);
}

/* The clock goes on, and the timer with it. */
static void
pass(int64_t ms)
{
	int64_t end = play.now_ms + ms;

	while (play.timer_ms >= 0 && play.timer_ms <= end) {
		play.now_ms = play.timer_ms;
		play.timer_ms = -1;
		event_active(play.timer, EV_TIMEOUT, 0);
		world_spin(play.agent);
	}
	play.now_ms = end;
}

static int
setup(void **state)
{
	static const struct unfinished_limits limits = {MS, MAX_BYTES};

	(void)state;
	play.agent = world_agent();
	play.now_ms = 1000;
	play.timer_ms = -1;
	play.timer = NULL;
	play.all = unfinished_new(play.agent->base, &limits);
	assert_non_null(play.all);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_null(unfinished_free(play.all));
	assert_null(unfinished_free(NULL));
	play.all = NULL;
	agent_free(play.agent);
	return 0;
}

static void
each_has_so_long(void **state)
{
	struct part one = {.dropped = 0}, two = {.dropped = 0};

	(void)state;
	hold(&one, 10);
	unfinished_time(&one.p, true);
	pass(MS / 2);
	hold(&two, 10);
	unfinished_time(&two.p, true);
	/* More words of a part do not give it more time. */
	hold(&one, 20);
	unfinished_time(&one.p, true);
	pass(MS / 2 - 1);
	assert_int_equal(one.dropped, 0);
	pass(1);
	assert_int_equal(one.dropped, 1);
	assert_non_null(strstr(one.why, "in time"));
	assert_int_equal(two.dropped, 0);
	pass(MS / 2);
	assert_int_equal(two.dropped, 1);
	/* No time runs: nothing wakes us. */
	assert_int_equal(play.timer_ms, -1);
	assert_null(one.p.all);
}

static void
no_time_runs_while_nobody_reads(void **state)
{
	struct part one = {.dropped = 0}, other = {.dropped = 0};

	(void)state;
	hold(&one, 10);
	unfinished_time(&one.p, true);
	pass(MS - 1);
	unfinished_time(&one.p, false);
	assert_int_equal(play.timer_ms, -1);
	pass(10 * MS);
	assert_int_equal(one.dropped, 0);
	/* From the beginning. */
	unfinished_time(&one.p, true);
	hold(&other, 1);
	pass(MS - 1);
	assert_int_equal(one.dropped, 0);
	pass(1);
	assert_int_equal(one.dropped, 1);
	assert_int_equal(other.dropped, 0);
	hold(&other, 0);
	/* Of one that holds nothing there is no time. */
	unfinished_time(&other.p, true);
	assert_int_equal(play.timer_ms, -1);
}

static void
who_ends_in_time_is_left_alone(void **state)
{
	struct part one = {.dropped = 0};

	(void)state;
	for (int i = 0; i < 10; i++) {
		hold(&one, 10);
		unfinished_time(&one.p, true);
		pass(MS - 1);
		hold(&one, 0);
		assert_int_equal(play.timer_ms, -1);
	}
	assert_int_equal(one.dropped, 0);
}

static void
who_holds_most_loses(void **state)
{
	struct part small = {.dropped = 0}, big = {.dropped = 0},
		    last = {.dropped = 0};

	(void)state;
	hold(&small, 300);
	hold(&big, 600);
	hold(&last, 100);
	assert_int_equal(big.dropped, 0);
	hold(&last, 101);
	assert_int_equal(big.dropped, 1);
	assert_non_null(strstr(big.why, "memory"));
	/* Room is there again. */
	hold(&last, 700);
	assert_int_equal(small.dropped + last.dropped, 0);
	/* The one that says so itself. */
	hold(&last, 701);
	assert_int_equal(last.dropped, 1);
	assert_int_equal(small.dropped, 0);
	hold(&big, MAX_BYTES - 300);
	assert_int_equal(big.dropped, 1);
	hold(&small, 0);
	hold(&big, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_has_so_long),
		TEST(no_time_runs_while_nobody_reads),
		TEST(who_ends_in_time_is_left_alone),
		TEST(who_holds_most_loses),
	};

	return cmocka_run_group_tests_name("agent/unfinished", tests, NULL,
	    NULL);
}
