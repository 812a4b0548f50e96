/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the daemon knows of a token and its keys, whether a process serves it
 * at the moment or not. Filled from WIRE_TOKEN messages.
 */
#ifndef P11_AGENT_AGENT_TOKEN_H
#define P11_AGENT_AGENT_TOKEN_H

#include <sys/queue.h>

#include "agent/agent.h"
#include "agent/backoff.h"
#include "agent/ref-set.h"
#include "common/log.h"
#include "pkcs11/wire.h"
#include "proto/keyblob.h"

struct config_key;
struct login;
struct process;
struct release;
struct sign_job;
struct taken;

struct key {
	uint8_t ref[KEY_REF_BYTES];
	enum ssh_key_type type;
	uint8_t *blob; /* owned; NULL for a key without an SSH algorithm */
	size_t blob_len;
	size_t modulus_bytes; /* RSA */
	char fingerprint[FINGERPRINT_BYTES];
	uint8_t *id; /* CKA_ID; owned */
	size_t id_len;
	char *label;	/* CKA_LABEL, printable; owned */
	/* Of its other objects, printable; NULL: no more; owned. */
	char *other_labels[KEY_OTHER_LABELS];
	uint32_t flags; /* enum key_flag */
	char *reason;	/* why it cannot sign; NULL when it may; owned */
	bool refused;	/* the reason is what its token answered to a call */
	bool hidden;	/* by ssh-add -d */
	bool seen_before_login; /* at least once: it needs none to be listed */
	bool renewed;	/* by the report that is being taken over */
	/* Where allowlist_update put it. */
	const struct config_key *section; /* borrowed from the config */
	size_t position; /* 1 is the first that is shown; 0: not allowed */
};

struct token {
	TAILQ_ENTRY(token) entry;
	struct agent *agent;
	struct provider *provider;
	struct token_id id; /* views of text below */
	char *text;	    /* owned */
	struct slot_place place; /* where it was seen last */
	/* For people, printable: what tells it from the others; owned. */
	char *name;
	uint32_t flags;	    /* enum token_flag */
	uint32_t pin_min, pin_max;
	struct key *keys; /* owned */
	size_t n_keys;
	struct ref_set index; /* of keys */
	size_t n_dropped; /* keys that it has and we keep not: too many */
	size_t n_unshown; /* objects that its process left out */
	struct process *process; /* owned; NULL while none serves it */
	struct login *login;	 /* owned */
	struct release *release; /* owned */
	struct taken *taken;	 /* owned */
	char *last_error;	 /* owned; the last request that failed */
	/* Its processes that ended by themselves since the last good answer. */
	struct backoff backoff;
	/* With login = "each" one signature has the login, the others wait. */
	struct sign_job *owner;
	TAILQ_HEAD(, sign_job) held;
	bool releasing;
	bool present;		 /* as far as we know */
	bool hidden;		 /* by ssh-add -e or -D */
	bool seen;		 /* while the scan was under way */
	bool scanned;		 /* by that scan */
	bool unseen;		 /* that scan leaves it to its process */
	bool watched;		 /* in what its watcher is saying */
};

enum token_view {
	TOKEN_VIEW_SCAN, /* a scan, which knows nothing of our login */
	TOKEN_VIEW_OWN,	 /* the process that serves it */
};

/*
 * Take over what is reported of a token. A view from before the login does
 * not take away what one from after it has shown. False when memory is out.
 */
bool token_update(struct token *t, struct wire_token *w,
    enum token_view view);

/*
 * Take over a token that a scan has found: a new one if it is not known yet.
 * NULL when memory is out; or when there are too many of its provider, which
 * counts them (n_dropped), unless a section of the config names it.
 */
struct token *token_report(struct provider *provider, struct wire_token *w,
    enum token_view view);

/* Is one of its objects called so? */
bool key_is_called(const struct key *k, const char *label);

/* Forget it, and fail what waits for it. NULL is fine. Returns NULL. */
struct token *token_free(struct token *t);

/*
 * It is gone: off the list at once. What its process owes has LEAVE_SEC more.
 * What we know of its PIN stays; otherwise it is freed: see token_tidy.
 */
void token_leave(struct token *t, const char *why);

/* End its process and forget its PIN, by a person's order. */
void token_close(struct token *t, const char *why);

/* Free one that is gone, unless something of it has to be remembered. */
void token_tidy(struct token *t);

/* The key with this reference, or NULL. */
struct key *token_key(const struct token *t, const uint8_t *ref);

/* One of its keys is allowed and signed for by it. */
bool token_is_exposed(const struct token *t);

/* A login is required, and its process has not had one. */
bool token_needs_login(const struct token *t);

/*
 * The token answered that the key cannot sign: it leaves the list, whatever
 * the token shows of it, until token_try_again.
 */
void token_key_unusable(struct token *t, struct key *k, const char *reason);

/* The token was away, or set up otherwise: what it refused may work now. */
void token_try_again(struct token *t);

/* The command line that gives a token with a locked PIN a new one. */
const char *token_unblock_command(const struct token *t);

/* The command line that changes its PIN, into buf, which is returned. */
enum { TOKEN_COMMAND_BYTES = 512 };
const char *token_change_command(const struct token *t,
    char buf[static TOKEN_COMMAND_BYTES]);

/* A line of the log about it, which begins with its name. */
void token_log(const struct token *t, enum log_level level,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Keep the words of a failure for `status`. */
void token_set_error(struct token *t, const char *text);

#endif
