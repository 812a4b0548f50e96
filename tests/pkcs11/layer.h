/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the layer module; see layer-module.c. */
#ifndef P11_AGENT_TESTS_PKCS11_LAYER_H
#define P11_AGENT_TESTS_PKCS11_LAYER_H

#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdbool.h>

#include "tests/pkcs11/call-script.h"

enum {
	LAYER_TOKENS_MAX = 16,
	LAYER_SLOTS_MAX = 32,
	LAYER_SESSIONS_MAX = 256,
};

/* A `token` line, or that nothing is changed. */
struct layer_token {
	char real[33]; /* the label of the token below */
	char label[33], serial[17], model[17], manufacturer[33], reader[65];
	CK_FLAGS set, clear, slot_set, slot_clear;
	unsigned long slot, epoch;
	CK_RV gone;
	bool has_slot, absent, hide;
};

/* What is read of the script, and forgotten when it changes. */
struct layer_script {
	struct call_script calls;
	struct layer_token tokens[LAYER_TOKENS_MAX];
	size_t n_tokens;
};

/* A slot below; those of one process stay. */
struct layer_below {
	CK_SLOT_ID id;
	char label[33];
};

/* A slot as it is shown, with its line of the script, or what is one. */
struct layer_slot {
	CK_SLOT_ID id, below;
	struct layer_token token;
};

/*
 * $P11_LAYER_SCRIPT.count, shared by all processes with this script: which
 * one that is, and how often each line was met.
 */
struct layer_counts {
	long long of[3];
	unsigned met[CALL_SCRIPT_MAX];
};

struct layer_session {
	CK_SESSION_HANDLE handle;
	CK_SLOT_ID slot; /* as shown */
	unsigned long epoch;
	bool open, dead;
};

struct layer {
	CK_FUNCTION_LIST *below;
	pthread_mutex_t mutex; /* all below */
	int log;
	struct layer_script script;
	struct layer_counts *counts; /* NULL until a script was read */
	long long read_at[3]; /* which file was read: i-node, time */
	struct layer_below slots[LAYER_SLOTS_MAX];
	size_t n_slots;
	struct layer_session sessions[LAYER_SESSIONS_MAX];
};

/* Read the script if it is another one by now. True when it was. */
bool layer_read(struct layer *l);

void layer_log(const struct layer *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Learn the slots below, after C_Initialize. */
void layer_find_slots(struct layer *l);

/* All slots that are shown, absent ones too. */
size_t layer_slots(struct layer *l,
    struct layer_slot ret[static LAYER_SLOTS_MAX]);

/* The shown slot; CKR_SLOT_ID_INVALID, or CKR_TOKEN_NOT_PRESENT. */
CK_RV layer_slot_find(struct layer *l, CK_SLOT_ID id,
    struct layer_slot *ret);

/* A session was opened. */
void layer_session_add(struct layer *l, CK_SESSION_HANDLE h,
    const struct layer_slot *slot);

/* CKR_OK while its token has been there all the time. */
CK_RV layer_session_check(struct layer *l, CK_SESSION_HANDLE h);

void layer_session_drop(struct layer *l, CK_SESSION_HANDLE h);

/* Does its token show nothing before a login? */
bool layer_session_hides(struct layer *l, CK_SESSION_HANDLE h);

/* Close what the new script took away, so that its login is gone as well. */
void layer_sessions_bury(struct layer *l);

#endif
