/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams of clients: who says no more, who does not come to an end. */
#include "agent/stream.h"

#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/agent/stream-owner.h"
#include "tests/cmocka-all.h"

static int
setup_client(void **state)
{
	static const struct unfinished_limits limits = {60 * 1000,
	    1024 * 1024};

	return owner_setup(state, false, &limits);
}

/* A client that has little time, and little room. */
static int
setup_short(void **state)
{
	static const struct unfinished_limits limits = {100, 10 * 1000};

	return owner_setup(state, false, &limits);
}

static void
peer_says_no_more(struct owner *o)
{
	assert_int_equal(shutdown(o->peer.fd, SHUT_WR), 0);
	world_spin(o->agent);
}

/* How often the loop calls back while nothing happens. */
static unsigned
rounds_of_nothing(struct owner *o)
{
	const struct timeval span = {.tv_usec = 50 * 1000};
	unsigned n = 0;

	event_base_loopexit(o->agent->base, &span);
	while (!event_base_got_exit(o->agent->base)) {
		event_base_loop(o->agent->base, EVLOOP_ONCE);
		n++;
	}
	return n;
}

static void
who_says_no_more_gets_its_answers(void **state)
{
	struct owner *o = *state;

	o->awaits = true;
	send_raw(o, "\0\0\0\1a\0\0\0\1b", 10);
	peer_says_no_more(o);
	assert_int_equal(o->frames, 2);
	assert_int_equal(o->closed, 0);
	/* The loop does not turn for it. */
	assert_true(rounds_of_nothing(o) < 10);
	owner_answer(o, 10);
	assert_int_equal(world_receive(o->agent, &o->peer).len, 10);
	world_spin(o->agent);
	assert_int_equal(o->closed, 0);
	o->awaits = false;
	/* The last one, more than fits in its socket. */
	owner_answer(o, OUT_MAX - 4);
	assert_int_equal(o->closed, 0);
	assert_int_equal(world_receive(o->agent, &o->peer).len, OUT_MAX - 4);
	world_spin(o->agent);
	assert_int_equal(o->closed, 1);
	assert_string_equal(o->why, "");
}

static void
who_says_no_more_and_waits_for_nothing(void **state)
{
	struct owner *o = *state;

	peer_says_no_more(o);
	assert_int_equal(o->closed, 1);
	assert_string_equal(o->why, "");
}

static void
who_said_no_more_can_leave(void **state)
{
	struct owner *o = *state;

	o->awaits = true;
	send_raw(o, "\0\0\0\1a", 5);
	peer_says_no_more(o);
	assert_int_equal(o->closed, 0);
	peer_closes(o);
	assert_int_equal(o->closed, 1);
}

/* A client's last words are taken in their time; then it may leave. */
static void
who_says_no_more_to_one_that_does_not_listen(void **state)
{
	struct owner *o = *state;

	o->pause_at = 1;
	o->awaits = true;
	send_raw(o, "\0\0\0\1a\0\0\0\1b", 10);
	send_frame(o, 100 * 1000, 'c');
	peer_says_no_more(o);
	assert_int_equal(o->frames, 1);
	assert_int_equal(o->closed, 0);
	assert_true(rounds_of_nothing(o) < 10);
	stream_resume(o->stream);
	for (int i = 0; i < 100; i++)
		world_spin(o->agent);
	assert_int_equal(o->frames, 3);
	assert_int_equal(o->last, 'c');
	assert_int_equal(o->closed, 0);
	o->awaits = false;
	owner_answer(o, 3);
	world_spin(o->agent);
	assert_int_equal(o->closed, 1);
	assert_int_equal(world_receive(o->agent, &o->peer).len, 3);
}

static void
who_said_no_more_can_leave_one_that_does_not_listen(void **state)
{
	struct owner *o = *state;

	o->pause_at = 1;
	send_raw(o, "\0\0\0\1a\0\0\0\1b", 10);
	peer_says_no_more(o);
	assert_int_equal(o->closed, 0);
	peer_closes(o);
	assert_int_equal(o->closed, 1);
	assert_int_equal(o->frames, 1);
}

static void
who_says_no_more_in_the_middle(void **state)
{
	struct owner *o = *state;

	o->awaits = true;
	send_raw(o, "\0\0\0\1a\0\0", 7);
	peer_says_no_more(o);
	assert_int_equal(o->closed, 0);
	o->awaits = false;
	owner_answer(o, 3);
	world_spin(o->agent);
	assert_int_equal(o->closed, 1);
	assert_non_null(strstr(o->why, "middle"));
}

static bool
is_closed(void *arg)
{
	const struct owner *o = arg;

	return o->closed > 0;
}

static void
a_request_that_does_not_end(void **state)
{
	struct owner *o = *state;

	send_raw(o, "\0\0\0\1a\0\0\1", 8);
	assert_int_equal(o->closed, 0);
	assert_true(world_run(o->agent, is_closed, o));
	assert_int_equal(o->frames, 1);
	assert_non_null(strstr(o->why, "in time"));
}

/* Not at fault: it is us who do not read. */
static void
a_request_that_nobody_reads_may_last(void **state)
{
	const struct timeval span = {.tv_usec = 300 * 1000};
	struct owner *o = *state;

	o->pause_at = 1;
	send_raw(o, "\0\0\0\1a\0\0\1", 8);
	event_base_loopexit(o->agent->base, &span);
	event_base_dispatch(o->agent->base);
	assert_int_equal(o->closed, 0);
	stream_resume(o->stream);
	world_spin(o->agent);
	assert_int_equal(o->closed, 0);
	assert_true(world_run(o->agent, is_closed, o));
	assert_non_null(strstr(o->why, "in time"));
}

/* A frame that is whole is never too much, nor what it left behind. */
static void
a_request_that_holds_too_much(void **state)
{
	struct owner *o = *state;
	uint8_t head[4] = {0, 0, 0x80, 0};

	send_frame(o, 5000, 'a');
	send_frame(o, 5000, 'b');
	assert_int_equal(o->frames, 2);
	assert_int_equal(o->closed, 0);
	send_raw(o, head, sizeof(head));
	assert_int_equal(o->closed, 0);
	for (int i = 0; i < 3 && o->closed == 0; i++) {
		static const uint8_t part[5000];

		send_raw(o, part, sizeof(part));
	}
	assert_int_equal(o->frames, 2);
	assert_int_equal(o->closed, 1);
	assert_non_null(strstr(o->why, "memory"));
}

#define CLIENT(name) \
	cmocka_unit_test_setup_teardown(name, setup_client, owner_teardown)
#define SHORT(name) \
	cmocka_unit_test_setup_teardown(name, setup_short, owner_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CLIENT(who_says_no_more_gets_its_answers),
		CLIENT(who_says_no_more_and_waits_for_nothing),
		CLIENT(who_said_no_more_can_leave),
		CLIENT(who_says_no_more_to_one_that_does_not_listen),
		CLIENT(who_said_no_more_can_leave_one_that_does_not_listen),
		CLIENT(who_says_no_more_in_the_middle),
		SHORT(a_request_that_does_not_end),
		SHORT(a_request_that_nobody_reads_may_last),
		SHORT(a_request_that_holds_too_much),
	};

	return cmocka_run_group_tests_name("agent/stream-client", tests, NULL,
	    NULL);
}
