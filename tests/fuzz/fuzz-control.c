/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: p11-agentctl may send anything, while children say
 * anything and die at any time. An input is a list of steps; see run_step.
 */
#include <unistd.h>

#include "agent/agent.h"
#include "agent/control.h"
#include "common/frame.h"
#include "proto/control.h"
#include "tests/agent/world.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/play-link.h"

enum { READ_BYTES = 4096 };

static void
connect_one(struct agent *a, struct world_peer *peer)
{
	const struct peer who = {.uid = getuid(), .pid = 0};

	control_new(a, world_pair(peer), &who);
}

static void
read_replies(struct world_peer *peer)
{
	struct control_reply reply;
	enum frame_state state;
	struct bytes body;

	for (;;) {
		uint8_t *room = buffer_room(&peer->in, READ_BYTES);
		ssize_t n;

		FUZZ_CHECK(room != NULL);
		n = read(peer->fd, room, READ_BYTES);
		if (n <= 0)
			break;
		buffer_added(&peer->in, (size_t)n);
	}
	while ((state = frame_peek(&peer->in, CONTROL_REPLY_MAX_BYTES,
	    &body)) == FRAME_READY) {
		FUZZ_CHECK(control_reply_parse(body, &reply) == PARSE_OK);
		FUZZ_CHECK(reply.text.len > 0);
		frame_drop(&peer->in, body);
	}
	FUZZ_CHECK(state == FRAME_MORE);
}

static void
write_all(struct world_peer *peer, struct bytes raw)
{
	if (raw.len > 0 && write(peer->fd, raw.p, raw.len) < 0)
		return; /* it was hung up on */
}

/* A request that parses: a command's name and up to two words. */
static void
ask(struct world_peer *peer, struct play_input *in)
{
	static const char *const names[] = {"status", "keys", "reload",
	    "unlock", "lock", "release", "watch",
	    "what"};
	struct buffer b = BUFFER_INIT(CONTROL_REQUEST_MAX_BYTES);
	uint8_t choice = play_u8(in);
	struct control_request q = {.n_words = 1 + (choice >> 6) % 3};

	q.words[0] = bytes_str(names[choice % 8]);
	for (uint32_t i = 1; i < q.n_words; i++)
		q.words[i] = play_string(in);
	control_request_put(&b, &q);
	write_all(peer, buffer_bytes(&b));
	buffer_clear(&b);
}

static void
run_step(struct agent *a, struct world_peer *peer, struct play_input *in)
{
	switch (play_u8(in) % 4) {
	case 0:
		write_all(peer, play_string(in));
		break;
	case 1:
		play_step(in);
		break;
	case 2:
		ask(peer, in);
		break;
	case 3:
		world_hang_up(peer);
		connect_one(a, peer);
		break;
	}
	play_settle();
	world_spin(a);
	read_replies(peer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct play_input in = {bytes_of(data, len)};
	struct agent *a = play_agent();
	struct world_peer peer;

	connect_one(a, &peer);
	while (in.rest.len > 0)
		run_step(a, &peer, &in);
	play_end(a);
	world_hang_up(&peer);
	return 0;
}
