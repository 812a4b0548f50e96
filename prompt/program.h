/* SPDX-License-Identifier: BSD-2-Clause */
/* Find a program, run it, and read the one line that it prints. */
#ifndef P11_AGENT_PROMPT_PROGRAM_H
#define P11_AGENT_PROMPT_PROGRAM_H

#include "common/buffer.h"
#include "prompt/environment.h"

/*
 * The program that an absolute path or a bare name (looked for in the absolute
 * folders of PATH) means, copied into out. False: there is none that we may
 * run, or its path does not fit.
 */
bool program_find(
    const struct environment *e, const char *name, char *out, size_t size);

enum program_result {
	PROGRAM_ENDED,	      /* *ret is what waitpid(2) said */
	PROGRAM_NOT_STARTED,  /* *ret is an errno */
	PROGRAM_TOO_LONG,     /* it printed more than fits; it was killed */
	PROGRAM_NOBODY_WAITS, /* `peer` closed, or SIGTERM; it was ended */
};

/*
 * Run argv[0] with just these variables (NULL-terminated) and nothing on its
 * standard input; what it prints is appended to *out, which must have room for
 * one byte more than is wanted. Ends early when the socket `peer` closes. The
 * program stays in our process group, for whoever ends that to end it too.
 */
enum program_result program_run(char *const *argv, char *const *vars, int peer,
    struct buffer *out, int *ret);

/*
 * Wait until fd can be read, or has ended. False when `peer` closed first (or
 * said something: there is nothing that it may still say), or when SIGTERM
 * came.
 */
bool program_wait(int peer, int fd);

/* Does the daemon still want an answer, as of now? */
bool program_is_wanted(int peer);

/* From now on SIGTERM comes while program_wait waits, and ends that. */
void program_catch_term(void);

/*
 * Until it is caught again, SIGTERM ends us and all that we have started: while
 * a call waits that does not heed it, and nothing has to be put back.
 */
void program_die_by_term(void);

/* Undo both in a child of ours, which is to become a program. */
void program_uncatch_term(void);

/*
 * End whatever was started, also what that has started itself, and us: all of
 * it is in our group (see program_run), if the daemon has given us one.
 */
void program_end_group(void);

/*
 * Make a child of ours end: SIGTERM, for it to leave a terminal as it was, and
 * SIGKILL half a second later. Whoever wants us to end waits for a second.
 */
void program_end(pid_t pid);

#endif
