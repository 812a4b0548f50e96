/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests and replies of the agent protocol (RFC 9987), without a token. */
#include "agent/dispatch.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/allowlist.h"
#include "proto/message.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

static const struct world_key KEYS[] = {
	{.number = 1, .id = "\1"}, {.number = 2, .id = "\2"},
	{.number = 3, .id = "\3"}, {.number = 4, .id = "\4"},
	{0},
};

struct table {
	struct agent *agent;
	struct token *token;
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
	t->agent->config->max_identities = 3;
	world_section(t->agent, "work")->has_uri = true;
	t->token = world_token(world_provider(t->agent, "soft",
	    "P11_FAKE=no-pin keys=4"), "one", "1", 0, KEYS);
	t->client = world_client(t->agent, &t->peer);
	t->out = BUFFER_INIT(1024 * 1024);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct table *t = *state;

	agent_free(t->agent);
	world_hang_up(&t->peer);
	buffer_clear(&t->out);
	free(t);
	return 0;
}

static void
begin(struct table *t, uint8_t type)
{
	buffer_clear(&t->out);
	assert_int_equal(buffer_begin(&t->out), 0);
	buffer_put_u8(&t->out, type);
}

/* The answer to the request in t->out. */
static struct bytes
ask(struct table *t)
{
	buffer_end(&t->out, 0);
	assert_true(world_send(t->agent, &t->peer, buffer_bytes(&t->out)));
	return world_receive(t->agent, &t->peer);
}

static void
put_blob(struct table *t, const struct key *k)
{
	buffer_put_string(&t->out, bytes_of(k->blob, k->blob_len));
}

static struct bytes
ask_list(struct table *t)
{
	begin(t, SSH_AGENTC_REQUEST_IDENTITIES);
	return ask(t);
}

static struct key *
key_of(struct table *t, uint8_t number)
{
	struct token *token = t->token;

	for (size_t i = 0; i < token->n_keys; i++)
		if (token->keys[i].blob[token->keys[i].blob_len - 1] == number)
			return &token->keys[i];
	fail_msg("no key %d", number);
	return NULL;
}

static bool
may_sign(struct table *t, uint8_t number)
{
	struct bytes reply;

	begin(t, SSH_AGENTC_SIGN_REQUEST);
	put_blob(t, key_of(t, number));
	buffer_put_cstring(&t->out, "data");
	buffer_put_u32(&t->out, 0);
	reply = ask(t);
	assert_true(reply.len > 0);
	if (reply.p[0] != SSH_AGENT_SIGN_RESPONSE)
		assert_int_equal(reply.p[0], SSH_AGENT_FAILURE);
	return reply.p[0] == SSH_AGENT_SIGN_RESPONSE;
}

static void
set_hidden(struct table *t, uint8_t number, bool hidden)
{
	key_of(t, number)->hidden = hidden;
	allowlist_update(t->agent);
}

static void
assert_listed(struct table *t, const char *numbers)
{
	struct reader r = reader_of(ask_list(t));

	assert_int_equal(reader_u8(&r), SSH_AGENT_IDENTITIES_ANSWER);
	assert_int_equal(reader_u32(&r), strlen(numbers));
	for (; *numbers != '\0'; numbers++) {
		struct bytes blob = reader_string(&r);

		assert_true(blob.len > 0);
		assert_int_equal(blob.p[blob.len - 1], *numbers - '0');
		assert_true(bytes_is(reader_string(&r), "work"));
	}
	assert_int_equal(reader_finish(&r), PARSE_OK);
}

static void
short_requests(void **state)
{
	static const struct {
		const char *name;
		struct bytes request;
		uint8_t reply;
	} cases[] = {
#define ROW(name, request, reply) \
	{name, {(const uint8_t *)(request), sizeof(request) - 1}, reply}
		ROW("list", "\x0b", SSH_AGENT_IDENTITIES_ANSWER),
		ROW("list with more", "\x0b\0", SSH_AGENT_FAILURE),
		ROW("type 0", "\0", SSH_AGENT_FAILURE),
		ROW("SSH1 list", "\x01", SSH_AGENT_FAILURE),
		ROW("SSH1 remove all", "\x09", SSH_AGENT_SUCCESS),
		ROW("sign, empty", "\x0d", SSH_AGENT_FAILURE),
		ROW("sign, cut", "\x0d\0\0\0\4blob\0\0\0\1d\0\0\0",
		    SSH_AGENT_FAILURE),
		ROW("sign, more", "\x0d\0\0\0\4blob\0\0\0\1d\0\0\0\0\0",
		    SSH_AGENT_FAILURE),
		ROW("sign, unknown", "\x0d\0\0\0\4blob\0\0\0\1d\0\0\0\0",
		    SSH_AGENT_FAILURE),
		ROW("sign, no blob", "\x0d\0\0\0\0\0\0\0\1d\0\0\0\0",
		    SSH_AGENT_FAILURE),
		ROW("add", "\x11\0\0\0\7ssh-rsa", SSH_AGENT_FAILURE),
		ROW("add constrained", "\x19", SSH_AGENT_FAILURE),
		ROW("remove, cut", "\x12\0\0\0\4blo", SSH_AGENT_FAILURE),
		ROW("remove, unknown", "\x12\0\0\0\4blob", SSH_AGENT_FAILURE),
		ROW("remove all, more", "\x13\0", SSH_AGENT_FAILURE),
		ROW("provider, cut", "\x14\0\0\0\4soft", SSH_AGENT_FAILURE),
		ROW("provider, no name", "\x14\0\0\0\0\0\0\0\0",
		    SSH_AGENT_FAILURE),
		ROW("provider, constrained", "\x1a\0\0\0\4soft\0\0\0\0\2",
		    SSH_AGENT_FAILURE),
		ROW("remove provider, cut", "\x15\0\0\0\4soft",
		    SSH_AGENT_FAILURE),
		ROW("extension, cut", "\x1b\0\0\0\5quer", SSH_AGENT_FAILURE),
		ROW("extension, unknown", "\x1b\0\0\0\1x", SSH_AGENT_FAILURE),
		ROW("query", "\x1b\0\0\0\5query", SSH_AGENT_EXTENSION_RESPONSE),
		ROW("a reply", "\x0c\0\0\0\0", SSH_AGENT_FAILURE),
		ROW("type 255", "\xff", SSH_AGENT_FAILURE),
#undef ROW
	};
	struct table *t = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes reply;

		begin(t, cases[i].request.p[0]);
		buffer_put(&t->out, bytes_of(cases[i].request.p + 1,
		    cases[i].request.len - 1));
		reply = ask(t);
		if (reply.len == 0 || reply.p[0] != cases[i].reply)
			fail_msg("%s: %d", cases[i].name,
			    reply.len == 0 ? -1 : reply.p[0]);
		if (cases[i].reply == SSH_AGENT_FAILURE)
			assert_int_equal(reply.len, 1);
	}
	/* None of it took anything away. */
	assert_listed(t, "123");
	assert_null(t->token->process);
}

static void
a_connection_sees_so_many(void **state)
{
	struct table *t = *state;

	assert_listed(t, "123");
	t->agent->config->max_identities = 2;
	assert_listed(t, "12");
	t->token->flags |= TOKEN_PIN_LOCKED;
	allowlist_update(t->agent);
	assert_listed(t, "");
}

/* What was shown, or would be shown now; no more than that. */
static void
what_a_connection_may_sign_with(void **state)
{
	struct table *t = *state;
	struct world_peer mine, other;

	assert_true(may_sign(t, 3));
	assert_false(may_sign(t, 4));
	assert_listed(t, "123");
	/* The first one goes, and number 4 takes a place. */
	set_hidden(t, 1, true);
	assert_false(may_sign(t, 1));
	assert_true(may_sign(t, 4));
	assert_listed(t, "234");
	set_hidden(t, 1, false);
	/* It was shown; to another connection it was not. */
	assert_true(may_sign(t, 4));
	mine = t->peer;
	world_client(t->agent, &other);
	t->peer = other;
	assert_false(may_sign(t, 4));
	world_hang_up(&t->peer);
	t->peer = mine;
}

static void
removing_hides(void **state)
{
	struct table *t = *state;

	begin(t, SSH_AGENTC_REMOVE_IDENTITY);
	put_blob(t, key_of(t, 2));
	assert_int_equal(ask(t).p[0], SSH_AGENT_SUCCESS);
	assert_listed(t, "134");
	assert_false(may_sign(t, 2));
	/* It is not there any more. */
	begin(t, SSH_AGENTC_REMOVE_IDENTITY);
	put_blob(t, key_of(t, 2));
	assert_int_equal(ask(t).p[0], SSH_AGENT_FAILURE);
	begin(t, SSH_AGENTC_REMOVE_ALL_IDENTITIES);
	assert_int_equal(ask(t).p[0], SSH_AGENT_SUCCESS);
	assert_listed(t, "");
	assert_false(may_sign(t, 1));
	assert_null(t->token->process);
}

/* Until ssh-add -s, also when its token was away. */
static void
what_is_hidden_stays_hidden(void **state)
{
	struct table *t = *state;
	const struct provider *p = t->token->provider;

	set_hidden(t, 2, true);
	token_leave(t->token, "gone");
	assert_listed(t, "");
	t->token = world_token(t->token->provider, "one", "1", 0, KEYS);
	assert_listed(t, "134");
	begin(t, SSH_AGENTC_REMOVE_ALL_IDENTITIES);
	assert_int_equal(ask(t).p[0], SSH_AGENT_SUCCESS);
	token_leave(t->token, "gone");
	t->token = world_token(t->token->provider, "one", "1", 0, KEYS);
	assert_listed(t, "");
	token_leave(t->token, "gone");
	begin(t, SSH_AGENTC_ADD_SMARTCARD_KEY);
	buffer_put_cstring(&t->out, p->name);
	buffer_put_cstring(&t->out, "");
	assert_int_equal(ask(t).p[0], SSH_AGENT_SUCCESS);
	assert_listed(t, "123");
	/* Only that the other one was hidden was worth to be remembered. */
	t->token = TAILQ_FIRST(&t->agent->tokens);
	assert_null(TAILQ_NEXT(t->token, entry));
}

/* The requests that change what is exposed: each is refused. */
static void
expect_no_change(struct table *t)
{
	static const uint8_t types[] = {
		SSH_AGENTC_ADD_SMARTCARD_KEY, SSH_AGENTC_REMOVE_SMARTCARD_KEY,
		SSH_AGENTC_REMOVE_IDENTITY, SSH_AGENTC_REMOVE_ALL_IDENTITIES,
		SSH_AGENTC_ADD_IDENTITY, SSH_AGENTC_LOCK,
	};

	for (size_t i = 0; i < sizeof(types); i++) {
		begin(t, types[i]);
		if (types[i] == SSH_AGENTC_REMOVE_IDENTITY)
			put_blob(t, key_of(t, 1));
		else if (types[i] != SSH_AGENTC_REMOVE_ALL_IDENTITIES) {
			buffer_put_cstring(&t->out, "soft");
			buffer_put_cstring(&t->out, "");
		}
		assert_int_equal(ask(t).p[0], SSH_AGENT_FAILURE);
	}
	assert_listed(t, "123");
	assert_true(may_sign(t, 1));
}

/* A connection that is bound may be a forwarded one (CVE-2023-38408). */
static void
a_bound_connection_changes_nothing(void **state)
{
	struct table *t = *state;

	begin(t, SSH_AGENTC_EXTENSION);
	buffer_put_cstring(&t->out, "session-bind@openssh.com");
	buffer_put_cstring(&t->out, "nonsense");
	assert_int_equal(ask(t).p[0], SSH_AGENT_FAILURE);
	assert_true(t->client->tried_bind);
	expect_no_change(t);
}

static void
name_us(const char *name)
{
	assert_int_equal(prctl(PR_SET_NAME, name), 0);
}

/* ssh -R, an ssh before 8.9: it never binds. */
static void
what_ssh_brings_changes_nothing(void **state)
{
	struct table *t = *state;
	struct world_peer peer;

	/* The peer was ssh when it connected, and is something else now. */
	name_us("ssh");
	peer = t->peer;
	world_client(t->agent, &t->peer);
	name_us("test");
	expect_no_change(t);
	world_hang_up(&t->peer);
	t->peer = peer;
	/* The other way round. */
	name_us("sshd-session");
	expect_no_change(t);
	name_us("test");
	begin(t, SSH_AGENTC_REMOVE_ALL_IDENTITIES);
	assert_int_equal(ask(t).p[0], SSH_AGENT_SUCCESS);
}

static void
who_cannot_be_seen_changes_nothing(void **state)
{
	struct table *t = *state;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	t->client->peer.pid = pid;
	expect_no_change(t);
	t->client->peer.pid = 0;
	expect_no_change(t);
}

static void
the_query_names_what_there_is(void **state)
{
	struct table *t = *state;
	struct reader r;
	bool query = false;

	begin(t, SSH_AGENTC_EXTENSION);
	buffer_put_cstring(&t->out, "query");
	r = reader_of(ask(t));
	assert_int_equal(reader_u8(&r), SSH_AGENT_EXTENSION_RESPONSE);
	assert_true(bytes_is(reader_string(&r), "query"));
	while (r.rest.len > 0 && r.err == PARSE_OK)
		query = bytes_is(reader_string(&r), "query") || query;
	assert_int_equal(reader_finish(&r), PARSE_OK);
	assert_true(query);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(short_requests),
		TEST(a_connection_sees_so_many),
		TEST(what_a_connection_may_sign_with),
		TEST(removing_hides),
		TEST(what_is_hidden_stays_hidden),
		TEST(a_bound_connection_changes_nothing),
		TEST(what_ssh_brings_changes_nothing),
		TEST(who_cannot_be_seen_changes_nothing),
		TEST(the_query_names_what_there_is),
	};

	return cmocka_run_group_tests_name("agent/dispatch", tests, NULL,
	    NULL);
}
