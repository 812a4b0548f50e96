/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths that are looked up at a time; p11-agent-config is played. */
#include "agent/lookup.h"

#include <stdio.h>

#include "agent/config-run.h"
#include "common/limits.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

enum { RUNS_MAX = 100 };

/* A process that was started. */
struct run {
	char path[64];
	config_run_done done; /* NULL: it is over */
	void *arg;
};

static struct {
	struct run runs[RUNS_MAX];
	unsigned n, n_running;
	bool fails; /* none can be started */
} play;

struct config_run *__wrap_config_run_start(struct agent *agent,
    const char *const *args, config_run_done done, void *arg);
struct config_run *__wrap_config_run_free(struct config_run *r);

struct config_run *
__wrap_config_run_start(struct agent *agent, const char *const *args,
    config_run_done done, void *arg)
{
	struct run *r = &play.runs[play.n];

	assert_non_null(agent);
	assert_string_equal(args[0], "resolve");
	assert_null(args[2]);
	if (play.fails)
		return NULL;
	assert_true(play.n++ < RUNS_MAX);
	assert_true(++play.n_running <= LOOKUPS_MAX);
	snprintf(r->path, sizeof(r->path), "%s", args[1]);
	r->done = done;
	r->arg = arg;
	return (struct config_run *)r;
}

struct config_run *
__wrap_config_run_free(struct config_run *run)
{
	struct run *r = (struct run *)run;

	if (r != NULL) {
		r->done = NULL;
		play.n_running--;
	}
	return NULL;
}

/* The n-th process ends with the answer "/real" and its path, or in error. */
static void
run_ends(struct agent *a, unsigned n, const char *error)
{
	config_run_done done = play.runs[n].done;
	char real[128];

	assert_non_null(done);
	snprintf(real, sizeof(real), "/real%s", play.runs[n].path);
	play.runs[n].done = NULL;
	play.n_running--;
	done(play.runs[n].arg, bytes_str(real), error);
	world_spin(a);
}

struct waiter {
	struct lookup_waiter w;
	struct lookups *all;
	const char *again;     /* asks for it when it is told */
	struct waiter *leaves; /* leaves when this one is told */
	unsigned told;
	char path[128], error[64];
};

static void
told(void *arg, const char *path, const char *error)
{
	struct waiter *w = arg;

	w->told++;
	snprintf(w->path, sizeof(w->path), "%s", path == NULL ? "" : path);
	snprintf(w->error, sizeof(w->error), "%s",
	    error == NULL ? "" : error);
	if (w->leaves != NULL)
		lookup_leave(&w->leaves->w);
	if (w->again != NULL)
		assert_true(lookup_ask(w->all, w->again, &w->w));
	w->again = NULL;
}

static void
ask(struct agent *a, struct waiter *w, const char *path)
{
	*w = (struct waiter){.w.done = told, .all = a->lookups,
	    .again = w->again, .leaves = w->leaves};
	w->w.arg = w;
	assert_true(lookup_ask(a->lookups, path, &w->w));
}

static int
setup(void **state)
{
	memset(&play, 0, sizeof(play));
	*state = world_agent();
	return 0;
}

static int
teardown(void **state)
{
	agent_free(*state);
	assert_int_equal(play.n_running, 0);
	return 0;
}

static void
so_many_at_a_time_in_their_order(void **state)
{
	enum { QUESTIONS = 3 * LOOKUPS_MAX };
	struct agent *a = *state;
	struct waiter w[QUESTIONS] = {{.told = 0}};
	char path[QUESTIONS][8];

	for (unsigned i = 0; i < QUESTIONS; i++) {
		snprintf(path[i], sizeof(path[i]), "/%u", i);
		ask(a, &w[i], path[i]);
	}
	/* From the loop, never from the question. */
	assert_int_equal(play.n, 0);
	world_spin(a);
	assert_int_equal(play.n, LOOKUPS_MAX);
	for (unsigned i = 0; i < QUESTIONS; i++) {
		assert_string_equal(play.runs[i].path, path[i]);
		run_ends(a, i, NULL);
		assert_int_equal(w[i].told, 1);
	}
	assert_string_equal(w[5].path, "/real/5");
}

static void
equal_questions_share_one(void **state)
{
	struct agent *a = *state;
	struct waiter early = {0}, late[3] = {{.told = 0}}, other = {0};

	ask(a, &early, "/x");
	world_spin(a);
	/* The first process may have looked already: theirs comes behind it. */
	for (unsigned i = 0; i < 3; i++)
		ask(a, &late[i], "/x");
	ask(a, &other, "/y");
	world_spin(a);
	assert_int_equal(play.n, 2);
	assert_string_equal(play.runs[1].path, "/y");
	run_ends(a, 0, "no such file");
	assert_string_equal(early.error, "no such file");
	assert_int_equal(early.told, 1);
	assert_int_equal(late[0].told, 0);
	assert_int_equal(play.n, 3);
	run_ends(a, 2, NULL);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(late[i].told, 1);
		assert_string_equal(late[i].path, "/real/x");
	}
	assert_int_equal(other.told, 0);
	run_ends(a, 1, NULL);
	assert_int_equal(other.told, 1);
	assert_int_equal(play.n, 3);
}

static void
who_leaves_is_not_told(void **state)
{
	struct agent *a = *state;
	struct waiter one = {0}, two = {0}, waits[LOOKUPS_MAX] = {
		{.told = 0}};

	ask(a, &one, "/x");
	ask(a, &two, "/x");
	world_spin(a);
	lookup_leave(&one.w);
	assert_int_equal(play.n_running, 1);
	/* The last one takes the process along. */
	lookup_leave(&two.w);
	lookup_leave(&two.w);
	assert_int_equal(play.n_running, 0);
	/* The process's place is free again. */
	for (unsigned i = 0; i < LOOKUPS_MAX; i++) {
		static const char *const paths[] = {"/a", "/b", "/c", "/d"};

		ask(a, &waits[i], paths[i % 4]);
	}
	ask(a, &one, "/e");
	world_spin(a);
	assert_int_equal(play.n_running, LOOKUPS_MAX);
	lookup_leave(&one.w);
	for (unsigned i = 0; i < LOOKUPS_MAX; i++)
		lookup_leave(&waits[i].w);
	world_spin(a);
	assert_int_equal(play.n, 1 + LOOKUPS_MAX);
	assert_int_equal(one.told + two.told, 0);
}

static void
told_it_may_ask_and_others_leave(void **state)
{
	struct agent *a = *state;
	struct waiter one = {.again = "/x"}, two = {0};

	one.leaves = &two;
	ask(a, &one, "/x");
	ask(a, &two, "/x");
	world_spin(a);
	run_ends(a, 0, NULL);
	assert_int_equal(one.told, 1);
	assert_int_equal(two.told, 0);
	assert_int_equal(play.n, 2);
	run_ends(a, 1, NULL);
	assert_int_equal(one.told, 2);
}

static void
none_can_be_started(void **state)
{
	struct agent *a = *state;
	struct waiter one = {0};
	char path[PATH_MAX_BYTES + 1];

	play.fails = true;
	ask(a, &one, "/x");
	assert_int_equal(one.told, 0);
	world_spin(a);
	assert_int_equal(one.told, 1);
	assert_non_null(strstr(one.error, "cannot be started"));
	memset(path, 'x', sizeof(path));
	path[PATH_MAX_BYTES] = '\0';
	assert_false(lookup_ask(a->lookups, path, &one.w));
}

static void
an_answer_that_is_none(void **state)
{
	struct agent *a = *state;
	struct waiter one = {0};
	config_run_done done;

	ask(a, &one, "/x");
	world_spin(a);
	done = play.runs[0].done;
	play.n_running--;
	done(play.runs[0].arg, bytes_str("relative"), NULL);
	assert_int_equal(one.told, 1);
	assert_non_null(strstr(one.error, "nonsense"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(so_many_at_a_time_in_their_order),
		TEST(equal_questions_share_one),
		TEST(who_leaves_is_not_told),
		TEST(told_it_may_ask_and_others_leave),
		TEST(none_can_be_started),
		TEST(an_answer_that_is_none),
	};

	return cmocka_run_group_tests_name("agent/lookup", tests, NULL, NULL);
}
