/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PIN that stays in memory for a time: a proven one, to log in again
 * (keep-pin), and the last one that was refused, to tell when it comes again.
 */
#ifndef P11_AGENT_AGENT_KEPT_PIN_H
#define P11_AGENT_AGENT_KEPT_PIN_H

#include "agent/agent.h"
#include "common/secret.h"

struct kept_pin;

/* Holds none yet. NULL when memory is out. */
struct kept_pin *kept_pin_new(struct agent *agent);
struct kept_pin *kept_pin_free(struct kept_pin *k);

/* Keep a copy for sec seconds (UINT32_MAX: until it is wiped). */
void kept_pin_put(struct kept_pin *k, const struct secret *pin, uint32_t sec);

bool kept_pin_is_there(const struct kept_pin *k);

bool kept_pin_is(const struct kept_pin *k, const struct secret *pin);

/* A copy for the caller to free; NULL when none is kept. */
struct secret *kept_pin_copy(const struct kept_pin *k);

void kept_pin_wipe(struct kept_pin *k);

#endif
