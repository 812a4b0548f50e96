/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agentctl unlock: a PIN, from the terminal or one line, to the agent. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/harden.h"
#include "common/secret.h"
#include "common/wipe.h"
#include "ctl/client.h"
#include "ctl/show.h"
#include "ctl/tty.h"

enum {
	ROUNDS_MAX = 3,
	/* A pad waits for a person, and a card may take its time. */
	UNLOCK_MAX_MSEC = (PROMPT_MAX_SEC + SIGN_MAX_SEC) * 1000,
	PROMPT_BYTES = 2048,
};

/* What the agent says before a PIN is typed. */
struct unlock {
	const struct ctl *c;
	json_t *question;
	int tty; /* or -1 */
	struct secret *refused[ROUNDS_MAX];
	unsigned n_refused;
};

static const char *
unlock_token(const struct unlock *u)
{
	const char *name =
	    json_string_value(json_object_get(u->question, "token"));

	return name == NULL ? "" : name;
}

static bool
unlock_is(const struct unlock *u, const char *member)
{
	return json_is_true(json_object_get(u->question, member));
}

/* Ask anew: a wrong PIN changes what there is to be said. */
static enum ctl_exit
unlock_question(struct unlock *u, const char *token)
{
	CLEANUP(cleanup_free) char *refusal = NULL;
	struct control_request q = {
	    .n_words = token == NULL ? 1 : 2,
	    .words = {bytes_str("unlock"), bytes_str(token)},
	};
	json_t *question;
	enum ctl_exit e =
	    client_send(u->c, &q, ANSWER_MAX_MSEC, &question, &refusal);

	if (e == CTL_DONE) {
		json_decref(u->question);
		u->question = question;
	} else if (e != CTL_NO_AGENT) {
		ctl_error(
		    "%s", refusal == NULL ? "the agent said no" : refusal);
	}
	return e;
}

/* By its PKCS#11 name, which pkcs11/error.c counts as a refused PIN. */
static bool
is_wrong_pin(const char *words)
{
	return words != NULL && (strstr(words, "CKR_PIN_INCORRECT") != NULL ||
				    strstr(words, "CKR_PIN_INVALID") != NULL ||
				    strstr(words, "CKR_PIN_LEN_RANGE") != NULL);
}

/* pin: NULL for the reader's pad. *ret_wrong: another one may be right. */
static enum ctl_exit
unlock_try(struct unlock *u, const struct secret *pin, bool *ret_wrong)
{
	CLEANUP(cleanup_free) char *refusal = NULL;
	CLEANUP(cleanup_free) char *name = show_text(u->question, "token");
	const struct control_request q = {
	    .n_words = 3,
	    .words = {bytes_str("unlock"), bytes_str(unlock_token(u)),
		secret_bytes(pin)},
	};
	json_t *done;
	enum ctl_exit e =
	    client_send(u->c, &q, UNLOCK_MAX_MSEC, &done, &refusal);

	*ret_wrong = e == CTL_REFUSED && is_wrong_pin(refusal);
	if (e == CTL_DONE)
		printf("%s is unlocked\n", name == NULL ? "the token" : name);
	else if (*ret_wrong)
		ctl_error("that PIN was refused (%s)", refusal);
	else if (e != CTL_NO_AGENT)
		ctl_error(
		    "%s", refusal == NULL ? "the agent said no" : refusal);
	json_decref(done);
	return e;
}

/* Only somebody who was told may spend what may be the last try. */
static bool
unlock_confirm(struct unlock *u)
{
	CLEANUP(cleanup_free) char *tries = show_text(u->question, "tries");
	char prompt[PROMPT_BYTES], line[16];

	if (!unlock_is(u, "final_try"))
		return true;
	if (u->tty < 0) {
		ctl_error("%s\nNothing was tried: only a person at a terminal "
			  "may spend it",
		    tries == NULL ? "This may be the LAST try." : tries);
		return false;
	}
	snprintf(prompt, sizeof(prompt), "%s\nTo go on type yes: ",
	    tries == NULL ? "This may be the LAST try." : tries);
	if (tty_ask(u->tty, prompt, true, line, sizeof(line)) == TTY_LINE &&
	    strcmp(line, "yes") == 0)
		return true;
	ctl_error("no PIN was sent");
	return false;
}

static enum ctl_exit
unlock_by_pad(struct unlock *u)
{
	bool wrong;

	if (!unlock_confirm(u))
		return CTL_REFUSED;
	fprintf(stderr, "Type the PIN on the reader's own pad.\n");
	return unlock_try(u, NULL, &wrong);
}

static bool
unlock_was_refused(const struct unlock *u, const struct secret *pin)
{
	for (unsigned i = 0; i < u->n_refused; i++)
		if (secret_equal(u->refused[i], pin))
			return true;
	return false;
}

/* Why a PIN would be refused unseen; or NULL. */
static const char *
unlock_fault(const struct unlock *u, const struct secret *pin)
{
	json_int_t min = show_number(u->question, "pin_min", 0);
	json_int_t max = show_number(u->question, "pin_max", 0);
	json_int_t len = (json_int_t)secret_bytes(pin).len;

	if (unlock_was_refused(u, pin))
		return "That is the PIN that was wrong: it was not sent again.";
	if (len < min)
		return "That is too short for a PIN of this token: it was "
		       "not sent.";
	if (max > 0 && len > max)
		return "That is too long for a PIN of this token: it was not "
		       "sent.";
	return NULL;
}

/* NULL: the person gave up, or there is no memory; told. */
static struct secret *
unlock_read_tty(struct unlock *u)
{
	CLEANUP(cleanup_free) char *tries = show_text(u->question, "tries");
	CLEANUP(cleanup_free) char *name = show_text(u->question, "token");
	char prompt[PROMPT_BYTES], line[SECRET_MAX_BYTES + 2];
	struct secret *pin = NULL;
	enum tty_answer answer;

	snprintf(prompt, sizeof(prompt), "%s%sPIN of %s: ",
	    tries == NULL || unlock_is(u, "final_try") ? "" : tries,
	    tries == NULL || unlock_is(u, "final_try") ? "" : "\n",
	    name == NULL ? "the token" : name);
	answer = tty_ask(u->tty, prompt, false, line, sizeof(line));
	if (answer == TTY_TOO_LONG)
		ctl_error("That is too long for a PIN");
	else if (answer == TTY_END || line[0] == '\0')
		ctl_error("no PIN was sent");
	else if ((pin = secret_new(bytes_until(
	    bytes_of(line, sizeof(line)), '\0'))) == NULL)
		ctl_error("out of memory");
	wipe(line, sizeof(line));
	return pin;
}

/* One PIN. *ret_again: it did no harm, or was wrong: another may follow. */
static enum ctl_exit
unlock_round(struct unlock *u, bool *ret_again)
{
	enum ctl_exit e = CTL_REFUSED;
	struct secret *pin;
	const char *fault;

	*ret_again = false;
	if (!unlock_confirm(u) || (pin = unlock_read_tty(u)) == NULL)
		return CTL_REFUSED;
	if ((fault = unlock_fault(u, pin)) != NULL) {
		ctl_error("%s", fault);
		*ret_again = true;
	} else {
		e = unlock_try(u, pin, ret_again);
	}
	if (*ret_again)
		u->refused[u->n_refused++] = pin;
	else
		secret_free(pin);
	return e;
}

static enum ctl_exit
unlock_by_tty(struct unlock *u)
{
	enum ctl_exit e = CTL_REFUSED;
	bool again = true;

	if (u->tty < 0) {
		ctl_error("there is no terminal to type the PIN on, and "
			  "nothing was tried; with --stdin it is the first "
			  "line of standard input");
		return CTL_REFUSED;
	}
	for (int round = 0; round < ROUNDS_MAX && again; round++) {
		if (round > 0 &&
		    (e = unlock_question(u, unlock_token(u))) != CTL_DONE)
			return e;
		e = unlock_round(u, &again);
	}
	return e;
}

/* The first line of standard input; what is behind it is not looked at. */
static struct secret *
unlock_read_stdin(void)
{
	char line[SECRET_MAX_BYTES + 2];
	struct secret *pin = NULL;
	struct bytes first = BYTES_NONE;
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && first.len == len && len < sizeof(line)) {
		n = read(STDIN_FILENO, line + len, sizeof(line) - len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			len += (size_t)n;
		first = bytes_until(bytes_of(line, len), '\n');
	}
	if (first.len == 0)
		ctl_error("no PIN is on standard input");
	else if ((pin = secret_new(first)) == NULL)
		ctl_error("that is too long for a PIN");
	wipe(line, sizeof(line));
	return pin;
}

static enum ctl_exit
unlock_by_stdin(struct unlock *u)
{
	struct secret *pin = NULL;
	enum ctl_exit e = CTL_REFUSED;
	const char *fault;
	bool wrong;

	if (!unlock_confirm(u) || (pin = unlock_read_stdin()) == NULL)
		return CTL_REFUSED;
	if ((fault = unlock_fault(u, pin)) != NULL)
		ctl_error("%s", fault);
	else
		e = unlock_try(u, pin, &wrong);
	secret_free(pin);
	return e;
}

static enum ctl_exit
unlock(struct unlock *u)
{
	const char *token = u->c->n_words > 1 ? u->c->words[1] : NULL;
	enum ctl_exit e = unlock_question(u, token);

	if (e != CTL_DONE)
		return e;
	if (!unlock_is(u, "needs_pin")) {
		CLEANUP(cleanup_free)
		char *name = show_text(u->question, "token");

		printf("%s needs no PIN now\n",
		    name == NULL ? "the token" : name);
		return CTL_DONE;
	}
	if (!u->c->from_stdin)
		u->tty = tty_open();
	if (unlock_is(u, "pad"))
		return unlock_by_pad(u);
	return u->c->from_stdin ? unlock_by_stdin(u) : unlock_by_tty(u);
}

enum ctl_exit
ctl_unlock(const struct ctl *c)
{
	struct unlock u = {.c = c, .tty = -1};
	const char *fault = harden_process();
	enum ctl_exit e;

	if (fault != NULL) {
		ctl_error("%s", fault);
		return CTL_REFUSED;
	}
	e = unlock(&u);
	for (unsigned i = 0; i < u.n_refused; i++)
		secret_free(u.refused[i]);
	json_decref(u.question);
	cleanup_close(&u.tty);
	return e;
}
