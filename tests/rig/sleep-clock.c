/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine that sleeps, for a program that is started with this library
 * before libc (LD_PRELOAD): at each SIGRTMIN eight hours pass for its
 * CLOCK_BOOTTIME and the timers of that clock, and for nothing else. That is
 * what a real sleep looks like from inside; time namespaces cannot jump.
 */
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { SLEEP_SEC = 8 * 3600, FDS_MAX = 1024 };

static _Atomic time_t slept;
static _Atomic char is_timer[FDS_MAX];

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, id, ts);

	if (r == 0 && id == CLOCK_BOOTTIME)
		ts->tv_sec += slept;
	return r;
}

/* A timer of a clock that this machine's sleeps do not touch. */
int
timerfd_create(clockid_t id, int flags)
{
	int fd = (int)syscall(SYS_timerfd_create,
	    id == CLOCK_BOOTTIME ? CLOCK_MONOTONIC : id, flags);

	if (fd >= 0 && fd < FDS_MAX)
		is_timer[fd] = id == CLOCK_BOOTTIME;
	return fd;
}

static void
wake_up(int number)
{
	(void)number;
	slept += SLEEP_SEC;
	for (int fd = 0; fd < FDS_MAX; fd++) {
		struct itimerspec left;

		/* Closed meanwhile, it is no timer any more: an error. */
		if (!is_timer[fd] || syscall(SYS_timerfd_gettime, fd, &left) != 0 ||
		    (left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0))
			continue;
		if (left.it_value.tv_sec >= SLEEP_SEC)
			left.it_value.tv_sec -= SLEEP_SEC;
		else
			left.it_value = (struct timespec){.tv_nsec = 1};
		syscall(SYS_timerfd_settime, fd, 0, &left, NULL);
	}
}

__attribute__((constructor)) static void
listen_for_sleeps(void)
{
	const struct sigaction action = {
		.sa_handler = wake_up, .sa_flags = SA_RESTART,
	};

	sigaction(SIGRTMIN, &action, NULL);
}
