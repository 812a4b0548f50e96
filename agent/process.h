/* SPDX-License-Identifier: BSD-2-Clause */
/* The p11-agent-provider process that serves one token, and what it owes. */
#ifndef P11_AGENT_AGENT_PROCESS_H
#define P11_AGENT_AGENT_PROCESS_H

#include <sys/types.h>

#include "agent/link.h"
#include "agent/token.h"

struct login_pin;
struct process;
struct sign_job;

/*
 * Start one for the token, unless it has one. False, with a log line, when
 * it cannot be started. It takes requests at once.
 */
bool process_start(struct token *t);

/*
 * Kill it; what it owes fails with these words. NULL is fine. Frees it, and
 * its token has none any more; or a fresh one, when that was started meanwhile
 * for somebody who is next in line.
 */
void process_end(struct process *p, const char *why);

/* The same because it is of no use: a fresh one may do what it owes. */
void process_lost(struct process *p, const char *why);

/*
 * End one that owes nothing. Its link is the caller's, who is told when it
 * is gone: see link_end.
 */
struct link *process_let_go(struct process *p,
    const struct link_events *events, void *arg);

/*
 * Its token has left: what is in flight there has LEAVE_SEC more, then the
 * process is ended.
 */
void process_leave(struct process *p);

/*
 * Send a signature, with the PIN that its key wants for each, or NULL; the
 * job is on the process's list until it is answered. False when too many
 * requests are in flight.
 */
bool process_sign(struct process *p, struct sign_job *job,
    const struct login_pin *pin);

/* Send a PIN. False when it does not fit. */
bool process_login(struct process *p, const struct login_pin *pin);

/* It was logged in at some time. */
bool process_had_login(const struct process *p);

/* It owes an answer. */
bool process_is_busy(const struct process *p);

/* Since its last message, or since it was asked. */
int64_t process_silent_ms(const struct process *p);

/* It has loaded its module and found its token. */
bool process_is_ready(const struct process *p);

pid_t process_pid(const struct process *p);

#endif
