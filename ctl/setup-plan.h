/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `p11-agentctl setup` would do, step by step, before any of it is done;
 * and how each step is taken back. Built from facts alone, so that one system
 * can test the other's.
 */
#ifndef P11_AGENT_CTL_SETUP_PLAN_H
#define P11_AGENT_CTL_SETUP_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	SETUP_STEPS_MAX = 16,
	SETUP_ARGS_MAX = 8,
};

/* Where this person's things are; all borrowed. */
struct setup_place {
	const char *home;
	const char *config; /* XDG_CONFIG_HOME, or HOME/.config */
	const char *socket; /* the agent's, as it will be */
	const char *shell;  /* SHELL, or "" */
	const char *agent;  /* the daemon's program (launchd) */
	const char *plist;  /* text of its template (launchd) */
	const char *bash_file; /* what bash reads, in HOME */
	const char *zsh;       /* ZDOTDIR, or HOME */
	const char *manager;   /* its SSH_AUTH_SOCK now, or NULL */
	bool undo;	       /* plan for whatever setup may have done */
	uid_t uid;
};

enum setup_kind {
	SETUP_FILE,   /* a file of our own */
	SETUP_TOP,    /* lines on top of somebody's file */
	SETUP_BOTTOM, /* lines at its end */
	SETUP_RUN,    /* a command */
};

struct setup_step {
	enum setup_kind kind;
	char *path; /* owned; of a file */
	char *text; /* owned; what goes there */
	char *words[SETUP_ARGS_MAX + 1]; /* owned; SETUP_RUN; may be empty */
	char *undo[SETUP_ARGS_MAX + 1];  /* owned; the same to take it back */
};

struct setup_plan {
	struct setup_step steps[SETUP_STEPS_MAX];
	size_t n;
	bool failed; /* out of memory */
};

/* The user manager of systemd starts the agent. */
void setup_plan_systemd(struct setup_plan *p, const struct setup_place *at);

/* launchd does. */
void setup_plan_launchd(struct setup_plan *p, const struct setup_place *at);

void setup_plan_clear(struct setup_plan *p);

#endif
