/* SPDX-License-Identifier: BSD-2-Clause */
/* How many lines of a flood are written, and what is said of the rest. */
#include "agent/refusal.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/limits.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

enum { LINES = 3, SPAN_MS = 10 * 1000 };

static struct {
	struct agent *agent; /* for its loop */
	struct refusals *all;
	int log;
	int64_t now_ms, timer_ms; /* -1: none */
	struct event *timer;
	char own[16];
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

/* How many lines of the log hold these words. */
static unsigned
logged(const char *words)
{
	static char text[1024 * 1024];
	ssize_t n = pread(play.log, text, sizeof(text) - 1, 0);
	unsigned found = 0;

	assert_true(n >= 0);
	text[n] = '\0';
	for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
		found++;
	return found;
}

static void
say(enum refusal_kind kind, unsigned n, const char *words)
{
	while (n-- > 0)
		refusal_log(play.all, kind, getpid(), (struct log_fields){0},
		    "%s", words);
}

static void
name_us(const char *name)
{
	assert_int_equal(prctl(PR_SET_NAME, name), 0);
}

static int
setup(void **state)
{
	static const struct refusal_limits limits = {LINES, SPAN_MS};

	(void)state;
	play.agent = world_agent();
	play.now_ms = 1000;
	play.timer_ms = -1;
	play.timer = NULL;
	play.log = memfd_create("log", MFD_CLOEXEC);
	assert_true(play.log >= 0);
	log_to_fd(play.log);
	assert_int_equal(prctl(PR_GET_NAME, play.own), 0);
	name_us("greedy");
	play.all = refusals_new(play.agent->base, &limits);
	assert_non_null(play.all);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	play.all = refusals_free(play.all);
	assert_null(refusals_free(NULL));
	agent_free(play.agent);
	name_us(play.own);
	log_to_fd(STDERR_FILENO);
	close(play.log);
	return 0;
}

static void
a_flood_is_cut_and_counted(void **state)
{
	(void)state;
	say(REFUSED_KEY, 7000, "no");
	assert_int_equal(logged("greedy (pid "), LINES);
	assert_int_equal(logged("left out"), 0);
	pass(SPAN_MS);
	assert_int_equal(logged("greedy: 6997 more lines were left out: no "
	    "signature by what is not an identity"), 1);
	/* The timer wakes us no more, and the next one is said. */
	assert_int_equal(play.timer_ms, -1);
	say(REFUSED_KEY, 1, "no");
	assert_int_equal(logged("greedy (pid "), LINES + 1);
	assert_int_equal(play.timer_ms, -1);
	pass(10 * SPAN_MS);
	assert_int_equal(logged("left out"), 1);
}

static void
few_lines_set_no_timer(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		say(REFUSED_CHANGE, LINES, "no");
		assert_int_equal(play.timer_ms, -1);
		play.now_ms += SPAN_MS;
	}
	assert_int_equal(logged("greedy (pid "), 20 * LINES);
	assert_int_equal(logged("left out"), 0);
}

static void
each_kind_and_program_by_itself(void **state)
{
	(void)state;
	say(REFUSED_KEY, 10, "one");
	say(REFUSED_LOCK, 10, "two");
	name_us("other");
	say(REFUSED_KEY, 2, "three");
	assert_int_equal(logged("one"), LINES);
	assert_int_equal(logged("two"), LINES);
	assert_int_equal(logged("other (pid "), 2);
	pass(SPAN_MS / 2);
	say(REFUSED_ADDITION, 10, "four");
	pass(SPAN_MS / 2);
	assert_int_equal(logged("7 more lines were left out"), 2);
	pass(SPAN_MS / 2);
	assert_int_equal(logged("7 more lines were left out"), 3);
	assert_int_equal(play.timer_ms, -1);
}

static void
what_is_about_a_pin_is_always_said(void **state)
{
	(void)state;
	say(REFUSED_PIN, 1000, "wrong");
	assert_int_equal(logged("wrong"), 1000);
	assert_int_equal(play.timer_ms, -1);
}

/* A program with another name each time gets no more than its room. */
static void
many_programs_are_counted_together(void **state)
{
	enum { PROGRAMS = 4 * REFUSAL_TALLIES_MAX };

	(void)state;
	for (unsigned i = 0; i < PROGRAMS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "p%u", i);
		name_us(name);
		say(REFUSED_KEY, 5, "no");
	}
	assert_int_equal(logged(" (pid "), LINES * (REFUSAL_TALLIES_MAX + 1));
	pass(SPAN_MS);
	assert_int_equal(logged(": 2 more lines"), REFUSAL_TALLIES_MAX);
	assert_int_equal(logged("other programs: "), 1);
	say(REFUSED_KEY, 5, "no");
	assert_int_equal(logged(" (pid "),
	    LINES * (REFUSAL_TALLIES_MAX + 2));
}

static void
the_end_tells_what_was_left_out(void **state)
{
	static const struct refusal_limits limits = {LINES, SPAN_MS};

	(void)state;
	say(REFUSED_KEY, 10, "no");
	play.all = refusals_free(play.all);
	assert_int_equal(logged("7 more lines"), 1);
	play.all = refusals_new(play.agent->base, &limits);
	assert_non_null(play.all);
}

static void
a_program_that_has_ended(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		refusal_log(play.all, REFUSED_KEY, 0, (struct log_fields){0},
		    "no");
	pass(SPAN_MS);
	assert_int_equal(logged("programs that have ended: 7 more"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_flood_is_cut_and_counted),
		TEST(few_lines_set_no_timer),
		TEST(each_kind_and_program_by_itself),
		TEST(what_is_about_a_pin_is_always_said),
		TEST(many_programs_are_counted_together),
		TEST(the_end_tells_what_was_left_out),
		TEST(a_program_that_has_ended),
	};

	return cmocka_run_group_tests_name("agent/refusal", tests, NULL, NULL);
}
