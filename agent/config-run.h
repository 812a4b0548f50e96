/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agent-config at work for the daemon: one question, one answer. It may
 * look at file systems that hang; it has CONFIG_CHILD_SEC seconds.
 */
#ifndef P11_AGENT_AGENT_CONFIG_RUN_H
#define P11_AGENT_AGENT_CONFIG_RUN_H

#include "agent/agent.h"
#include "common/bytes.h"

struct config_run;

/*
 * Called once, from the loop. answer is borrowed and valid when error is
 * NULL; error is in words. The run is freed when this returns.
 */
typedef void (*config_run_done)(void *arg, struct bytes answer,
    const char *error);

/* args: see config-child.h, of those with a frame. NULL when it cannot be started. */
struct config_run *config_run_start(struct agent *agent,
    const char *const *args, config_run_done done, void *arg);

/* Without a callback. NULL is fine. Returns NULL. */
struct config_run *config_run_free(struct config_run *r);

#endif
