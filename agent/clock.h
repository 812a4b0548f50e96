/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times in milliseconds, by two clocks. Work and silence are measured by the
 * clock that stands still while the machine sleeps, as libevent's timers are:
 * no process is late because a lid was closed. Times that a person set (login,
 * keep-pin, pauses) are measured by the clock that goes on.
 */
#ifndef P11_AGENT_AGENT_CLOCK_H
#define P11_AGENT_AGENT_CLOCK_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>

/* Stands still while the machine sleeps. */
int64_t clock_ms(void);

/* Goes on while the machine sleeps. */
int64_t clock_life_ms(void);

/* For a timer; what is over by now is at once. */
struct timeval clock_timeval(int64_t ms);

/*
 * A timer by the clock that goes on: what fell due in a sleep is due when the
 * machine wakes up. Costs a file while it runs.
 */
struct life_timer {
	struct event event;
	struct event_base *base;
	int fd; /* -1: stopped, or there was no file for it */
	void (*due)(void *arg);
	void *arg;
};

void life_timer_init(struct life_timer *t, struct event_base *base,
    void (*due)(void *arg), void *arg);

/* Call due(arg) once, so many seconds from now; instead of an earlier time. */
bool life_timer_start(struct life_timer *t, uint32_t sec);

/* Without effect on one that is stopped. */
void life_timer_stop(struct life_timer *t);

#endif
