/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that take turns: one reads the next request while the others work,
 * and who has read a request works on it itself, so that a request costs no
 * hand-over between threads. Requests start in the order they came; one that
 * is exclusive waits for those before it and holds up those behind it.
 */
#ifndef P11_AGENT_PKCS11_POOL_H
#define P11_AGENT_PKCS11_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

enum { POOL_LANES_MAX = 8 };

/* The first member of what the calls below make and take. */
struct pool_job {
	STAILQ_ENTRY(pool_job) entry;
	size_t bytes; /* of memory, about */
};

struct pool_calls {
	/* Wait for the next request; NULL ends the pool. One at a time. */
	struct pool_job *(*read)(void *arg);
	/* Asked when nothing exclusive runs. */
	bool (*exclusive)(void *arg, const struct pool_job *job);
	/*
	 * Do it and free it; lane < lanes is nobody else's meanwhile. False,
	 * and not freed: it is to run once more, before all that wait.
	 */
	bool (*run)(void *arg, struct pool_job *job, unsigned lane);
	/* Drop one that will not run. */
	void (*drop)(void *arg, struct pool_job *job);
};

/*
 * Read and run until read gives NULL, then drop what has not started and
 * wait for what has. `lanes` requests run at a time (1 to POOL_LANES_MAX), on
 * one thread more than that. At most max_jobs, and max_bytes of them (and one
 * more), wait. False when no thread could be started.
 */
bool pool_run(const struct pool_calls *calls, void *arg, unsigned lanes,
    size_t max_jobs, size_t max_bytes);

#endif
