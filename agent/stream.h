/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection on the event loop that carries frames (common/frame.h): to a
 * client, to p11-agentctl, to one of our own child processes. It reads only
 * what is there, writes only what fits, and hands over whole frames.
 */
#ifndef P11_AGENT_AGENT_STREAM_H
#define P11_AGENT_AGENT_STREAM_H

#include "common/buffer.h"

struct event_base;
struct stream;
struct unfinished;

struct stream_limits {
	size_t frame_max_bytes; /* a longer frame, or an empty one, closes it */
	size_t out_max_bytes;	/* what may wait to be read by the peer */
	/*
	 * Our children: of one that reads no more, take what it said before;
	 * one that says no more has ended.
	 */
	bool hear_out;
	/* Clients: what they have begun to say counts there; or NULL. */
	struct unfinished *unfinished;
};

struct stream_events {
	/*
	 * One frame's body, valid until this returns. May free the stream,
	 * pause it, and write.
	 */
	void (*frame)(void *arg, struct bytes body);
	/*
	 * Does the peer wait for an answer? One that says no more (it has shut
	 * its writing half down) is closed when it does not, and all answers
	 * are written. NULL: only while the stream is paused.
	 */
	bool (*awaited)(void *arg);
	/*
	 * The peer closed it, or it cannot go on; nothing comes after this.
	 * The owner frees the stream, here or later. `why` is NULL for an
	 * end of file between two frames.
	 */
	void (*closed)(void *arg, const char *why);
};

/*
 * Takes the fd over, in any case, and makes it non-blocking. `events` stays
 * the caller's and must outlive the stream. NULL when memory is out.
 */
struct stream *stream_new(struct event_base *base, int fd,
    const struct stream_limits *limits, const struct stream_events *events,
    void *arg);

/* Closes at once; may be called from its own callbacks. Returns NULL. */
struct stream *stream_free(struct stream *s);

/* Append whole frames here, then call stream_flush. */
struct buffer *stream_out(struct stream *s);

/*
 * Write what can be written now, and the rest when the peer reads. Calls
 * back only later, from the loop, when that goes wrong.
 */
void stream_flush(struct stream *s);

/* Hand over no more frames, and read no more, until stream_resume. */
void stream_pause(struct stream *s);
void stream_resume(struct stream *s);

/*
 * Hand over what has arrived by now, without waiting; for a peer that is
 * known to be dead. Frees nothing by itself; does not call `closed`.
 */
void stream_drain(struct stream *s);

/* The stream was closed for what the peer did: too much, too slow, no sense. */
bool stream_was_refused(const struct stream *s);

int stream_fd(const struct stream *s);

#endif
