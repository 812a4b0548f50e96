/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one question that p11-agent-prompt is given, and its one answer: frames
 * (common/frame.h) on a SOCK_STREAM socketpair, fd PROMPT_FD in the prompt.
 * The daemon closes the socket (and kills the process group) when nobody
 * waits for the answer any more.
 */
#ifndef P11_AGENT_PROMPT_QUESTION_H
#define P11_AGENT_PROMPT_QUESTION_H

#include "common/buffer.h"
#include "common/limits.h"
#include "common/reader.h"

enum { PROMPT_FD = 3 };

enum question_kind {
	QUESTION_PIN = 1,     /* answer: the PIN */
	QUESTION_CONFIRM = 2, /* answer: yes or no */
	/*
	 * Answer: ANSWER_OK when the notice is on the desktop, where it stays
	 * until the daemon closes the socket (and then does not kill the
	 * prompt, which takes the notice away and ends).
	 */
	QUESTION_NOTICE = 3,
};

struct question {
	enum question_kind kind;
	struct bytes title;   /* one line: the token */
	struct bytes text;    /* what is asked or said, lines of UTF-8 */
	struct bytes warning; /* a wrong PIN before, few tries left; or empty */
	uint32_t client_pid;  /* whose display and terminal to use; 0: none */
	struct bytes sources; /* which to try, in order, a line each */
	/* Skip sources that no person answers, and take no PIN from a cache. */
	bool persons_only;
};

enum answer_status {
	ANSWER_OK = 0,
	ANSWER_CANCEL = 1, /* the person said no, or closed it */
	ANSWER_NO_WAY =
	    2, /* nothing to ask with: `text` says what is missing */
};

struct answer {
	enum answer_status status;
	struct bytes secret; /* ANSWER_OK to QUESTION_PIN */
	struct bytes text;
	bool unattended; /* the PIN came from a cache, no person typed it now */
};

/* Append one whole frame; parsers take a frame's body and borrow from it. */
void question_put(struct buffer *b, const struct question *q);
void answer_put(struct buffer *b, const struct answer *a);
enum parse_err question_parse(struct bytes body, struct question *ret);
enum parse_err answer_parse(struct bytes body, struct answer *ret);

#endif
