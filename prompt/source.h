/* SPDX-License-Identifier: BSD-2-Clause */
/* The ways to ask a person. */
#ifndef P11_AGENT_PROMPT_SOURCE_H
#define P11_AGENT_PROMPT_SOURCE_H

#include "common/secret.h"
#include "prompt/environment.h"
#include "prompt/question.h"

/* What came of asking. */
enum source_result {
	SOURCE_OK,
	SOURCE_CANCEL,	     /* the person said no: no other way is tried */
	SOURCE_CANNOT,	     /* `why` says what is missing; try the next */
	SOURCE_EXPIRED,	     /* nobody answered in time: the same */
	SOURCE_NOBODY_WAITS, /* the daemon wants no answer any more */
};

enum { SOURCE_WHY_BYTES = 512 };

struct asking {
	const struct question *question;
	const struct environment *environment;
	int peer;	       /* the daemon's socket */
	long until; /* CLOCK_MONOTONIC, sec: its patience; 0: without end */
	struct bytes argument; /* what stands behind the source's "NAME:" */
	/* Filled by a source. */
	struct secret *secret; /* SOURCE_OK to QUESTION_PIN; owned */
	bool unattended;
	char why[SOURCE_WHY_BYTES];
};

typedef enum source_result (*source_ask)(struct asking *a);

enum source_result askpass_ask(struct asking *a);
enum source_result pinentry_ask(struct asking *a);

/* These bring a PIN without a person (`unattended`). */
enum source_result credential_ask(struct asking *a);
enum source_result command_ask(struct asking *a);

/* Write a->why (made fit to be shown) and return SOURCE_CANNOT. */
enum source_result source_cannot(struct asking *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The PIN is this: SOURCE_OK, or SOURCE_CANNOT where it is none. */
enum source_result source_take_pin(struct asking *a, struct bytes pin);

/* What a program printed up to its first CR or LF. */
struct bytes source_first_line(const struct buffer *out);

/*
 * Try the question's sources in their order, up to the first that a person
 * answered. On SOURCE_CANNOT *why (whole sentences, at most its max) has what
 * each of them lacked.
 */
enum source_result sources_ask(struct asking *a, struct buffer *why);

/*
 * The question as one text: warning, then what is asked, each line fit to be
 * shown. A C string in *out, which is `failed` when it did not fit.
 */
void asking_text(const struct question *q, struct buffer *out);

/* The same for one of its parts; no NUL. */
void asking_lines(struct bytes lines, struct buffer *out);

#endif
