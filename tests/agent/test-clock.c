/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers by the clock that goes on while the machine sleeps. */
#include "agent/clock.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/cmocka-all.h"

struct table {
	struct event_base *base;
	struct life_timer timer;
	int due;
};

static void
is_due(void *arg)
{
	struct table *t = arg;

	/* The timer may be started again from here. */
	t->due++;
	assert_int_equal(t->timer.fd, -1);
}

static int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	assert_non_null(t->base = event_base_new());
	life_timer_init(&t->timer, t->base, is_due, t);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct table *t = *state;

	life_timer_stop(&t->timer);
	event_base_free(t->base);
	free(t);
	return 0;
}

/* The kernel's own word for the clock of a timer's file. */
static int
clock_of_file(int fd)
{
	char path[64], line[128];
	int id = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	assert_non_null(f = fopen(path, "r"));
	while (fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "clockid: %d", &id);
	fclose(f);
	return id;
}

static void
a_timer_goes_on_in_a_sleep(void **state)
{
	struct table *t = *state;
	int64_t before = clock_life_ms();

	assert_true(life_timer_start(&t->timer, 1));
	assert_int_equal(clock_of_file(t->timer.fd), CLOCK_BOOTTIME);
	/* The loop has nothing else, and ends (1) with the timer. */
	assert_int_equal(event_base_dispatch(t->base), 1);
	assert_int_equal(t->due, 1);
	assert_true(clock_life_ms() - before >= 1000);
}

static void
a_timer_has_one_time(void **state)
{
	struct table *t = *state;

	assert_true(life_timer_start(&t->timer, 3600));
	assert_true(life_timer_start(&t->timer, 1));
	assert_int_equal(event_base_dispatch(t->base), 1);
	assert_int_equal(t->due, 1);
}

static void
a_stopped_timer_is_never_due(void **state)
{
	struct table *t = *state;
	int fd;

	life_timer_stop(&t->timer);
	assert_true(life_timer_start(&t->timer, 1));
	fd = t->timer.fd;
	life_timer_stop(&t->timer);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(event_base_dispatch(t->base), 1);
	assert_int_equal(t->due, 0);
}

/* When no file can be opened, the loop's own timers have to do. */
static void
a_timer_without_a_file(void **state)
{
	struct table *t = *state;
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_true(life_timer_start(&t->timer, 1));
	assert_int_equal(t->timer.fd, -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(event_base_dispatch(t->base), 1);
	assert_int_equal(t->due, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_timer_goes_on_in_a_sleep),
		TEST(a_timer_has_one_time),
		TEST(a_stopped_timer_is_never_due),
		TEST(a_timer_without_a_file),
	};

	return cmocka_run_group_tests_name("agent/clock", tests, NULL, NULL);
}
