/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is told of which reading of the config; p11-agent-config is played. */
#include "agent/reload.h"

#include "agent/config-run.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

static struct {
	unsigned runs;
	bool fails; /* none can be started */
	config_run_done done;
	void *arg;
} play;

struct config_run *__wrap_config_run_start(struct agent *agent,
    const char *const *args, config_run_done done, void *arg);
struct config_run *__wrap_config_run_free(struct config_run *r);

struct config_run *
__wrap_config_run_start(struct agent *agent, const char *const *args,
    config_run_done done, void *arg)
{
	assert_non_null(agent);
	assert_string_equal(args[0], "load");
	/* One at a time. */
	assert_null(play.done);
	if (play.fails)
		return NULL;
	play.runs++;
	play.done = done;
	play.arg = arg;
	return (struct config_run *)&play;
}

struct config_run *
__wrap_config_run_free(struct config_run *r)
{
	if (r != NULL)
		play.done = NULL;
	return NULL;
}

/* The reading under way ends with a config, or with this error. */
static void
read_ends(const char *error)
{
	struct buffer flat = BUFFER_INIT(CONFIG_FLAT_MAX_BYTES);
	struct config *empty = config_new();
	config_run_done done = play.done;

	assert_non_null(empty);
	assert_non_null(done);
	config_put(&flat, empty);
	config_free(empty);
	play.done = NULL;
	done(play.arg, buffer_bytes(&flat), error);
	buffer_clear(&flat);
}

struct waiter {
	struct reload_waiter w;
	struct reload *again; /* asks there once more when it is told */
	unsigned told;
	bool good;
};

static void
told(void *arg, const char *error)
{
	struct waiter *w = arg;

	w->told++;
	w->good = error == NULL;
	if (w->again != NULL && w->told == 1)
		reload_start(w->again, &w->w);
}

static void
ask(struct reload *r, struct waiter *w)
{
	*w = (struct waiter){.w.done = told, .again = w->again};
	w->w.arg = w;
	reload_start(r, &w->w);
}

static int
setup(void **state)
{
	play.runs = 0;
	play.fails = false;
	play.done = NULL;
	*state = world_agent();
	return 0;
}

static int
teardown(void **state)
{
	agent_free(*state);
	return 0;
}

static void
all_are_told_of_the_one_they_wait_for(void **state)
{
	struct agent *a = *state;
	struct waiter early = {0}, late = {0}, gone = {0};

	ask(a->reload, &early);
	assert_true(reload_under_way(a->reload));
	/* The file may be another one by now. */
	ask(a->reload, &gone);
	ask(a->reload, &late);
	assert_int_equal(play.runs, 1);
	reload_leave(&gone.w);
	read_ends("a.conf:1: no");
	assert_int_equal(early.told, 1);
	assert_false(early.good);
	assert_string_equal(reload_error(a->reload), "a.conf:1: no");
	assert_int_equal(late.told, 0);
	assert_int_equal(play.runs, 2);
	read_ends(NULL);
	assert_int_equal(early.told, 1);
	assert_int_equal(late.told, 1);
	assert_true(late.good);
	assert_null(reload_error(a->reload));
	assert_int_equal(gone.told, 0);
	assert_int_equal(play.runs, 2);
	assert_false(reload_under_way(a->reload));
}

static void
one_who_asks_again_when_told(void **state)
{
	struct agent *a = *state;
	struct waiter w = {.again = a->reload}, late = {0};

	ask(a->reload, &w);
	ask(a->reload, &late);
	read_ends(NULL);
	assert_int_equal(w.told, 1);
	assert_int_equal(late.told, 0);
	assert_int_equal(play.runs, 2);
	read_ends(NULL);
	assert_int_equal(w.told, 2);
	assert_int_equal(late.told, 1);
	assert_int_equal(play.runs, 2);
}

static void
none_can_be_started(void **state)
{
	struct agent *a = *state;
	struct waiter w = {0}, late = {0};

	play.fails = true;
	ask(a->reload, &w);
	assert_int_equal(w.told, 1);
	assert_false(w.good);
	play.fails = false;
	ask(a->reload, &w);
	ask(a->reload, &late);
	play.fails = true;
	read_ends(NULL);
	assert_true(w.good);
	assert_int_equal(late.told, 1);
	assert_false(late.good);
}

/* In any round. */
static void
the_daemon_ends(void **state)
{
	struct waiter early = {0}, late = {0};
	struct agent *a = *state;

	ask(a->reload, &early);
	ask(a->reload, &late);
	*state = agent_free(a);
	assert_int_equal(early.told, 1);
	assert_int_equal(late.told, 1);
	assert_false(early.good || late.good);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_are_told_of_the_one_they_wait_for),
		TEST(one_who_asks_again_when_told),
		TEST(none_can_be_started),
		TEST(the_daemon_ends),
	};

	return cmocka_run_group_tests_name("agent/reload", tests, NULL, NULL);
}
