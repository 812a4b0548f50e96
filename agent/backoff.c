/* SPDX-License-Identifier: BSD-2-Clause */
/* Rests that get longer. */
#include "agent/backoff.h"

#include "agent/clock.h"

enum {
	/* That may die before the next one has to wait. */
	DEATHS_AT_ONCE = 3,
	/* The rest doubles so often. */
	DOUBLINGS_MAX = 6,
	REST_MIN_MS = 1000,
	REST_MAX_MS = 60 * 1000,
};

/* The rest doubles with each death after so many. */
static void
backoff_rest_after(struct backoff *b, unsigned deaths)
{
	unsigned over;

	if (++b->deaths < deaths)
		return;
	over = b->deaths - deaths;
	b->until_ms = clock_life_ms() +
	    (over < DOUBLINGS_MAX ? REST_MIN_MS << over : REST_MAX_MS);
}

void
backoff_died(struct backoff *b)
{
	backoff_rest_after(b, DEATHS_AT_ONCE);
}

void
backoff_died_resting(struct backoff *b)
{
	backoff_rest_after(b, 1);
}

void
backoff_over(struct backoff *b)
{
	*b = (struct backoff){0};
}

void
backoff_wake(struct backoff *b)
{
	b->until_ms = 0;
}

int64_t
backoff_rest_ms(const struct backoff *b)
{
	int64_t ms = b->until_ms - clock_life_ms();

	return ms > 0 ? ms : 0;
}

int64_t
backoff_rest_sec(const struct backoff *b)
{
	return (backoff_rest_ms(b) + 999) / 1000;
}

int64_t
backoff_restart_sec(struct backoff *b)
{
	int64_t sec;

	backoff_died(b);
	sec = backoff_rest_sec(b);
	return sec > 0 ? sec : REST_MIN_MS / 1000;
}
