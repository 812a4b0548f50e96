/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream of a daemon made by hand, and its owner, for tests. */
#ifndef P11_AGENT_TESTS_AGENT_STREAM_OWNER_H
#define P11_AGENT_TESTS_AGENT_STREAM_OWNER_H

#include "agent/stream.h"
#include "agent/unfinished.h"
#include "tests/agent/world.h"

enum { FRAME_MAX = 200 * 1000, OUT_MAX = 400 * 1000 };

/* A stream, and what its owner does with each frame. */
struct owner {
	struct agent *agent; /* for its loop */
	struct stream *stream;
	struct unfinished *held; /* owned; or NULL */
	struct world_peer peer;
	unsigned frames;
	size_t bytes;	/* of all frames */
	uint8_t last;	/* byte of the last frame */
	size_t answer;	/* bytes written for each frame */
	unsigned pause_at, free_at; /* this frame; 0: none */
	bool awaits; /* the peer waits for an answer */
	bool free_when_closed;
	unsigned closed;
	char why[128]; /* "" for a clean end */
	bool inside;   /* one of our callbacks runs */
};

extern const struct stream_events owner_events;

/* cmocka's; child: one of ours; else a client, whose requests count there. */
int owner_setup(void **state, bool child,
    const struct unfinished_limits *held);
int owner_teardown(void **state);

/* Send a frame of this length, to be read by the peer. */
void owner_answer(struct owner *o, size_t len);

/* From the peer; a frame of this many bytes. */
void send_raw(struct owner *o, const void *p, size_t len);
void send_frame(struct owner *o, size_t len, uint8_t byte);
void peer_closes(struct owner *o);

#endif
