/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of p11-agent, which is ssh-agent's where they meet. */
#ifndef P11_AGENT_AGENT_OPTIONS_H
#define P11_AGENT_AGENT_OPTIONS_H

#include <stdbool.h>

#include "agent/shell.h"

struct options {
	const char *socket; /* -a; or NULL */
	const char *config; /* -f; or NULL */
	enum shell shell;   /* -s, -c */
	bool foreground;    /* -D */
	bool debug;	    /* -d: foreground, and a talkative log */
	bool kill;	    /* -k */
	char **command;	    /* NULL-terminated; or NULL */
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_DONE,  /* --help or --version was printed */
	OPTIONS_USAGE, /* what is wrong was printed */
};

/* *ret borrows from argv. */
enum options_result options_parse(int argc, char **argv, struct options *ret);

#endif
