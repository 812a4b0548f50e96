/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * agent/link.h without processes: what a child of the daemon says, and when
 * it ends, comes from the fuzzer's input. The linker (--wrap) hands the
 * daemon's calls over.
 */
#ifndef P11_AGENT_TESTS_FUZZ_PLAY_LINK_H
#define P11_AGENT_TESTS_FUZZ_PLAY_LINK_H

#include "common/bytes.h"

/* Reads the input step by step; empty views and zeros behind its end. */
struct play_input {
	struct bytes rest;
};

uint8_t play_u8(struct play_input *in);
/* A length byte, and so many bytes. */
struct bytes play_string(struct play_input *in);

/* How many children there are now. */
size_t play_links(void);

/*
 * One step of a child: it says something raw, answers a login or a signature
 * with a message that parses, or ends. Does nothing without a child.
 */
void play_step(struct play_input *in);

/* Those that were killed have ended now. */
void play_settle(void);

/* What every target does with its daemon before and after an input. */
struct agent;
struct agent *play_agent(void);
void play_end(struct agent *a);

#endif
