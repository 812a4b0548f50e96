/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/client.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/startup.h"
#include "common/limits.h"
#include "proto/message.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

struct table {
	struct agent *agent;
	struct provider *provider;
	struct client *client;
	struct world_peer peer;
	struct buffer out;
};

static int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->agent = world_agent();
	t->provider = world_provider(t->agent, "soft", NULL);
	t->client = world_client(t->agent, &t->peer);
	t->out = BUFFER_INIT(1024 * 1024);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct table *t = *state;

	t->provider->state = PROVIDER_READY;
	agent_free(t->agent);
	world_hang_up(&t->peer);
	buffer_clear(&t->out);
	free(t);
	return 0;
}

/* From now on lists have to wait for a scan; a query has not. */
static void
hold(struct table *t)
{
	t->provider->settled = false;
	t->provider->state = PROVIDER_SCANNING;
	startup_begin(t->agent, 1000 * 1000);
	assert_true(startup_pending(t->agent));
}

static void
release(struct table *t)
{
	t->provider->settled = true;
	t->provider->state = PROVIDER_READY;
	startup_check(t->agent);
	assert_false(startup_pending(t->agent));
}

static void
put_query(struct table *t)
{
	size_t mark = buffer_begin(&t->out);

	buffer_put_u8(&t->out, SSH_AGENTC_EXTENSION);
	buffer_put_cstring(&t->out, "query");
	buffer_end(&t->out, mark);
}

static void
send_all(struct table *t)
{
	assert_true(world_send(t->agent, &t->peer, buffer_bytes(&t->out)));
	buffer_clear(&t->out);
}

static void
expect(struct table *t, uint8_t type)
{
	struct bytes body = world_receive(t->agent, &t->peer);

	assert_true(body.len > 0);
	assert_int_equal(body.p[0], type);
}

static void
an_answer_waits_for_those_before_it(void **state)
{
	struct table *t = *state;

	hold(t);
	put_query(t);
	world_put_list(&t->out);
	put_query(t);
	world_put_list(&t->out);
	send_all(t);
	expect(t, SSH_AGENT_EXTENSION_RESPONSE);
	assert_true(world_quiet(t->agent, &t->peer));
	assert_int_equal(t->client->n_replies, 3);
	release(t);
	expect(t, SSH_AGENT_IDENTITIES_ANSWER);
	expect(t, SSH_AGENT_EXTENSION_RESPONSE);
	expect(t, SSH_AGENT_IDENTITIES_ANSWER);
	assert_true(world_quiet(t->agent, &t->peer));
	assert_int_equal(t->client->n_replies, 0);
}

static void
only_so_many_requests_are_taken(void **state)
{
	struct table *t = *state;
	unsigned n = CLIENT_REQUESTS_MAX + 40;

	hold(t);
	for (unsigned i = 0; i < n; i++)
		world_put_list(&t->out);
	send_all(t);
	assert_int_equal(t->client->n_replies, CLIENT_REQUESTS_MAX);
	world_spin(t->agent);
	assert_int_equal(t->client->n_replies, CLIENT_REQUESTS_MAX);
	release(t);
	for (unsigned i = 0; i < n; i++)
		expect(t, SSH_AGENT_IDENTITIES_ANSWER);
	assert_true(world_quiet(t->agent, &t->peer));
}

/* A request that may cost a process holds up its client's later ones. */
static void
one_such_request_at_a_time(void **state)
{
	struct table *t = *state;

	hold(t);
	world_put_list(&t->out);
	for (int i = 0; i < 3; i++) {
		size_t mark = buffer_begin(&t->out);

		buffer_put_u8(&t->out, SSH_AGENTC_ADD_SMARTCARD_KEY);
		buffer_put_cstring(&t->out, "");
		buffer_put_cstring(&t->out, "");
		buffer_end(&t->out, mark);
	}
	put_query(t);
	send_all(t);
	assert_int_equal(t->client->n_replies, 2);
	release(t);
	expect(t, SSH_AGENT_IDENTITIES_ANSWER);
	for (int i = 0; i < 3; i++)
		expect(t, SSH_AGENT_FAILURE);
	expect(t, SSH_AGENT_EXTENSION_RESPONSE);
	assert_int_equal(t->client->n_replies, 0);
}

/* Answered before the one in front of it, it lets the next ones in. */
static void
such_a_request_behind_one_that_waits(void **state)
{
	struct table *t = *state;
	struct reply *r;

	hold(t);
	world_put_list(&t->out);
	send_all(t);
	r = calloc(1, sizeof(*r));
	assert_non_null(r);
	r->client = t->client;
	r->frame = BUFFER_INIT(64);
	TAILQ_INSERT_TAIL(&t->client->replies, r, entry);
	t->client->n_replies++;
	reply_alone(r);
	put_query(t);
	send_all(t);
	assert_int_equal(t->client->n_replies, 2);
	reply_fail(r);
	world_spin(t->agent);
	assert_int_equal(t->client->n_replies, 3);
	release(t);
	expect(t, SSH_AGENT_IDENTITIES_ANSWER);
	expect(t, SSH_AGENT_FAILURE);
	expect(t, SSH_AGENT_EXTENSION_RESPONSE);
}

/* The first scan took too long: an answer now is better than none. */
static void
a_list_waits_only_so_long(void **state)
{
	struct table *t = *state;

	hold(t);
	startup_begin(t->agent, 1);
	world_put_list(&t->out);
	send_all(t);
	expect(t, SSH_AGENT_IDENTITIES_ANSWER);
	assert_false(startup_pending(t->agent));
}

static void
a_client_that_leaves_is_forgotten(void **state)
{
	struct table *t = *state;

	hold(t);
	world_put_list(&t->out);
	world_put_list(&t->out);
	send_all(t);
	assert_int_equal(shutdown(t->peer.fd, SHUT_RDWR), 0);
	world_spin(t->agent);
	assert_int_equal(t->agent->n_clients, 0);
	assert_true(TAILQ_EMPTY(&t->agent->clients));
	release(t);
}

static void
the_daemon_ends_while_requests_wait(void **state)
{
	struct table *t = *state;

	hold(t);
	world_put_list(&t->out);
	send_all(t);
}

static void
nonsense_closes_the_connection(void **state)
{
	static const struct {
		const char *name;
		const char *raw;
		size_t len;
	} cases[] = {
		{"length 0", "\0\0\0\0", 4},
		{"over the limit", "\0\4\0\1", 4},
		{"far over it", "\xff\xff\xff\xff", 4},
		{"behind a good one", "\0\0\0\1\x0b\0\0\0\0", 9},
	};
	struct table *t = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world_peer peer;

		world_client(t->agent, &peer);
		assert_int_equal(t->agent->n_clients, 2);
		assert_true(world_send(t->agent, &peer,
		    bytes_of(cases[i].raw, cases[i].len)));
		if (t->agent->n_clients != 1)
			fail_msg("%s: goes on", cases[i].name);
		assert_true(world_closed(t->agent, &peer));
		world_hang_up(&peer);
	}
}

static void
half_a_request_is_no_request(void **state)
{
	struct table *t = *state;

	assert_true(world_send(t->agent, &t->peer, bytes_of("\0\0\0", 3)));
	assert_true(world_quiet(t->agent, &t->peer));
	assert_true(world_send(t->agent, &t->peer, bytes_of("\1", 1)));
	assert_true(world_quiet(t->agent, &t->peer));
	assert_true(world_send(t->agent, &t->peer, bytes_of("\x0b", 1)));
	expect(t, SSH_AGENT_IDENTITIES_ANSWER);
	assert_true(world_send(t->agent, &t->peer, bytes_of("\0\0\0\5a", 5)));
	assert_int_equal(shutdown(t->peer.fd, SHUT_WR), 0);
	assert_true(world_closed(t->agent, &t->peer));
	assert_int_equal(t->agent->n_clients, 0);
}

static void
the_largest_request_is_taken(void **state)
{
	struct table *t = *state;
	size_t mark = buffer_begin(&t->out);

	buffer_put_u8(&t->out, 200);
	for (size_t i = 1; i < CLIENT_MSG_MAX_BYTES; i++)
		buffer_put_u8(&t->out, 0);
	buffer_end(&t->out, mark);
	send_all(t);
	expect(t, SSH_AGENT_FAILURE);
	assert_int_equal(t->agent->n_clients, 1);
}

/* Requests that wait are limited for all; the client with most loses. */
static void
too_much_under_way(void **state)
{
	enum {
		EACH_BYTES = CLIENT_REQUESTS_MAX_BYTES / 4,
		OTHERS = CLIENTS_REQUESTS_MAX_BYTES / EACH_BYTES - 2,
	};
	struct table *t = *state;
	static struct world_peer peers[OTHERS];
	struct world_peer greedy;
	size_t mark = buffer_begin(&t->out);

	hold(t);
	buffer_put_u8(&t->out, SSH_AGENTC_SIGN_REQUEST);
	for (size_t i = 1; i < EACH_BYTES; i++)
		buffer_put_u8(&t->out, 0);
	buffer_end(&t->out, mark);
	world_client(t->agent, &greedy);
	for (int i = 0; i < 2; i++)
		assert_true(world_send(t->agent, &greedy,
		    buffer_bytes(&t->out)));
	for (size_t i = 0; i < OTHERS; i++) {
		world_client(t->agent, &peers[i]);
		assert_true(world_send(t->agent, &peers[i],
		    buffer_bytes(&t->out)));
	}
	assert_int_equal(t->agent->n_clients, OTHERS + 2);
	assert_int_equal(t->agent->n_request_bytes,
	    CLIENTS_REQUESTS_MAX_BYTES);
	send_all(t);
	assert_int_equal(t->agent->n_clients, OTHERS + 1);
	assert_true(world_closed(t->agent, &greedy));
	release(t);
	expect(t, SSH_AGENT_FAILURE);
	assert_int_equal(t->agent->n_request_bytes, 0);
	world_hang_up(&greedy);
	for (size_t i = 0; i < OTHERS; i++)
		world_hang_up(&peers[i]);
}

/* Only what the answers before it left room for is taken from it. */
static void
a_client_that_does_not_read_waits(void **state)
{
	struct table *t = *state;
	unsigned sent = 0, before;

	put_query(t);
	do {
		before = sent;
		while (send(t->peer.fd, t->out.p, t->out.len, MSG_DONTWAIT) ==
		    (ssize_t)t->out.len)
			sent++;
		world_spin(t->agent);
	} while (sent != before && sent < 1000 * 1000);
	assert_true(sent < 1000 * 1000);
	assert_int_equal(t->agent->n_clients, 1);
	for (unsigned i = 0; i < sent; i++)
		expect(t, SSH_AGENT_EXTENSION_RESPONSE);
}

static void
what_a_client_was_shown(void **state)
{
	struct table *t = *state;
	uint8_t ref[KEY_REF_BYTES] = {1};

	assert_false(client_was_shown(t->client, ref));
	for (uint8_t i = 0; i < 10; i++) {
		ref[5] = i;
		client_show(t->client, ref);
		client_show(t->client, ref);
		assert_true(client_was_shown(t->client, ref));
		assert_int_equal(t->client->n_shown, i + 1);
	}
	ref[KEY_REF_BYTES - 1] = 1;
	assert_false(client_was_shown(t->client, ref));
}

static void
count_up(void *arg)
{
	++*(int *)arg;
}

/* Whoever answers later is told once when nobody waits any more. */
static void
abandoned_is_called_once(void **state)
{
	struct table *t = *state;
	struct reply *r;
	int called = 0;

	hold(t);
	world_put_list(&t->out);
	send_all(t);
	r = TAILQ_FIRST(&t->client->replies);
	assert_non_null(r);
	release(t);
	expect(t, SSH_AGENT_IDENTITIES_ANSWER);
	/* A reply by hand, as a request handler gets it. */
	r = calloc(1, sizeof(*r));
	assert_non_null(r);
	r->client = t->client;
	r->frame = BUFFER_INIT(64);
	TAILQ_INSERT_TAIL(&t->client->replies, r, entry);
	t->client->n_replies++;
	reply_later(r, count_up, &called);
	client_free(t->client);
	assert_int_equal(called, 1);
}

/* An answer that did not fit, or that nobody filled, is a failure. */
static void
an_empty_answer_is_a_failure(void **state)
{
	struct table *t = *state;

	for (int i = 0; i < 2; i++) {
		struct reply *r = calloc(1, sizeof(*r));

		assert_non_null(r);
		r->client = t->client;
		r->frame = BUFFER_INIT(16);
		TAILQ_INSERT_TAIL(&t->client->replies, r, entry);
		t->client->n_replies++;
		if (i == 1)
			buffer_put_cstring(&r->frame, "more than sixteen");
		reply_send(r);
		expect(t, SSH_AGENT_FAILURE);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_waits_for_those_before_it),
		TEST(only_so_many_requests_are_taken),
		TEST(one_such_request_at_a_time),
		TEST(such_a_request_behind_one_that_waits),
		TEST(a_list_waits_only_so_long),
		TEST(a_client_that_leaves_is_forgotten),
		TEST(the_daemon_ends_while_requests_wait),
		TEST(nonsense_closes_the_connection),
		TEST(half_a_request_is_no_request),
		TEST(the_largest_request_is_taken),
		TEST(too_much_under_way),
		TEST(a_client_that_does_not_read_waits),
		TEST(what_a_client_was_shown),
		TEST(abandoned_is_called_once),
		TEST(an_empty_answer_is_a_failure),
	};

	return cmocka_run_group_tests_name("agent/client", tests, NULL, NULL);
}
