/* SPDX-License-Identifier: BSD-2-Clause */
/* A daemon made by hand. */
#include "tests/agent/world.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/allowlist.h"
#include "agent/startup.h"
#include "common/cleanup.h"
#include "common/frame.h"
#include "proto/message.h"

enum {
	WORLD_WAIT_SEC = 10,
	WORLD_FRAME_MAX_BYTES = 4 * 1024 * 1024,
	WORLD_READ_BYTES = 4096,
	WORLD_RSA_BYTES = 256,
};

#define MUST(condition)                                                 \
	do {                                                            \
		if (!(condition)) {                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
			    #condition);                                \
			abort();                                        \
		}                                                       \
	} while (0)

struct agent *
world_agent(void)
{
	struct agent *a;

	signal(SIGPIPE, SIG_IGN);
	MUST((a = agent_new(NULL)) != NULL);
	a->socket_path = "/nowhere/agent.sock";
	startup_begin(a, 0);
	return a;
}

char *
world_copy(const char *text)
{
	char *copy = strdup(text);

	MUST(copy != NULL);
	return copy;
}

struct config_key *
world_section(struct agent *a, const char *name)
{
	struct config *c = a->config;
	struct config_key *keys, *s;

	keys = realloc(c->keys, (c->n_keys + 1) * sizeof(*keys));
	MUST(keys != NULL);
	c->keys = keys;
	s = &keys[c->n_keys++];
	*s = (struct config_key){
		.name = world_copy(name),
		.place = {world_copy("a.conf"), (uint32_t)c->n_keys},
	};
	/* Keys may point to sections that have moved. */
	allowlist_update(a);
	return s;
}

struct provider *
world_provider(struct agent *a, const char *name, const char *env)
{
	struct config *c = a->config;
	struct config_provider *list, *s;
	struct provider *p;

	list = realloc(c->providers, (c->n_providers + 1) * sizeof(*list));
	MUST(list != NULL);
	c->providers = list;
	s = &list[c->n_providers++];
	*s = (struct config_provider){
		.name = world_copy(name),
		.module = world_copy("/lib/fake.so"),
		.place = {world_copy("a.conf"), 1},
	};
	if (env != NULL) {
		MUST((s->env = calloc(2, sizeof(*s->env))) != NULL);
		s->env[0] = world_copy(env);
	}
	MUST((p = provider_new(a, s)) != NULL);
	p->state = PROVIDER_READY;
	p->settled = true;
	return p;
}

struct token_id
world_token_id(const char *label, const char *serial)
{
	return (struct token_id){
		.manufacturer = bytes_str("maker"),
		.model = bytes_str("model"),
		.serial = bytes_str(serial),
		.label = bytes_str(label),
		.slot_description = bytes_str("Reader 00"),
	};
}

static void
world_put_key(struct buffer *b, const struct world_key *k)
{
	static const uint8_t exponent[] = {1, 0, 1};
	uint8_t number[WORLD_RSA_BYTES];
	struct wire_key w = {
		.key = {KEY_ED25519, bytes_of(number, 32), BYTES_NONE},
		.id = bytes_str(k->id == NULL ? "\1" : k->id),
		.label = bytes_str(k->label == NULL ? "label" : k->label),
		.flags = k->flags,
		.reason = bytes_str(k->reason),
		.other_labels = {bytes_str(k->other_label)},
	};

	/* An odd modulus of full length. */
	memset(number, k->number, sizeof(number));
	if (k->rsa) {
		number[0] |= 0x80;
		number[WORLD_RSA_BYTES - 1] |= 1;
		w.key = (struct public_key){KEY_RSA,
		    bytes_of(number, sizeof(number)),
		    bytes_of(exponent, sizeof(exponent))};
	}
	if (k->other)
		w.key.kind = KEY_OTHER;
	MUST(key_ref(&w.key, w.ref));
	wire_key_put(b, &w);
}

void
world_put_token(struct buffer *b, const struct token_id *id, uint32_t flags,
    const struct world_key *keys)
{
	struct wire_token w = {
		.id = *id, .flags = flags, .pin_min = 4, .pin_max = 8,
	};
	size_t mark;

	while (keys != NULL && keys[w.n_keys].number != 0)
		w.n_keys++;
	mark = wire_token_begin(b, &w);
	for (uint32_t i = 0; i < w.n_keys; i++)
		world_put_key(b, &keys[i]);
	wire_token_end(b, mark);
	MUST(!b->failed);
}

struct token *
world_report(struct provider *p, const struct token_id *id, uint32_t flags,
    const struct world_key *keys)
{
	CLEANUP(buffer_cleanup) struct buffer b =
	    BUFFER_INIT(WORLD_FRAME_MAX_BYTES);
	struct wire_token w;
	struct token *t;

	world_put_token(&b, id, flags, keys);
	/* Behind the frame's length and type. */
	MUST(wire_token_parse(bytes_of(b.p + 5, b.len - 5), &w) == PARSE_OK);
	TAILQ_FOREACH(t, &p->agent->tokens, entry)
		t->scanned = false;
	t = token_report(p, &w, TOKEN_VIEW_OWN);
	MUST(t != NULL);
	allowlist_settle(p->agent);
	return t;
}

struct token *
world_token(struct provider *p, const char *label, const char *serial,
    uint32_t flags, const struct world_key *keys)
{
	struct token_id id = world_token_id(label, serial);

	return world_report(p, &id, flags, keys);
}

int
world_pair(struct world_peer *peer)
{
	int sv[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	MUST(fcntl(sv[1], F_SETFL, O_NONBLOCK) == 0);
	*peer = (struct world_peer){
		.fd = sv[1], .in = BUFFER_INIT(2 * WORLD_FRAME_MAX_BYTES),
	};
	return sv[0];
}

struct client *
world_client(struct agent *a, struct world_peer *peer)
{
	const struct peer who = {.uid = getuid(), .pid = getpid()};

	client_new(a, world_pair(peer), &who);
	return TAILQ_LAST(&a->clients, client_list);
}

void
world_hang_up(struct world_peer *peer)
{
	close(peer->fd);
	buffer_clear(&peer->in);
	peer->given = 0;
}

void
world_spin(struct agent *a)
{
	/* What becomes ready by one round is done by the next. */
	for (int i = 0; i < 3; i++)
		event_base_loop(a->base, EVLOOP_NONBLOCK);
}

static void
world_late(evutil_socket_t fd, short what, void *arg)
{
	bool *late = arg;

	(void)fd;
	(void)what;
	*late = true;
}

bool
world_run(struct agent *a, bool (*done)(void *arg), void *arg)
{
	const struct timeval limit = {.tv_sec = WORLD_WAIT_SEC};
	bool late = false, ok;
	struct event *timer = evtimer_new(a->base, world_late, &late);

	MUST(timer != NULL && evtimer_add(timer, &limit) == 0);
	while (!(ok = done(arg)) && !late)
		event_base_loop(a->base, EVLOOP_ONCE);
	event_free(timer);
	return ok;
}

struct arrival {
	struct world_peer *peer;
	struct bytes body;
	bool closed;
};

static bool
arrival_done(void *arg)
{
	struct arrival *w = arg;
	struct buffer *in = &w->peer->in;
	enum frame_state state;

	while ((state = frame_peek(in, WORLD_FRAME_MAX_BYTES, &w->body)) ==
	    FRAME_MORE) {
		uint8_t *room = buffer_room(in, WORLD_READ_BYTES);
		ssize_t n;

		MUST(room != NULL);
		n = read(w->peer->fd, room, WORLD_READ_BYTES);
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n <= 0) {
			w->closed = true;
			return true;
		}
		buffer_added(in, (size_t)n);
	}
	MUST(state == FRAME_READY);
	return true;
}

/* Wakes the loop; what came is looked at between its rounds. */
static void
world_woken(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

struct bytes
world_receive(struct agent *a, struct world_peer *peer)
{
	struct arrival w = {.peer = peer};
	struct event *wake = event_new(a->base, peer->fd,
	    EV_READ | EV_PERSIST, world_woken, NULL);

	buffer_consume(&peer->in, peer->given);
	peer->given = 0;
	MUST(wake != NULL && event_add(wake, NULL) == 0);
	MUST(world_run(a, arrival_done, &w));
	event_free(wake);
	if (w.closed)
		return BYTES_NONE;
	peer->given = w.body.len + 4;
	return w.body;
}

int
world_signed(struct agent *a, struct world_peer *peer)
{
	struct reader r = reader_of(world_receive(a, peer));
	uint8_t type = reader_u8(&r);
	struct bytes blob;

	if (type == SSH_AGENT_FAILURE) {
		MUST(reader_finish(&r) == PARSE_OK);
		return -1;
	}
	MUST(type == SSH_AGENT_SIGN_RESPONSE);
	blob = reader_string(&r);
	MUST(reader_finish(&r) == PARSE_OK);
	r = reader_of(blob);
	MUST(bytes_is(reader_string(&r), "ssh-ed25519"));
	blob = reader_string(&r);
	MUST(reader_finish(&r) == PARSE_OK && blob.len == 64);
	for (size_t i = 0; i < blob.len; i++)
		MUST(blob.p[i] == blob.p[0]);
	return blob.p[0];
}

bool
world_quiet(struct agent *a, struct world_peer *peer)
{
	uint8_t byte;

	world_spin(a);
	return peer->in.len == peer->given &&
	    recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	    errno == EAGAIN;
}

bool
world_closed(struct agent *a, struct world_peer *peer)
{
	while (world_receive(a, peer).len > 0)
		continue;
	return true;
}

bool
world_send(struct agent *a, struct world_peer *peer, struct bytes raw)
{
	while (raw.len > 0) {
		ssize_t n = write(peer->fd, raw.p, raw.len);

		if (n < 0 && errno != EAGAIN)
			return false;
		if (n > 0)
			raw = bytes_of(raw.p + n, raw.len - (size_t)n);
		event_base_loop(a->base, EVLOOP_NONBLOCK);
	}
	world_spin(a);
	return true;
}

void
world_put_list(struct buffer *b)
{
	size_t mark = buffer_begin(b);

	buffer_put_u8(b, SSH_AGENTC_REQUEST_IDENTITIES);
	buffer_end(b, mark);
}

void
world_put_sign(struct buffer *b, const struct key *k, const char *data,
    uint32_t flags)
{
	size_t mark = buffer_begin(b);

	buffer_put_u8(b, SSH_AGENTC_SIGN_REQUEST);
	buffer_put_string(b, bytes_of(k->blob, k->blob_len));
	buffer_put_cstring(b, data);
	buffer_put_u32(b, flags);
	buffer_end(b, mark);
}
