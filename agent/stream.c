/* SPDX-License-Identifier: BSD-2-Clause */
/* Framed connections on the event loop. */
#include "agent/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/unfinished.h"
#include "common/frame.h"

enum {
	STREAM_READ_BYTES = 4096,
	/* Of one big frame, before other connections get their turn. */
	STREAM_READ_MAX_BYTES = 64 * 1024,
	/* A peer with more than this unread is not listened to. */
	STREAM_OUT_HIGH_BYTES = 64 * 1024,
	/*
	 * More than a socket holds of a dead peer's words; somebody else who
	 * has it must not keep us here.
	 */
	STREAM_DRAIN_READS = 1024,
};

struct stream {
	struct event readable;
	struct event writable;
	struct event ended; /* while it is not listened to */
	const struct stream_events *events; /* borrowed */
	void *arg;
	struct buffer in;
	struct buffer out;
	struct unfinished *unfinished; /* borrowed; NULL: not counted */
	struct unfinished_part part;
	size_t frame_max_bytes;
	const char *broken; /* why it cannot go on; to be reported */
	const char *deaf; /* the peer reads no more; it may have said why */
	const char *cut;  /* how its last request ended, in the middle */
	int fd;
	unsigned depth;	 /* callbacks of ours that are running */
	bool paused;	 /* by the owner */
	bool stalled;	 /* by us: the peer does not read its answers */
	bool closed;	 /* reported */
	bool freed;	 /* free when depth is 0 again */
	bool writing;	 /* writable is added */
	bool hear_out;	 /* see struct stream_limits */
	bool tells_end;	 /* the loop can tell an end that nobody reads */
	bool tells_edges; /* and a change of it */
	bool refused;	 /* broken for what the peer did */
	bool half;	 /* the peer shut its writing half down */
	bool eof;	 /* and all that it said has been read */
};

/* How much of the next request is here; not while one is handed over. */
static void
stream_account(struct stream *s)
{
	if (s->unfinished == NULL)
		return;
	unfinished_hold(s->unfinished, &s->part, s->in.cap);
	unfinished_time(&s->part, s->in.len > 0 && !s->paused && !s->stalled);
}

static void
stream_uncount(struct stream *s)
{
	if (s->unfinished != NULL)
		unfinished_hold(s->unfinished, &s->part, 0);
}

static void
stream_destroy(struct stream *s)
{
	buffer_clear(&s->in);
	buffer_clear(&s->out);
	free(s);
}

static void
stream_stop(struct stream *s)
{
	event_del(&s->readable);
	event_del(&s->writable);
	event_del(&s->ended);
	s->writing = false;
	stream_uncount(s);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

struct stream *
stream_free(struct stream *s)
{
	if (s == NULL)
		return NULL;
	if (!s->freed)
		stream_stop(s);
	s->freed = true;
	if (s->depth == 0)
		stream_destroy(s);
	return NULL;
}

static void
stream_enter(struct stream *s)
{
	s->depth++;
}

/* False when the stream was freed meanwhile; it is gone then. */
static bool
stream_leave(struct stream *s)
{
	if (--s->depth > 0 || !s->freed)
		return !s->freed;
	stream_destroy(s);
	return false;
}

/* Report the end once. The caller is inside enter/leave. */
static void
stream_report(struct stream *s, const char *why)
{
	if (s->closed || s->freed)
		return;
	s->closed = true;
	event_del(&s->readable);
	event_del(&s->writable);
	event_del(&s->ended);
	s->writing = false;
	stream_uncount(s);
	s->events->closed(s->arg, why);
}

/* Let the loop call us again soon: an error to report, frames to hand over. */
static void
stream_wake(struct stream *s)
{
	event_active(&s->readable, EV_READ, 0);
}

/* Hand over whole frames. False when there is no going on. */
static bool
stream_frames(struct stream *s)
{
	struct bytes body;

	while (!s->paused && !s->stalled && !s->freed && !s->closed) {
		switch (frame_peek(&s->in, s->frame_max_bytes, &body)) {
		case FRAME_READY:
			s->events->frame(s->arg, body);
			if (s->freed)
				return false;
			frame_drop(&s->in, body);
			unfinished_time(&s->part, false);
			continue;
		case FRAME_MORE:
			break;
		case FRAME_BAD:
			s->broken = "a message of length 0 or over the limit";
			s->refused = true;
			return false;
		}
		break;
	}
	/* An idle connection holds no memory for its next message. */
	if (s->in.len == 0)
		buffer_clear(&s->in);
	return true;
}

/*
 * How much to read: all of a big frame's rest, within fairness, but no more
 * room for it than what has come takes already.
 */
static size_t
stream_want(const struct stream *s)
{
	struct bytes head = buffer_bytes(&s->in);
	size_t want;

	if (head.len < 4)
		return STREAM_READ_BYTES;
	want = (size_t)head.p[0] << 24 | (size_t)head.p[1] << 16 |
	    (size_t)head.p[2] << 8 | head.p[3];
	if (want > s->frame_max_bytes || want + 4 <= head.len)
		return STREAM_READ_BYTES;
	want = want + 4 - head.len;
	if (want > head.len)
		want = head.len;
	if (want < STREAM_READ_BYTES)
		return STREAM_READ_BYTES;
	return want < STREAM_READ_MAX_BYTES ? want : STREAM_READ_MAX_BYTES;
}

enum stream_got { STREAM_GOT_SOME, STREAM_GOT_NONE, STREAM_GOT_END };

static enum stream_got
stream_read(struct stream *s)
{
	size_t want = stream_want(s);
	uint8_t *room = buffer_room(&s->in, want);
	ssize_t n;

	if (room == NULL) {
		s->broken = "out of memory";
		return STREAM_GOT_END;
	}
	n = read(s->fd, room, want);
	if (n > 0) {
		buffer_added(&s->in, (size_t)n);
		return STREAM_GOT_SOME;
	}
	if (n == 0)
		return STREAM_GOT_END;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
		if (s->in.len == 0)
			buffer_clear(&s->in);
		return STREAM_GOT_NONE;
	}
	s->broken = strerror(errno);
	return STREAM_GOT_END;
}

/* Closed altogether, or shut in one direction? */
static bool
peer_is_gone(int fd)
{
#ifdef __linux__
	struct pollfd p = {.fd = fd, .events = 0};

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
#else
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);

	return getpeername(fd, (struct sockaddr *)&name, &len) != 0;
#endif
}

static void stream_half_event(evutil_socket_t fd, short what, void *arg);

/*
 * The peer says no more, and may wait for answers. That it goes altogether is
 * told by an edge: by the level, the loop would hear again and again that it
 * has shut one direction down. False where the loop tells no edges.
 */
static bool
stream_half(struct stream *s)
{
	if (s->half)
		return true;
	event_del(&s->readable);
	event_del(&s->ended);
	event_del(&s->writable);
	s->writing = false;
	s->half = s->tells_edges && event_assign(&s->writable,
	    event_get_base(&s->readable), s->fd, EV_WRITE | EV_ET | EV_PERSIST,
	    stream_half_event, s) == 0 && event_add(&s->writable, NULL) == 0;
	return s->half;
}

/* All is read: close it once it has all that it asked for. */
static void
stream_finish(struct stream *s)
{
	if (s->out.len > 0 ||
	    (s->events->awaited != NULL && s->events->awaited(s->arg)))
		return;
	stream_report(s, s->cut);
}

/* The end of what the peer sends. The caller is inside enter/leave. */
static void
stream_end(struct stream *s)
{
	if (s->in.len != 0)
		s->cut = "closed in the middle of a message";
	if (s->broken != NULL || s->hear_out || peer_is_gone(s->fd) ||
	    !stream_half(s)) {
		stream_report(s, s->broken != NULL ? s->broken : s->cut);
		return;
	}
	s->eof = true;
	buffer_clear(&s->in);
	stream_account(s);
	stream_finish(s);
}

/*
 * What the peer said before it went, a piece each time that the loop comes
 * by, and then its end.
 */
static void
stream_hear_out(struct stream *s)
{
	s->stalled = false;
	if (!s->paused && s->hear_out &&
	    stream_read(s) == STREAM_GOT_SOME && stream_frames(s)) {
		stream_wake(s);
		return;
	}
	stream_report(s, s->deaf);
}

/* Whole frames first: only without one is there room for more. */
static void
stream_take(struct stream *s)
{
	enum stream_got got;

	if (!stream_frames(s)) {
		stream_report(s, s->broken);
		return;
	}
	if (s->closed)
		return;
	if (s->paused || s->stalled) {
		stream_account(s);
		return;
	}
	got = stream_read(s);
	if (!stream_frames(s)) {
		stream_report(s, s->broken);
		return;
	}
	if (got == STREAM_GOT_END) {
		stream_end(s);
		return;
	}
	stream_account(s);
	/* The rest is there already. */
	if (s->half && got == STREAM_GOT_SOME)
		stream_wake(s);
}

static void
stream_readable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	(void)fd;
	(void)what;
	stream_enter(s);
	if (s->broken != NULL)
		stream_report(s, s->broken);
	else if (s->deaf != NULL)
		stream_hear_out(s);
	else if (s->eof)
		stream_finish(s);
	else if (!s->paused && !s->stalled)
		stream_take(s);
	stream_leave(s);
}

/* Not listened to, it can still hang up (where the system tells that). */
static void
stream_hung_up(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	(void)what;
	stream_enter(s);
	if (peer_is_gone(fd) || !stream_half(s))
		stream_report(s, s->broken);
	stream_leave(s);
}

/* Room for an answer, or the end of one that has said all. */
static void
stream_half_event(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	(void)what;
	stream_enter(s);
	if (peer_is_gone(fd))
		stream_report(s, s->broken);
	else
		stream_flush(s);
	stream_leave(s);
}

/* Read, unless the owner or an overfull output forbids it. */
static void
stream_listen(struct stream *s)
{
	if (s->closed || s->freed)
		return;
	if (s->paused || s->stalled)
		unfinished_time(&s->part, false);
	if (s->half)
		return;
	if (s->paused || s->stalled) {
		event_del(&s->readable);
		if (s->tells_end)
			event_add(&s->ended, NULL);
	} else {
		event_del(&s->ended);
		event_add(&s->readable, NULL);
	}
}

static void
stream_write(struct stream *s)
{
	ssize_t n;

	while (s->out.len > 0) {
		n = write(s->fd, s->out.p, s->out.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0) {
			s->deaf = strerror(errno);
			buffer_clear(&s->out);
			stream_wake(s);
			return;
		}
		buffer_consume(&s->out, (size_t)n);
	}
	if (s->out.len == 0)
		buffer_clear(&s->out);
}

void
stream_flush(struct stream *s)
{
	bool stall;

	if (s->closed || s->freed || s->broken != NULL || s->deaf != NULL)
		return;
	if (s->out.failed) {
		s->broken = "does not read its answers";
		s->refused = true;
		stream_wake(s);
		return;
	}
	stream_write(s);
	if (s->half && s->out.len == 0) {
		/* Maybe its last answer. */
		stream_wake(s);
	} else if (!s->half && s->out.len > 0 && !s->writing) {
		event_add(&s->writable, NULL);
		s->writing = true;
	} else if (s->out.len == 0 && s->writing) {
		event_del(&s->writable);
		s->writing = false;
	}
	stall = s->out.len > STREAM_OUT_HIGH_BYTES;
	if (stall != s->stalled) {
		s->stalled = stall;
		stream_listen(s);
		if (!stall)
			stream_wake(s);
	}
}

static void
stream_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	stream_flush(arg);
}

/* An unfinished_part's: nothing of this stream runs. */
static void
stream_dropped(void *arg, const char *why)
{
	struct stream *s = arg;

	buffer_clear(&s->in);
	s->broken = why;
	s->refused = true;
	stream_wake(s);
}

struct buffer *
stream_out(struct stream *s)
{
	return &s->out;
}

void
stream_pause(struct stream *s)
{
	s->paused = true;
	stream_listen(s);
}

void
stream_resume(struct stream *s)
{
	if (!s->paused)
		return;
	s->paused = false;
	stream_listen(s);
	if (!s->closed && !s->freed)
		stream_wake(s);
}

void
stream_drain(struct stream *s)
{
	stream_enter(s);
	s->stalled = false; /* it reads nothing any more */
	for (int n = 0; n < STREAM_DRAIN_READS && s->broken == NULL &&
	    !s->freed && !s->closed && !s->paused &&
	    stream_read(s) == STREAM_GOT_SOME; n++)
		if (!stream_frames(s))
			break;
	stream_leave(s);
}

bool
stream_was_refused(const struct stream *s)
{
	return s->refused;
}

int
stream_fd(const struct stream *s)
{
	return s->fd;
}

struct stream *
stream_new(struct event_base *base, int fd,
    const struct stream_limits *limits, const struct stream_events *events,
    void *arg)
{
	struct stream *s = calloc(1, sizeof(*s));
	int flags = fcntl(fd, F_GETFL);

	if (s == NULL || flags < 0 || fcntl(fd, F_SETFL,
	    flags | O_NONBLOCK) != 0) {
		free(s);
		close(fd);
		return NULL;
	}
	s->events = events;
	s->arg = arg;
	s->fd = fd;
	s->frame_max_bytes = limits->frame_max_bytes;
	s->hear_out = limits->hear_out;
	s->unfinished = limits->unfinished;
	s->part.dropped = stream_dropped;
	s->part.arg = s;
	s->tells_end = !s->hear_out && (event_base_get_features(base) &
	    EV_FEATURE_EARLY_CLOSE) != 0;
	s->tells_edges = (event_base_get_features(base) & EV_FEATURE_ET) != 0;
	s->in = BUFFER_INIT(limits->frame_max_bytes + 4 +
	    STREAM_READ_MAX_BYTES);
	s->out = BUFFER_INIT(limits->out_max_bytes);
	if (event_assign(&s->readable, base, fd, EV_READ | EV_PERSIST,
	    stream_readable, s) != 0 ||
	    event_assign(&s->writable, base, fd, EV_WRITE | EV_PERSIST,
	    stream_writable, s) != 0 ||
	    event_assign(&s->ended, base, fd, EV_CLOSED, stream_hung_up,
	    s) != 0 || event_add(&s->readable, NULL) != 0) {
		close(fd);
		free(s);
		return NULL;
	}
	return s;
}
