/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the modules for tests do instead of, or before, a call. One line of
 * their script each:
 *
 *   call NAME KEY=VALUE …   NAME is C_Sign and the like, or * for every call
 *     rv=CKR_DEVICE_ERROR   answer so (or rv=0x30); without it: only what the
 *                           others say, and then as ever
 *     skip=N times=N        N calls after the first `skip`; times=always.
 *                           Without them: once, the next one
 *     of=N                  only where the log's detail is N: C_Login of=2
 *     ms=N                  wait so long first
 *     gate=PATH             wait first for as long as the file is there
 *     crash=1 hang=1        die by SIGKILL, or never return
 *     stray=1               leave two processes behind first, one in a session
 *                           of its own without a parent, and move into the
 *                           process group of the other one
 *     child=1               leave a process behind in the same group, which
 *                           has nothing open but the FIFO $P11_FAKE_LOG.child
 *     after=1               make the call, and answer rv all the same
 *     wrong=1               make the call, and spoil the signature it gives
 *     keep=1                with its rv, keep the mutex (module-habits.h)
 *
 * The first line with a NAME whose time has come counts.
 */
#ifndef P11_AGENT_TESTS_PKCS11_CALL_SCRIPT_H
#define P11_AGENT_TESTS_PKCS11_CALL_SCRIPT_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>

enum { CALL_SCRIPT_MAX = 64 };

struct scripted_call {
	char name[40];
	CK_RV rv;
	unsigned long skip, times, of, ms;
	char gate[256];
	bool any_detail, crash, hang, stray, child, after, wrong, keep;
};

struct call_script {
	struct scripted_call calls[CALL_SCRIPT_MAX];
	size_t n;
	/* How often each line was met; maybe shared with other processes. */
	unsigned *met;
};

/* The words of a line behind "call"; `save` is strtok_r's. */
void call_script_add(struct call_script *s, char **save);

/* What this call is to do, copied; false when it is as ever. */
bool call_script_next(struct call_script *s, const char *name,
    unsigned long detail, struct scripted_call *ret);

/* Wait, or die; what is left is rv, after and wrong. */
void scripted_call_run(const struct scripted_call *c);

#endif
