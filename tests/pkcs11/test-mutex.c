/* SPDX-License-Identifier: BSD-2-Clause */
#include "pkcs11/mutex.h"

#include <pthread.h>

#include "tests/cmocka-all.h"

struct table {
	CK_C_INITIALIZE_ARGS args;
	void *mutex;
	int count; /* under the mutex */
};

static int
setup(void **state)
{
	static struct table t;

	t = (struct table){0};
	mutex_offer(&t.args);
	assert_int_equal(t.args.CreateMutex(&t.mutex), CKR_OK);
	*state = &t;
	return 0;
}

static int
teardown(void **state)
{
	struct table *t = *state;

	assert_int_equal(t->args.DestroyMutex(t->mutex), CKR_OK);
	return 0;
}

static void
a_thread_may_lock_again(void **state)
{
	struct table *t = *state;

	assert_false(mutex_is_held());
	assert_int_equal(t->args.LockMutex(t->mutex), CKR_OK);
	assert_int_equal(t->args.LockMutex(t->mutex), CKR_OK);
	assert_int_equal(t->args.UnlockMutex(t->mutex), CKR_OK);
	assert_true(mutex_is_held());
	assert_int_equal(t->args.UnlockMutex(t->mutex), CKR_OK);
	assert_false(mutex_is_held());
	assert_int_equal(t->args.UnlockMutex(t->mutex), CKR_MUTEX_NOT_LOCKED);
	assert_false(mutex_is_held());
}

/* Nobody can wait for one that is no more. */
static void
one_that_is_destroyed_is_not_held(void **state)
{
	struct table *t = *state;
	void *other;

	assert_int_equal(t->args.CreateMutex(&other), CKR_OK);
	assert_int_equal(t->args.LockMutex(t->mutex), CKR_OK);
	assert_int_equal(t->args.LockMutex(other), CKR_OK);
	assert_int_equal(t->args.LockMutex(other), CKR_OK);
	assert_int_equal(t->args.DestroyMutex(other), CKR_OK);
	assert_true(mutex_is_held());
	assert_int_equal(t->args.UnlockMutex(t->mutex), CKR_OK);
	assert_false(mutex_is_held());
}

static void *
count_up(void *arg)
{
	struct table *t = arg;

	for (int i = 0; i < 10000; i++) {
		t->args.LockMutex(t->mutex);
		t->count++;
		t->args.UnlockMutex(t->mutex);
	}
	return NULL;
}

static void
threads_wait_for_each_other(void **state)
{
	struct table *t = *state;
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_up,
		    t), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(t->count, 40000);
}

static void *
unlock_it(void *arg)
{
	struct table *t = arg;

	/* Nor does it count as this thread's, nor can it be ended. */
	return t->args.UnlockMutex(t->mutex) == CKR_OK || mutex_is_held() ||
	    t->args.DestroyMutex(t->mutex) == CKR_OK ? t : NULL;
}

static void
nobody_unlocks_for_another(void **state)
{
	struct table *t = *state;
	pthread_t thread;
	void *done = t;

	assert_int_equal(t->args.LockMutex(t->mutex), CKR_OK);
	assert_int_equal(pthread_create(&thread, NULL, unlock_it, t), 0);
	assert_int_equal(pthread_join(thread, &done), 0);
	assert_null(done);
	assert_int_equal(t->args.UnlockMutex(t->mutex), CKR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_thread_may_lock_again),
		TEST(one_that_is_destroyed_is_not_held),
		TEST(threads_wait_for_each_other),
		TEST(nobody_unlocks_for_another),
	};

	return cmocka_run_group_tests_name("pkcs11/mutex", tests, NULL, NULL);
}
