/* SPDX-License-Identifier: BSD-2-Clause */
/* For those who build a plan. */
#ifndef P11_AGENT_CTL_SETUP_STEPS_H
#define P11_AGENT_CTL_SETUP_STEPS_H

#include "ctl/setup-plan.h"

/* The caller's, or the plan's once it is added; NULL when memory is out. */
char *setup_text(struct setup_plan *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * How the manager's SSH_AUTH_SOCK is taken back: `unset`, or NULL when it is
 * not ours, but another agent's.
 */
const char *const *setup_unset(const struct setup_place *at,
    const char *const *unset);

/* A step with a file; takes both texts over. */
void setup_add_text(struct setup_plan *p, enum setup_kind kind, char *path,
    char *text);

/* A command and what takes it back, each up to a NULL; either may be NULL. */
void setup_add_run(struct setup_plan *p, const char *const *words,
    const char *const *undo);

#endif
