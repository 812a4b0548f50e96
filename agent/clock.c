/* SPDX-License-Identifier: BSD-2-Clause */
/* The two clocks, and timers. */
#include "agent/clock.h"

#include <event2/event.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/timerfd.h>
#else
#include <sys/event.h>
#endif

static int64_t
clock_of(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The first is what libevent's timers use. */
#ifdef __linux__
static const clockid_t STANDING = CLOCK_MONOTONIC, GOING_ON = CLOCK_BOOTTIME;
#else
static const clockid_t STANDING = CLOCK_UPTIME_RAW, GOING_ON = CLOCK_MONOTONIC;
#endif

int64_t
clock_ms(void)
{
	return clock_of(STANDING);
}

int64_t
clock_life_ms(void)
{
	return clock_of(GOING_ON);
}

struct timeval
clock_timeval(int64_t ms)
{
	if (ms < 0)
		ms = 0;
	return (struct timeval){
		.tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000) * 1000,
	};
}

/* A file that can be read after so many seconds of GOING_ON, or -1. */
static int
life_timer_open(uint32_t sec)
{
#ifdef __linux__
	const struct itimerspec after = {.it_value.tv_sec = (time_t)sec};
	int fd = timerfd_create(GOING_ON, TFD_NONBLOCK | TFD_CLOEXEC);
	bool set = fd >= 0 && timerfd_settime(fd, 0, &after, NULL) == 0;
#else
	struct kevent after;
	int fd = kqueue();
	bool set;

	EV_SET(&after, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT,
	    NOTE_SECONDS | NOTE_MACH_CONTINUOUS_TIME, sec, NULL);
	set = fd >= 0 && kevent(fd, &after, 1, NULL, 0, NULL) == 0;
#endif
	if (!set && fd >= 0)
		close(fd);
	return set ? fd : -1;
}

static void
life_timer_due(evutil_socket_t fd, short what, void *arg)
{
	struct life_timer *t = arg;

	(void)fd;
	(void)what;
	life_timer_stop(t);
	t->due(t->arg);
}

void
life_timer_init(struct life_timer *t, struct event_base *base,
    void (*due)(void *arg), void *arg)
{
	*t = (struct life_timer){
		.base = base, .fd = -1, .due = due, .arg = arg,
	};
	evtimer_assign(&t->event, base, life_timer_due, t);
}

bool
life_timer_start(struct life_timer *t, uint32_t sec)
{
	const struct timeval after = {.tv_sec = (time_t)sec};

	life_timer_stop(t);
	/* A time of 0 would be at no time. */
	t->fd = life_timer_open(sec > 0 ? sec : 1);
	event_assign(&t->event, t->base, t->fd, t->fd < 0 ? 0 : EV_READ,
	    life_timer_due, t);
	/* Without a file, by the other clock: too late is better than never. */
	if (event_add(&t->event, t->fd < 0 ? &after : NULL) == 0)
		return true;
	life_timer_stop(t);
	return false;
}

void
life_timer_stop(struct life_timer *t)
{
	event_del(&t->event);
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}
