/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agentctl: what its commands share. */
#ifndef P11_AGENT_CTL_CTL_H
#define P11_AGENT_CTL_CTL_H

#include <stdbool.h>
#include <stdio.h>

#include "common/limits.h"
#include "ctl/env.h"

enum ctl_exit {
	CTL_DONE = 0,
	CTL_REFUSED = 1,
	CTL_USAGE = 2,
	CTL_NO_AGENT = 3,
};

/* The command line; everything borrows from argv. */
struct ctl {
	const char *socket; /* -a, or NULL */
	bool json;
	enum shell shell; /* -s, -c, --fish */
	bool undo;	  /* --undo */
	bool yes;	  /* --yes */
	bool from_stdin;  /* --stdin */
	bool authorized_keys;  /* --authorized-keys */
	const char *principal; /* --allowed-signers, or NULL */
	const char *folder;    /* --pub, or NULL */
	const char *words[CONTROL_ARGS_MAX]; /* the command, its arguments */
	unsigned n_words;
};

/* One command each, in a file of its own; they print and return the exit. */
enum ctl_exit ctl_status(const struct ctl *c);
enum ctl_exit ctl_keys(const struct ctl *c);
enum ctl_exit ctl_allow(const struct ctl *c);
enum ctl_exit ctl_deny(const struct ctl *c);
enum ctl_exit ctl_export(const struct ctl *c);
enum ctl_exit ctl_unlock(const struct ctl *c);
enum ctl_exit ctl_lock(const struct ctl *c);
enum ctl_exit ctl_release(const struct ctl *c);
enum ctl_exit ctl_watch(const struct ctl *c);
enum ctl_exit ctl_reload(const struct ctl *c);
enum ctl_exit ctl_env(const struct ctl *c);
enum ctl_exit ctl_setup(const struct ctl *c);
enum ctl_exit ctl_check_config(const struct ctl *c);

/* "p11-agentctl: …" on standard error, each line fit to be shown. */
void ctl_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
