/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes for modules, by pthread. */
#include "pkcs11/mutex.h"

#include <pthread.h>
#include <stdlib.h>

/* Locks of this thread; a module hands its callbacks no place for it. */
static _Thread_local unsigned held;

static bool
recursive_init(pthread_mutex_t *m)
{
	pthread_mutexattr_t attr;
	bool made;

	if (pthread_mutexattr_init(&attr) != 0)
		return false;
	made = pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE) ==
	    0 && pthread_mutex_init(m, &attr) == 0;
	pthread_mutexattr_destroy(&attr);
	return made;
}

static CK_RV
mutex_create(void **ret)
{
	pthread_mutex_t *m = malloc(sizeof(*m));

	if (m == NULL || !recursive_init(m)) {
		free(m);
		return CKR_HOST_MEMORY;
	}
	*ret = m;
	return CKR_OK;
}

static CK_RV
mutex_lock(void *mutex)
{
	if (pthread_mutex_lock(mutex) != 0)
		return CKR_MUTEX_BAD;
	held++;
	return CKR_OK;
}

/* A mutex that another thread holds is refused. */
static CK_RV
mutex_unlock(void *mutex)
{
	if (pthread_mutex_unlock(mutex) != 0)
		return CKR_MUTEX_NOT_LOCKED;
	held--;
	return CKR_OK;
}

/* A module may end one that it holds: then nobody waits for it any more. */
static CK_RV
mutex_destroy(void *mutex)
{
	if (pthread_mutex_trylock(mutex) != 0)
		return CKR_MUTEX_BAD;
	held++;
	while (mutex_unlock(mutex) == CKR_OK)
		continue;
	pthread_mutex_destroy(mutex);
	free(mutex);
	return CKR_OK;
}

void
mutex_offer(CK_C_INITIALIZE_ARGS *args)
{
	args->CreateMutex = mutex_create;
	args->DestroyMutex = mutex_destroy;
	args->LockMutex = mutex_lock;
	args->UnlockMutex = mutex_unlock;
}

unsigned
mutexes_held(void)
{
	return held;
}

bool
mutex_is_held(void)
{
	return held > 0;
}
