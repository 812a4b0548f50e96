/* SPDX-License-Identifier: BSD-2-Clause */
/* One question to a person, by p11-agent-prompt in a process of its own. */
#ifndef P11_AGENT_AGENT_PROMPTER_H
#define P11_AGENT_AGENT_PROMPTER_H

#include "agent/agent.h"
#include "prompt/question.h"

struct prompter;

/*
 * Called once. On ANSWER_OK answer->secret is borrowed: copy it into a
 * struct secret. The prompter is freed when this returns.
 */
typedef void (*prompter_answered)(void *arg, const struct answer *answer);

/* NULL, with a log line, when it cannot be started. */
struct prompter *prompter_start(struct agent *agent, const struct question *q,
    prompter_answered answered, void *arg);

/* Nobody waits any more: close it, without a callback. Returns NULL. */
struct prompter *prompter_free(struct prompter *p);

#endif
