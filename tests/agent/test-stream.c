/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/agent/stream-owner.h"
#include "tests/cmocka-all.h"

/* The peer is one of our children. */
static int
setup(void **state)
{
	return owner_setup(state, true, NULL);
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

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, owner_teardown)

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
