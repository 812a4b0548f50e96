/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that read and work by turns. */
#include "pkcs11/pool.h"

#include <pthread.h>

struct pool {
	const struct pool_calls *calls;
	void *arg;
	unsigned lanes;
	size_t max_jobs, max_bytes;

	pthread_mutex_t mutex; /* all below */
	pthread_cond_t wake;
	STAILQ_HEAD(, pool_job) jobs;
	size_t n_jobs, n_bytes;
	unsigned waiting; /* threads in pthread_cond_wait */
	unsigned running;
	unsigned busy_lanes; /* a bit each */
	bool exclusive;	     /* what runs is exclusive */
	bool reading;
	bool ended;
};

static bool
may_read(const struct pool *p)
{
	return !p->reading && !p->ended && p->n_jobs < p->max_jobs &&
	    p->n_bytes < p->max_bytes;
}

/* May the first job start now? */
static bool
may_start(const struct pool *p, bool *ret_exclusive)
{
	const struct pool_job *first = STAILQ_FIRST(&p->jobs);

	if (first == NULL || p->ended || p->exclusive ||
	    p->running == p->lanes)
		return false;
	*ret_exclusive = p->calls->exclusive(p->arg, first);
	return !*ret_exclusive || p->running == 0;
}

/* Somebody should look: there may be something for one more thread. */
static void
wake_one(struct pool *p)
{
	if (p->waiting > 0)
		pthread_cond_signal(&p->wake);
}

static struct pool_job *
take_first(struct pool *p)
{
	struct pool_job *job = STAILQ_FIRST(&p->jobs);

	STAILQ_REMOVE_HEAD(&p->jobs, entry);
	p->n_jobs--;
	p->n_bytes -= job->bytes;
	return job;
}

static void
put_first(struct pool *p, struct pool_job *job)
{
	STAILQ_INSERT_HEAD(&p->jobs, job, entry);
	p->n_jobs++;
	p->n_bytes += job->bytes;
}

static void
pool_work(struct pool *p, bool exclusive)
{
	struct pool_job *job = take_first(p);
	unsigned lane = 0;
	bool done;

	while ((p->busy_lanes & 1U << lane) != 0)
		lane++;
	p->busy_lanes |= 1U << lane;
	p->running++;
	p->exclusive = exclusive;
	/* The reader of before is busy now: another one reads. */
	wake_one(p);
	pthread_mutex_unlock(&p->mutex);
	done = p->calls->run(p->arg, job, lane);
	pthread_mutex_lock(&p->mutex);
	if (!done)
		put_first(p, job);
	p->busy_lanes &= ~(1U << lane);
	p->running--;
	p->exclusive = false;
}

static void
pool_read(struct pool *p)
{
	struct pool_job *job;

	p->reading = true;
	pthread_mutex_unlock(&p->mutex);
	job = p->calls->read(p->arg);
	pthread_mutex_lock(&p->mutex);
	p->reading = false;
	if (job == NULL) {
		p->ended = true;
		return;
	}
	STAILQ_INSERT_TAIL(&p->jobs, job, entry);
	p->n_jobs++;
	p->n_bytes += job->bytes;
}

static void *
pool_thread(void *arg)
{
	struct pool *p = arg;
	bool exclusive = false;

	pthread_mutex_lock(&p->mutex);
	while (!p->ended) {
		if (may_start(p, &exclusive)) {
			pool_work(p, exclusive);
		} else if (may_read(p)) {
			pool_read(p);
		} else {
			p->waiting++;
			pthread_cond_wait(&p->wake, &p->mutex);
			p->waiting--;
		}
	}
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

bool
pool_run(const struct pool_calls *calls, void *arg, unsigned lanes,
    size_t max_jobs, size_t max_bytes)
{
	struct pool p = {
		.calls = calls,
		.arg = arg,
		.lanes = lanes > POOL_LANES_MAX ? POOL_LANES_MAX : lanes,
		.max_jobs = max_jobs,
		.max_bytes = max_bytes,
		.jobs = STAILQ_HEAD_INITIALIZER(p.jobs),
	};
	pthread_t threads[POOL_LANES_MAX];
	unsigned n = 0;

	pthread_mutex_init(&p.mutex, NULL);
	pthread_cond_init(&p.wake, NULL);
	while (n < p.lanes &&
	    pthread_create(&threads[n], NULL, pool_thread, &p) == 0)
		n++;
	/* Without a second thread nobody would read beside a signature. */
	if (n > 0)
		pool_thread(&p);
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	while (!STAILQ_EMPTY(&p.jobs))
		calls->drop(arg, take_first(&p));
	pthread_cond_destroy(&p.wake);
	pthread_mutex_destroy(&p.mutex);
	return n > 0;
}
