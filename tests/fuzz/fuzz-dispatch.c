/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon as a whole: clients that send anything, in any pieces, and
 * children that say anything and die at any time. An input is a list of
 * steps; see run_step.
 */
#include <errno.h>
#include <unistd.h>

#include "agent/allowlist.h"
#include "agent/agent.h"
#include "common/frame.h"
#include "proto/message.h"
#include "tests/agent/world.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/play-link.h"

enum { CLIENTS_MAX = 4, READ_BYTES = 4096 };

struct world {
	struct agent *agent;
	struct world_peer peers[CLIENTS_MAX];
	bool connected[CLIENTS_MAX];
	struct buffer out;
};

/* Every reply is one that the protocol has, and never a list that is long. */
static void
check_reply(const struct agent *a, struct bytes body)
{
	struct reader r = reader_of(body);
	uint8_t type = reader_u8(&r);

	switch (type) {
	case SSH_AGENT_FAILURE:
	case SSH_AGENT_SUCCESS:
		FUZZ_CHECK(body.len == 1);
		return;
	case SSH_AGENT_IDENTITIES_ANSWER:
		FUZZ_CHECK(reader_u32(&r) <= a->config->max_identities);
		return;
	case SSH_AGENT_SIGN_RESPONSE:
		(void)reader_string(&r);
		FUZZ_CHECK(reader_finish(&r) == PARSE_OK);
		return;
	case SSH_AGENT_EXTENSION_RESPONSE:
		return;
	default:
		FUZZ_CHECK(!"a reply of a known type");
	}
}

static void
read_replies(struct world *w, struct world_peer *peer)
{
	struct bytes body;
	enum frame_state state;

	for (;;) {
		uint8_t *room = buffer_room(&peer->in, READ_BYTES);
		ssize_t n;

		FUZZ_CHECK(room != NULL);
		n = read(peer->fd, room, READ_BYTES);
		if (n <= 0)
			break;
		buffer_added(&peer->in, (size_t)n);
	}
	while ((state = frame_peek(&peer->in, CLIENT_MSG_MAX_BYTES, &body)) ==
	    FRAME_READY) {
		check_reply(w->agent, body);
		frame_drop(&peer->in, body);
	}
	FUZZ_CHECK(state == FRAME_MORE);
}

static void
settle(struct world *w)
{
	play_settle();
	world_spin(w->agent);
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (w->connected[i])
			read_replies(w, &w->peers[i]);
}

/* A client that was hung up on loses what it writes. */
static void
write_all(struct world_peer *peer, struct bytes raw)
{
	while (raw.len > 0) {
		ssize_t n = write(peer->fd, raw.p, raw.len);

		if (n <= 0)
			return;
		raw = bytes_of(raw.p + n, raw.len - (size_t)n);
	}
}

static void
ask_signature(struct world *w, struct world_peer *peer, struct play_input *in)
{
	const struct agent *a = w->agent;
	size_t which = play_u8(in);
	uint8_t flags = play_u8(in);

	if (a->n_exposed == 0)
		return;
	world_put_sign(&w->out, a->exposed[which % a->n_exposed].key, "data",
	    flags);
	write_all(peer, buffer_bytes(&w->out));
	buffer_clear(&w->out);
}

static void
run_step(struct world *w, struct play_input *in)
{
	uint8_t step = play_u8(in);
	int i = step >> 6;

	switch (step % 5) {
	case 0:
		if (w->connected[i])
			write_all(&w->peers[i], play_string(in));
		break;
	case 1:
		play_step(in);
		break;
	case 2:
		if (w->connected[i])
			ask_signature(w, &w->peers[i], in);
		break;
	case 3:
		if (!w->connected[i])
			world_client(w->agent, &w->peers[i]);
		w->connected[i] = true;
		break;
	case 4:
		if (w->connected[i])
			world_hang_up(&w->peers[i]);
		w->connected[i] = false;
		break;
	}
	settle(w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct world w = {.agent = play_agent(),
	    .out = BUFFER_INIT(CLIENT_MSG_MAX_BYTES)};
	struct play_input in = {bytes_of(data, len)};

	world_client(w.agent, &w.peers[0]);
	w.connected[0] = true;
	while (in.rest.len > 0)
		run_step(&w, &in);
	play_end(w.agent);
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (w.connected[i])
			world_hang_up(&w.peers[i]);
	return 0;
}
