/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes for modules, by pthread. */
#include "pkcs11/mutex.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

static CK_RV
mutex_create(void **ret)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t *m = malloc(sizeof(*m));
	bool made;

	if (m == NULL)
		return CKR_HOST_MEMORY;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	made = pthread_mutex_init(m, &attr) == 0;
	pthread_mutexattr_destroy(&attr);
	if (!made) {
		free(m);
		return CKR_HOST_MEMORY;
	}
	*ret = m;
	return CKR_OK;
}

static CK_RV
mutex_destroy(void *mutex)
{
	pthread_mutex_destroy(mutex);
	free(mutex);
	return CKR_OK;
}

static CK_RV
mutex_lock(void *mutex)
{
	return pthread_mutex_lock(mutex) == 0 ? CKR_OK : CKR_GENERAL_ERROR;
}

static CK_RV
mutex_unlock(void *mutex)
{
	return pthread_mutex_unlock(mutex) == 0 ? CKR_OK :
						  CKR_MUTEX_NOT_LOCKED;
}

void
mutex_offer(CK_C_INITIALIZE_ARGS *args)
{
	args->CreateMutex = mutex_create;
	args->DestroyMutex = mutex_destroy;
	args->LockMutex = mutex_lock;
	args->UnlockMutex = mutex_unlock;
	args->flags = CKF_OS_LOCKING_OK;
}
