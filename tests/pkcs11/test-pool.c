/* SPDX-License-Identifier: BSD-2-Clause */
#include "pkcs11/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/cmocka-all.h"

enum { JOBS = 3000, LANES = 4 };

/* Requests 1, 2, … of which some are exclusive; what was seen of them. */
struct scene {
	unsigned jobs; /* read gives so many, then the end */
	unsigned exclusive_each;
	unsigned again_each; /* run twice, the second time exclusive */
	unsigned lanes;
	/* Until so many run at once, jobs do not end. */
	unsigned together;
	bool stop_early; /* the end comes while jobs wait */

	unsigned read;
	atomic_uint in_read, running, most, done, again, dropped, faults;
	atomic_uint lanes_in_use[POOL_LANES_MAX];
	atomic_uint last_started;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
};

struct number {
	struct pool_job job;
	unsigned n;
	bool again;
};

static bool
is_exclusive(const struct scene *s, unsigned n)
{
	return s->exclusive_each != 0 && n % s->exclusive_each == 0;
}

static struct pool_job *
scene_read(void *arg)
{
	struct scene *s = arg;
	struct number *n;

	if (atomic_fetch_add(&s->in_read, 1) != 0)
		s->faults++;
	n = s->read == s->jobs ? NULL : calloc(1, sizeof(*n));
	if (n != NULL) {
		n->n = ++s->read;
		n->job.bytes = 1;
	} else if (!s->stop_early) {
		/* Everything read is to run before the end. */
		pthread_mutex_lock(&s->mutex);
		while (s->done < s->jobs)
			pthread_cond_wait(&s->changed, &s->mutex);
		pthread_mutex_unlock(&s->mutex);
	}
	atomic_fetch_sub(&s->in_read, 1);
	return &n->job;
}

static bool
scene_exclusive(void *arg, const struct pool_job *job)
{
	const struct number *n = (const struct number *)job;

	return n->again || is_exclusive(arg, n->n);
}

/* The second time nothing runs beside it, and it was the first to wait. */
static bool
runs_twice(struct scene *s, struct number *n)
{
	if (s->again_each == 0 || n->n % s->again_each != 0)
		return false;
	n->again = !n->again;
	return n->again;
}

static void
wait_for_company(struct scene *s)
{
	pthread_mutex_lock(&s->mutex);
	while (s->most < s->together)
		pthread_cond_wait(&s->changed, &s->mutex);
	pthread_mutex_unlock(&s->mutex);
}

static bool
scene_run(void *arg, struct pool_job *job, unsigned lane)
{
	struct scene *s = arg;
	struct number *n = (struct number *)job;
	unsigned now = atomic_fetch_add(&s->running, 1) + 1;

	pthread_mutex_lock(&s->mutex);
	if (now > s->most)
		s->most = now;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->mutex);
	if (lane >= s->lanes || atomic_fetch_add(&s->lanes_in_use[lane], 1))
		s->faults++;
	if (is_exclusive(s, n->n) && (now != 1 || s->done != n->n - 1))
		s->faults++; /* beside another, or before one that came first */
	if (!is_exclusive(s, n->n))
		wait_for_company(s);
	if ((n->again || is_exclusive(s, n->n)) && s->running != 1)
		s->faults++;
	atomic_fetch_sub(&s->lanes_in_use[lane], 1);
	atomic_fetch_sub(&s->running, 1);
	if (runs_twice(s, n)) {
		s->again++;
		return false;
	}
	pthread_mutex_lock(&s->mutex);
	s->done++;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->mutex);
	free(n);
	return true;
}

static void
scene_drop(void *arg, struct pool_job *job)
{
	struct scene *s = arg;

	s->dropped++;
	free(job);
}

static void
play(struct scene *s, size_t max_jobs)
{
	static const struct pool_calls calls = {
	    scene_read, scene_exclusive, scene_run, scene_drop};

	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->changed, NULL);
	assert_true(pool_run(&calls, s, s->lanes, max_jobs, 1 << 20));
	assert_int_equal(s->faults, 0);
	assert_int_equal(s->running, 0);
	assert_int_equal(s->done + s->dropped, s->jobs);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->mutex);
}

static void
test_all_lanes_at_once(void **state)
{
	struct scene s = {.jobs = JOBS, .lanes = LANES, .together = LANES};

	(void)state;
	play(&s, 100);
	assert_int_equal(s.most, LANES);
	assert_int_equal(s.done, JOBS);
}

static void
test_one_lane(void **state)
{
	struct scene s = {.jobs = JOBS, .lanes = 1};

	(void)state;
	play(&s, 1);
	assert_int_equal(s.most, 1);
	assert_int_equal(s.done, JOBS);
}

static void
test_exclusive_runs_alone_and_in_order(void **state)
{
	static const unsigned each[] = {1, 2, 3, 7, 50};

	(void)state;
	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		struct scene s = {.jobs = JOBS, .lanes = LANES,
		    .exclusive_each = each[i]};

		play(&s, 64);
		assert_int_equal(s.done, JOBS);
	}
}

/* Those that run twice: alone the second time, and before all that wait. */
static void
test_again(void **state)
{
	static const unsigned each[] = {1, 2, 7};

	(void)state;
	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		struct scene s = {.jobs = JOBS, .lanes = LANES,
		    .again_each = each[i]};

		play(&s, 64);
		assert_int_equal(s.done, JOBS);
		assert_int_equal(s.again, JOBS / each[i]);
	}
}

/* The end while jobs wait: they are dropped, not run and not leaked. */
static void
test_end(void **state)
{
	(void)state;
	for (unsigned jobs = 0; jobs < 40; jobs++) {
		struct scene s = {.jobs = jobs, .lanes = 2,
		    .stop_early = true};

		play(&s, 64);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_lanes_at_once),
		cmocka_unit_test(test_one_lane),
		cmocka_unit_test(test_exclusive_runs_alone_and_in_order),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
