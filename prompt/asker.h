/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who asks for a signature: the client and the programs that started it, by
 * the names that they have. For a person to recognise what they did; a name
 * proves nothing.
 */
#ifndef P11_AGENT_PROMPT_ASKER_H
#define P11_AGENT_PROMPT_ASKER_H

#include <sys/types.h>

#include "common/bytes.h"

enum {
	/* The client and its parents. */
	ASKER_NAMES_MAX = 5,
	/* A name, fit to be shown; "ssh to HOST" is the longest. */
	ASKER_NAME_BYTES = 80,
	/* All of it in one line. */
	ASKER_LINE_BYTES = 512,
};

struct asker {
	pid_t pid;
	size_t n;				       /* 0: nothing is known */
	char names[ASKER_NAMES_MAX][ASKER_NAME_BYTES]; /* the client first */
};

/* Look at the processes (proc(5)); pid 0: nobody asks. */
void asker_read(struct asker *a, pid_t pid);

/* "asked for by ssh to host, git, bash (pid 4711)", or "". Returns out. */
const char *asker_line(const struct asker *a, char *out, size_t size);

/* "git (ssh to host)": what the person started, or "". Returns out. */
const char *asker_program(const struct asker *a, char *out, size_t size);

/*
 * Where ssh's own arguments (each ends in NUL) say that it goes; a view into
 * them, empty when they do not.
 */
struct bytes asker_ssh_host(struct bytes arguments);

#endif
