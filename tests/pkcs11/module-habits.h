/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Habits of modules in the field, for the modules for tests. A line of
 * their script, which is read once, when the module is loaded:
 *
 *   module KEY=VALUE …
 *     version=N             of its function list: major N, minor 0
 *     null=C_X              it has no such function; may be there again
 *     read-write=1          it opens no read-only session (C_OpenSession 6)
 *     mutex=1               each call takes a mutex, one that C_Initialize
 *                           got, if it did, else its own, and gives it back;
 *                           `call NAME keep=1` does not (call-script.h)
 */
#ifndef P11_AGENT_TESTS_PKCS11_MODULE_HABITS_H
#define P11_AGENT_TESTS_PKCS11_MODULE_HABITS_H

#include <p11-kit/pkcs11.h>

/* Read the script, and change the list. */
void habits_read(const char *script, CK_FUNCTION_LIST *list);

/*
 * C_Initialize's detail in the log: 0 no locks wanted, 2 the operating
 * system's (CKF_OS_LOCKING_OK), 3 the caller's as well.
 */
unsigned long habits_locking(const void *args);

/* The module was initialised. */
void habits_initialized(const void *args);

/* CKR_FUNCTION_FAILED for a session of these flags, or CKR_OK. */
CK_RV habits_open_session(CK_FLAGS flags);

void habits_lock(void);
void habits_unlock(void);

#endif
