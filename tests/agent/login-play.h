/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logins, with the process and the prompt played by the test: the linker
 * hands login.c's calls over to the __wrap_ functions of login-play.c.
 */
#ifndef P11_AGENT_TESTS_AGENT_LOGIN_PLAY_H
#define P11_AGENT_TESTS_AGENT_LOGIN_PLAY_H

#include "agent/login.h"
#include "agent/pin-memory.h"
#include "agent/prompter.h"
#include "common/limits.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

enum { SENT_MAX = 16 };

/* The fate of a try that is to be stored. */
enum play_file {
	FILE_TAKES,	/* at once, or: it is none */
	FILE_IS_SLOW,	/* until file_says */
	FILE_IS_BROKEN, /* p11-agent-config cannot be started */
};

/* What the login under test did to the others. */
struct play {
	struct agent *agent;
	struct token *token;
	/* The process. */
	char sent[SENT_MAX][SECRET_MAX_BYTES]; /* PINs; "" for the pad */
	unsigned n_sent, logins;
	bool person; /* the last one's */
	unsigned ended, lost; /* processes */
	bool start_fails, login_fails;
	/* The file of wrong PINs. */
	enum play_file file;
	unsigned stores;
	struct pin_waiter *storing;
	uint32_t kept_sec; /* for which a PIN was kept last */
	bool hurry;	   /* it is one second instead */
	/* The prompt. */
	bool prompt_open, prompt_fails, persons_only, notice_open;
	unsigned prompts;
	char text[1024], warning[1024];
	uint32_t client_pid;
	prompter_answered answered;
	void *arg;
};

extern struct play play;

struct waiter {
	struct login_waiter w;
	unsigned done;
	char why[256]; /* "" for a login */
	bool again;    /* wait again when told */
	bool left;     /* its client has gone */
	unsigned signs; /* signatures that were sent with a PIN */
};

/* For cmocka: a token that wants a login, nobody logged in. */
int play_setup(void **state);
int play_teardown(void **state);

/* The try is stored (NULL), or not. */
void file_says(const char *fault);

/* The open prompt is answered. */
void answer(enum answer_status status, const char *secret, bool unattended);
void person(const char *pin);

/* Its time is over. */
void nobody_answers(void);

/* The process answers the login; flags: what the token says of its PIN. */
void token_says(enum wire_outcome outcome, uint32_t flags);

/* It answers that it lost the token; in_doubt: having sent the PIN. */
void token_lost(bool in_doubt);

/* The process answers the signature; see login_signature. */
bool signature_says(struct waiter *w, enum wire_pin pin,
    enum wire_outcome outcome, uint32_t flags);

/* Wait for the PIN of one signature. */
void waiter_wants_pin(struct waiter *w);

/* Wait for a prompt; bring a PIN as ssh-add -s, as unlock (NULL: a pad). */
void waiter_asks(struct waiter *w);
void waiter_offers(struct waiter *w, const char *pin);
void waiter_unlocks(struct waiter *w, const char *pin);

/* These PINs went to the token, in this order, and no others. */
void assert_sent(const char *all);

/* It was told once; text stands in the reason, "" for a login. */
#define assert_told(who, text)                                      \
	do {                                                        \
		assert_int_equal((who)->done, 1);                   \
		if ((text)[0] == '\0')                              \
			assert_string_equal((who)->why, "");        \
		else if (strstr((who)->why, (text)) == NULL)        \
			fail_msg("\"%s\" is not in \"%s\"", (text), \
			    (who)->why);                            \
		(who)->done = 0;                                    \
	} while (0)

#define assert_waits(who)                         \
	do {                                      \
		assert_int_equal((who)->done, 0); \
		assert_non_null((who)->w.login);  \
	} while (0)

#define PLAY(name) \
	cmocka_unit_test_setup_teardown(name, play_setup, play_teardown)

#endif
