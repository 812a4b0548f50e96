/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The test plays one of our child programs (agent/link.h is replaced), fires
 * timers, and counts the scans that are asked for (none is run).
 */
#ifndef P11_AGENT_TESTS_AGENT_LINK_PLAY_H
#define P11_AGENT_TESTS_AGENT_LINK_PLAY_H

#include <time.h>

#include "tests/agent/world.h"

struct link_play {
	unsigned started, forgotten, killed;
	bool runs;
	bool fails;    /* none can be started */
	unsigned scans; /* that were asked for, of any provider */
	time_t wait_sec; /* of the last timer of a second or more */
};

extern struct link_play play;

/* At the begin of each test. */
void play_reset(void);

/* The program says so. One whole frame, which is cleared. */
void play_says(struct buffer *frame);

/* The bytes that the program was sent, and has not read yet. */
struct buffer *play_heard(void);

/* The program ends. */
void play_ends(void);

/* The timer runs. */
bool play_waits(void);

/* Its time is over. */
void play_wait(struct agent *a);

#endif
