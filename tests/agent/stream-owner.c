/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream's owner that counts what it is told. */
#include "tests/agent/stream-owner.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/cmocka-all.h"

void
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

static bool
owner_awaits(void *arg)
{
	const struct owner *o = arg;

	return o->awaits;
}

const struct stream_events owner_events = {owner_frame, owner_awaits,
    owner_closed};

int
owner_setup(void **state, bool child, const struct unfinished_limits *held)
{
	struct stream_limits limits = {FRAME_MAX, OUT_MAX, child, NULL};
	struct owner *o = calloc(1, sizeof(*o));

	assert_non_null(o);
	o->agent = world_agent();
	if (held != NULL) {
		o->held = unfinished_new(o->agent->base, held);
		assert_non_null(o->held);
		limits.unfinished = o->held;
	}
	o->stream = stream_new(o->agent->base, world_pair(&o->peer), &limits,
	    &owner_events, o);
	assert_non_null(o->stream);
	*state = o;
	return 0;
}

int
owner_teardown(void **state)
{
	struct owner *o = *state;

	stream_free(o->stream);
	if (o->peer.fd >= 0)
		world_hang_up(&o->peer);
	unfinished_free(o->held);
	agent_free(o->agent);
	free(o);
	return 0;
}

void
send_raw(struct owner *o, const void *p, size_t len)
{
	assert_true(world_send(o->agent, &o->peer, bytes_of(p, len)));
}

void
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

void
peer_closes(struct owner *o)
{
	world_hang_up(&o->peer);
	o->peer.fd = -1;
	world_spin(o->agent);
}
