/* SPDX-License-Identifier: BSD-2-Clause */
/* Habits of modules in the field. */
#include "tests/pkcs11/module-habits.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct habits {
	bool read_write, mutex;
	CK_C_INITIALIZE_ARGS given; /* its mutexes; LockMutex NULL: none */
	void *given_mutex;
	pthread_mutex_t own_mutex;
} habits = {.own_mutex = PTHREAD_MUTEX_INITIALIZER};

#define CALL(name) {#name, offsetof(CK_FUNCTION_LIST, name)}
static const struct {
	const char *name;
	size_t at;
} calls[] = {
	CALL(C_GetInfo), CALL(C_GetSlotInfo), CALL(C_GetMechanismList),
	CALL(C_GetMechanismInfo), CALL(C_WaitForSlotEvent),
	CALL(C_CloseSession), CALL(C_GetSessionInfo), CALL(C_Login),
	CALL(C_FindObjectsFinal), CALL(C_OpenSession), CALL(C_SignInit),
	CALL(C_Sign),
};

static void
take_away(const char *name, CK_FUNCTION_LIST *list)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0)
			memset((char *)list + calls[i].at, 0, sizeof(void *));
}

static void
habit_set(const char *key, const char *value, CK_FUNCTION_LIST *list)
{
	if (strcmp(key, "version") == 0) {
		list->version.major = (unsigned char)atoi(value);
		list->version.minor = 0;
	} else if (strcmp(key, "null") == 0)
		take_away(value, list);
	else if (strcmp(key, "read-write") == 0)
		habits.read_write = true;
	else if (strcmp(key, "mutex") == 0)
		habits.mutex = true;
}

void
habits_read(const char *script, CK_FUNCTION_LIST *list)
{
	FILE *f = script == NULL ? NULL : fopen(script, "re");
	char *line = NULL, *word, *save;
	size_t size = 0;

	while (f != NULL && getline(&line, &size, f) > 0) {
		word = strtok_r(line, " \n", &save);
		if (word == NULL || strcmp(word, "module") != 0)
			continue;
		while ((word = strtok_r(NULL, " \n", &save)) != NULL) {
			char *value = strchr(word, '=');

			if (value == NULL)
				continue;
			*value++ = '\0';
			habit_set(word, value, list);
		}
	}
	free(line);
	if (f != NULL)
		fclose(f);
}

unsigned long
habits_locking(const void *args)
{
	const CK_C_INITIALIZE_ARGS *a = args;

	if (a == NULL)
		return 0;
	return (a->flags & CKF_OS_LOCKING_OK) | (a->LockMutex != NULL);
}

void
habits_initialized(const void *args)
{
	if (!habits.mutex || (habits_locking(args) & 1) == 0)
		return;
	habits.given = *(const CK_C_INITIALIZE_ARGS *)args;
	if (habits.given.CreateMutex(&habits.given_mutex) != CKR_OK)
		abort();
}

CK_RV
habits_open_session(CK_FLAGS flags)
{
	return habits.read_write && (flags & CKF_RW_SESSION) == 0 ?
	    CKR_FUNCTION_FAILED : CKR_OK;
}

void
habits_lock(void)
{
	if (habits.given_mutex != NULL)
		habits.given.LockMutex(habits.given_mutex);
	else if (habits.mutex)
		pthread_mutex_lock(&habits.own_mutex);
}

void
habits_unlock(void)
{
	if (habits.given_mutex != NULL)
		habits.given.UnlockMutex(habits.given_mutex);
	else if (habits.mutex)
		pthread_mutex_unlock(&habits.own_mutex);
}
