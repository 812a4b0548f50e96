/* SPDX-License-Identifier: BSD-2-Clause */
/* Times in milliseconds. */
#ifndef P11_AGENT_AGENT_CLOCK_H
#define P11_AGENT_AGENT_CLOCK_H

#include <stdint.h>
#include <sys/time.h>

/* Of CLOCK_MONOTONIC. */
int64_t clock_ms(void);

/* For a timer; what is over by now is at once. */
struct timeval clock_timeval(int64_t ms);

#endif
