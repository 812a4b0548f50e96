/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The environment of the program that asked for a signature, for the prompt to
 * appear where that person sits. Only names from a fixed list are ever looked
 * at or handed on: no LD_PRELOAD, no module paths.
 */
#ifndef P11_AGENT_PROMPT_ENVIRONMENT_H
#define P11_AGENT_PROMPT_ENVIRONMENT_H

#include <sys/types.h>

#include "common/buffer.h"

enum {
	/* Of a client's environment, what is looked at. */
	ENVIRONMENT_MAX_BYTES = 1024 * 1024,
	/* Variables in a block, without the NULL behind them. */
	ENVIRONMENT_VARS_MAX = 40,
	ENVIRONMENT_PROGRAM_BYTES = 64,
	ENVIRONMENT_TTY_BYTES = 64,
};

struct environment {
	struct buffer client; /* NAME=VALUE NUL …; empty: could not be read */
	struct buffer manager; /* the same of the user manager; or empty */
	char *const *own;      /* borrowed; our own, NULL-terminated */
	pid_t client_pid;      /* 0: none */
	char program[ENVIRONMENT_PROGRAM_BYTES]; /* the client's name, or "" */
	char tty[ENVIRONMENT_TTY_BYTES]; /* the client's terminal, or "" */
};

/* What a program is started with; borrows from the environment. */
struct environment_block {
	char *vars[ENVIRONMENT_VARS_MAX + 1];
	size_t n;
};

/*
 * Read the environment of pid, if it is a process of our own user (proc(5));
 * else, and for pid 0, only `own` counts. Free it with environment_clear.
 */
void environment_read(struct environment *e, pid_t pid, char *const *own);
void environment_clear(struct environment *e);

/*
 * Where the client has neither a display nor a terminal, ask the user manager
 * (systemd), which learns of a display later than we were started. Waits for
 * it a second at most.
 */
void environment_add_manager(struct environment *e);

/*
 * A variable of the list: the client's, else the user manager's, else our own.
 * Variables that belong
 * together (a display and its authority) come from the same place. NULL: not
 * set, empty, or not on the list. Borrowed.
 */
const char *environment_get(const struct environment *e, const char *name);

/* Any variable of our own environment; the same otherwise. */
const char *environment_own(const struct environment *e, const char *name);

/* Is there a graphical display to ask on? */
bool environment_has_display(const struct environment *e);

/* All variables of the list that are set. */
void environment_pick(
    const struct environment *e, struct environment_block *ret);

/* One more NAME=VALUE; borrowed as long as the block is used. */
void environment_block_add(struct environment_block *b, char *variable);

#endif
