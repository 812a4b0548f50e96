/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

enum { FRAME_MAX = 200 * 1000, OUT_MAX = 400 * 1000 };

/* One stream, and what its owner does with each frame. */
struct owner {
	struct agent *agent; /* for its loop */
	struct stream *stream;
	struct world_peer peer;
	unsigned frames;
	size_t bytes;	/* of all frames */
	uint8_t last;	/* byte of the last frame */
	size_t answer;	/* bytes written for each frame */
	unsigned pause_at, free_at; /* this frame; 0: none */
	bool free_when_closed;
	unsigned closed;
	char why[128]; /* "" for a clean end */
	bool inside;   /* one of our callbacks runs */
};

static void
owner_answer(struct owner *o, size_t len)
{
	struct buffer *out = stream_out(o->stream);
	size_t mark = buffer_begin(out);

	for (size_t i = 0; i < len; i++)
		buffer_put_u8(out, 'x');
	buffer_end(out, mark);
	stream_flush(o->stream);
}

static void
owner_frame(void *arg, struct bytes body)
{
	struct owner *o = arg;

	assert_false(o->inside);
	assert_int_equal(o->closed, 0);
	assert_non_null(o->stream);
	o->inside = true;
	o->frames++;
	o->bytes += body.len;
	o->last = body.p[body.len - 1];
	if (o->answer > 0)
		owner_answer(o, o->answer);
	if (o->frames == o->pause_at)
		stream_pause(o->stream);
	if (o->frames == o->free_at)
		o->stream = stream_free(o->stream);
	o->inside = false;
}

static void
owner_closed(void *arg, const char *why)
{
	struct owner *o = arg;

	assert_false(o->inside);
	o->closed++;
	snprintf(o->why, sizeof(o->why), "%s", why == NULL ? "" : why);
	if (o->free_when_closed)
		o->stream = stream_free(o->stream);
}

static const struct stream_events owner_events = {owner_frame, owner_closed};

static int
setup(void **state)
{
	static const struct stream_limits limits = {FRAME_MAX, OUT_MAX,
	    .hear_out = true};
	struct owner *o = calloc(1, sizeof(*o));

	assert_non_null(o);
	o->agent = world_agent();
	o->stream = stream_new(o->agent->base, world_pair(&o->peer), &limits,
	    &owner_events, o);
	assert_non_null(o->stream);
	*state = o;
	return 0;
}

static int
teardown(void **state)
{
	struct owner *o = *state;

	stream_free(o->stream);
	if (o->peer.fd >= 0)
		world_hang_up(&o->peer);
	agent_free(o->agent);
	free(o);
	return 0;
}

static void
send_raw(struct owner *o, const void *p, size_t len)
{
	assert_true(world_send(o->agent, &o->peer, bytes_of(p, len)));
}

/* A frame of this many bytes. */
static void
send_frame(struct owner *o, size_t len, uint8_t byte)
{
	struct buffer b = BUFFER_INIT(FRAME_MAX + 16);
	size_t mark = buffer_begin(&b);

	for (size_t i = 0; i < len; i++)
		buffer_put_u8(&b, byte);
	buffer_end(&b, mark);
	send_raw(o, b.p, b.len);
	buffer_clear(&b);
}

static void
peer_closes(struct owner *o)
{
	world_hang_up(&o->peer);
	o->peer.fd = -1;
	world_spin(o->agent);
}

static void
byte_by_byte(void **state)
{
	static const uint8_t raw[] = "\0\0\0\1a\0\0\0\3bcd";
	struct owner *o = *state;

	for (size_t i = 0; i < sizeof(raw) - 1; i++) {
		assert_int_equal(o->frames, i >= 5);
		send_raw(o, raw + i, 1);
	}
	assert_int_equal(o->frames, 2);
	assert_int_equal(o->bytes, 4);
	assert_int_equal(o->closed, 0);
	peer_closes(o);
	assert_int_equal(o->closed, 1);
	assert_string_equal(o->why, "");
}

static void
many_frames_at_once(void **state)
{
	struct owner *o = *state;
	uint8_t raw[500 * 5];

	for (size_t i = 0; i < sizeof(raw); i += 5)
		memcpy(raw + i, "\0\0\0\1z", 5);
	send_raw(o, raw, sizeof(raw));
	assert_int_equal(o->frames, 500);
}

static void
sizes(void **state)
{
	static const struct {
		size_t len;
		bool ok;
	} cases[] = {
		{1, true},
		{4091, true},
		{4092, true},
		{4093, true},
		{65536, true},
		{FRAME_MAX, true},
		{FRAME_MAX + 1, false},
	};
	struct owner *o = *state;
	unsigned frames = 0;
	size_t bytes = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!cases[i].ok) {
			const uint8_t head[] = {0,
			    (uint8_t)(cases[i].len >> 16),
			    (uint8_t)(cases[i].len >> 8),
			    (uint8_t)cases[i].len};

			send_raw(o, head, sizeof(head));
			assert_int_equal(o->frames, frames);
			assert_int_equal(o->closed, 1);
			assert_non_null(strstr(o->why, "over the limit"));
			continue;
		}
		send_frame(o, cases[i].len, (uint8_t)(i + 1));
		bytes += cases[i].len;
		assert_int_equal(o->frames, ++frames);
		assert_int_equal(o->bytes, bytes);
		assert_int_equal(o->last, i + 1);
	}
}

static void
an_empty_frame_ends_it(void **state)
{
	struct owner *o = *state;

	send_raw(o, "\0\0\0\1a\0\0\0\0\0\0\0\1b", 14);
	assert_int_equal(o->frames, 1);
	assert_int_equal(o->closed, 1);
	assert_non_null(strstr(o->why, "length 0"));
	world_spin(o->agent);
	assert_int_equal(o->closed, 1);
}

static void
an_end_in_the_middle(void **state)
{
	struct owner *o = *state;

	send_raw(o, "\0\0\0\1a\0\0\0", 8);
	assert_int_equal(o->closed, 0);
	peer_closes(o);
	assert_int_equal(o->frames, 1);
	assert_int_equal(o->closed, 1);
	assert_non_null(strstr(o->why, "middle"));
}

static void
pause_and_resume(void **state)
{
	struct owner *o = *state;

	o->pause_at = 2;
	send_raw(o, "\0\0\0\1a\0\0\0\1b\0\0\0\1c", 15);
	assert_int_equal(o->frames, 2);
	/* Also what comes later, and the end, wait. */
	send_raw(o, "\0\0\0\1d", 5);
	peer_closes(o);
	assert_int_equal(o->frames, 2);
	assert_int_equal(o->closed, 0);
	stream_resume(o->stream);
	assert_int_equal(o->frames, 2);
	world_spin(o->agent);
	assert_int_equal(o->frames, 4);
	assert_int_equal(o->last, 'd');
	assert_int_equal(o->closed, 1);
	assert_string_equal(o->why, "");
}

/* What waits in the buffer needs no event of the socket. */
static void
resume_hands_over_what_is_there(void **state)
{
	struct owner *o = *state;

	o->pause_at = 1;
	send_raw(o, "\0\0\0\1a\0\0\0\1b", 10);
	assert_int_equal(o->frames, 1);
	stream_resume(o->stream);
	world_spin(o->agent);
	assert_int_equal(o->frames, 2);
	stream_resume(o->stream);
	world_spin(o->agent);
	assert_int_equal(o->frames, 2);
}

static void
freed_by_its_own_callback(void **state)
{
	struct owner *o = *state;

	o->free_at = 2;
	o->answer = 3;
	send_raw(o, "\0\0\0\1a\0\0\0\1b\0\0\0\1c", 15);
	assert_int_equal(o->frames, 2);
	assert_null(o->stream);
	assert_int_equal(o->closed, 0);
	assert_int_equal(world_receive(o->agent, &o->peer).len, 3);
	assert_true(world_closed(o->agent, &o->peer));
}

static void
freed_when_closed(void **state)
{
	struct owner *o = *state;

	o->free_when_closed = true;
	send_raw(o, "\0\0\0\1a", 5);
	peer_closes(o);
	assert_int_equal(o->closed, 1);
	assert_null(o->stream);
}

static void
freed_with_an_error_to_report(void **state)
{
	struct owner *o = *state;

	peer_closes(o);
	o->closed = 0;
	o->stream = stream_free(o->stream);
	world_spin(o->agent);
	assert_int_equal(o->closed, 0);
}

/* A peer that only asks is not listened to; it is not thrown out either. */
static void
a_peer_that_does_not_read_is_stalled(void **state)
{
	enum { ANSWER = 4000, REQUESTS = 5000 };
	struct owner *o = *state;
	unsigned stopped, sent = 0, taken;
	size_t part = 0; /* of a request that was cut */

	o->answer = ANSWER;
	/* Until nothing moves: both socket buffers are full. */
	do {
		ssize_t n;

		stopped = sent;
		while (sent < REQUESTS && (n = write(o->peer.fd,
		    &"\0\0\0\1a"[part], 5 - part)) > 0) {
			part = (part + (size_t)n) % 5;
			sent += part == 0;
		}
		world_spin(o->agent);
	} while (sent != stopped || sent == 0);
	taken = o->frames;
	assert_true(taken < REQUESTS);
	assert_int_equal(o->closed, 0);
	world_spin(o->agent);
	assert_int_equal(o->frames, taken);
	/* It reads: all is answered in the end. */
	for (unsigned got = 0; got < sent; got++)
		assert_int_equal(world_receive(o->agent, &o->peer).len,
		    ANSWER);
	assert_int_equal(o->frames, sent);
	assert_int_equal(o->closed, 0);
}

static void
too_much_to_read_ends_it(void **state)
{
	struct owner *o = *state;

	owner_answer(o, OUT_MAX + 1);
	/* Never from inside a call of the owner's. */
	assert_int_equal(o->closed, 0);
	world_spin(o->agent);
	assert_int_equal(o->closed, 1);
	assert_non_null(strstr(o->why, "does not read"));
}

static void
a_big_answer_goes_out_in_pieces(void **state)
{
	struct owner *o = *state;

	owner_answer(o, OUT_MAX - 4);
	assert_true(stream_out(o->stream)->len > 0);
	assert_int_equal(world_receive(o->agent, &o->peer).len, OUT_MAX - 4);
	assert_int_equal(stream_out(o->stream)->len, 0);
	assert_int_equal(o->closed, 0);
}

/* What the peer said before it died is heard, also when we spoke after. */
static void
last_words_are_heard(void **state)
{
	struct owner *o = *state;
	ssize_t n = write(o->peer.fd, "\0\0\0\1a\0\0\0\1b", 10);

	assert_int_equal(n, 10);
	world_hang_up(&o->peer);
	o->peer.fd = -1;
	owner_answer(o, 10);
	assert_int_equal(o->closed, 0);
	owner_answer(o, 10);
	world_spin(o->agent);
	assert_int_equal(o->frames, 2);
	assert_int_equal(o->closed, 1);
	assert_string_equal(o->why, strerror(EPIPE));
}

static void
freed_while_last_words_are_heard(void **state)
{
	struct owner *o = *state;
	ssize_t n = write(o->peer.fd, "\0\0\0\1a\0\0\0\1b", 10);

	assert_int_equal(n, 10);
	world_hang_up(&o->peer);
	o->peer.fd = -1;
	o->free_at = 1;
	owner_answer(o, 10);
	world_spin(o->agent);
	assert_int_equal(o->frames, 1);
	assert_int_equal(o->closed, 0);
}

static void
drain_takes_what_has_come(void **state)
{
	struct owner *o = *state;
	uint8_t big[4 + 70000] = {0, 1, 0x11, 0x70, 9};
	ssize_t n;

	n = write(o->peer.fd, "\0\0\0\1a\0\0\0\1b", 10);
	assert_int_equal(n, 10);
	n = write(o->peer.fd, big, sizeof(big));
	assert_int_equal(n, sizeof(big));
	n = write(o->peer.fd, "\0\0", 2);
	assert_int_equal(n, 2);
	world_hang_up(&o->peer);
	o->peer.fd = -1;
	stream_drain(o->stream);
	assert_int_equal(o->frames, 3);
	assert_int_equal(o->bytes, 2 + 70000);
	assert_int_equal(o->closed, 0);
}

static void
drain_while_being_freed(void **state)
{
	struct owner *o = *state;
	ssize_t n = write(o->peer.fd, "\0\0\0\1a\0\0\0\1b", 10);

	assert_int_equal(n, 10);
	o->free_at = 1;
	stream_drain(o->stream);
	assert_int_equal(o->frames, 1);
}

static void
it_is_non_blocking_and_takes_the_fd(void **state)
{
	static const struct stream_limits limits = {16, 16};
	struct owner *o = *state;

	assert_true(fcntl(stream_fd(o->stream), F_GETFL) & O_NONBLOCK);
	/* A descriptor that is none. */
	assert_null(stream_new(o->agent->base, -1, &limits, &owner_events, o));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(byte_by_byte),
		TEST(many_frames_at_once),
		TEST(sizes),
		TEST(an_empty_frame_ends_it),
		TEST(an_end_in_the_middle),
		TEST(pause_and_resume),
		TEST(resume_hands_over_what_is_there),
		TEST(freed_by_its_own_callback),
		TEST(freed_when_closed),
		TEST(freed_with_an_error_to_report),
		TEST(a_peer_that_does_not_read_is_stalled),
		TEST(too_much_to_read_ends_it),
		TEST(a_big_answer_goes_out_in_pieces),
		TEST(last_words_are_heard),
		TEST(freed_while_last_words_are_heard),
		TEST(drain_takes_what_has_come),
		TEST(drain_while_being_freed),
		TEST(it_is_non_blocking_and_takes_the_fd),
	};

	return cmocka_run_group_tests_name("agent/stream", tests, NULL, NULL);
}
