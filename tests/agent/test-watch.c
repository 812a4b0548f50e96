/* SPDX-License-Identifier: BSD-2-Clause */
/* Events for p11-agentctl watch, and those who do not read them. */
#include <event2/event.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "agent/control.h"
#include "agent/events.h"
#include "agent/process.h"
#include "agent/release.h"
#include "agent/taken.h"
#include "proto/control.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

enum {
	WANTS_PIN = TOKEN_LOGIN_REQUIRED,
	/* More than a socket and the daemon hold for one that sleeps. */
	FLOOD_EVENTS = 40000,
};

struct table {
	struct agent *agent;
	struct token *token;
	struct world_peer peer;
};

static int
setup(void **state)
{
	static const struct world_key keys[] = {{.number = 1}, {0}};
	static struct table t;

	t = (struct table){.agent = world_agent()};
	t.token = world_token(world_provider(t.agent, "soft", NULL), "one",
	    "1", WANTS_PIN, keys);
	*state = &t;
	return 0;
}

static int
teardown(void **state)
{
	struct table *t = *state;

	agent_free(t->agent);
	world_hang_up(&t->peer);
	return 0;
}

static void
connect_one(struct table *t)
{
	const struct peer who = {.uid = t->agent->uid};

	control_new(t->agent, world_pair(&t->peer), &who);
}

/* The daemon has seen it, and has done no more. */
static void
ask_only(struct table *t, const char *word)
{
	const struct control_request q = {
		.n_words = 1, .words = {bytes_str(word)},
	};
	struct buffer b = BUFFER_INIT(CONTROL_REQUEST_MAX_BYTES);

	control_request_put(&b, &q);
	assert_int_equal(write(t->peer.fd, b.p, b.len), b.len);
	buffer_clear(&b);
	event_base_loop(t->agent->base, EVLOOP_NONBLOCK);
}

static void
ask(struct table *t, const char *word)
{
	ask_only(t, word);
	world_spin(t->agent);
}

/* The next event, for json_decref. */
static json_t *
receive(struct table *t)
{
	struct control_reply reply;
	json_t *event;

	assert_int_equal(control_reply_parse(world_receive(t->agent, &t->peer),
	    &reply), PARSE_OK);
	assert_int_equal(reply.status, CONTROL_OK);
	event = json_loadb((const char *)reply.text.p, reply.text.len, 0, NULL);
	assert_non_null(event);
	assert_true(json_number_value(json_object_get(event, "time")) > 1e9);
	return event;
}

static void
assert_member(const json_t *event, const char *name, const char *want)
{
	const char *got = json_string_value(json_object_get(event, name));

	if (got == NULL || strcmp(got, want) != 0)
		fail_msg("%s: %s", name, got);
}

static void
expect(struct table *t, const char *name)
{
	json_t *event = receive(t);

	assert_member(event, "event", name);
	json_decref(event);
}

static void
watch(struct table *t)
{
	connect_one(t);
	ask(t, "watch");
	expect(t, "watching");
}

static void
events_say_what_applies(void **state)
{
	struct table *t = *state;
	const struct event_about about = {
		.token = t->token,
		.key = &t->token->keys[0],
		.process = 77,
		.text = "a\033b",
	};
	json_t *event;

	watch(t);
	event_emit(t->agent, EVENT_NOT_SIGNED, &about);
	event = receive(t);
	assert_member(event, "event", "not signed");
	assert_member(event, "token", "one (serial 1)");
	assert_member(event, "fingerprint", t->token->keys[0].fingerprint);
	assert_member(event, "text", "a?b");
	assert_int_equal(json_integer_value(json_object_get(event, "pid")),
	    77);
	assert_null(json_object_get(event, "client"));
	assert_null(json_object_get(event, "provider"));
	json_decref(event);
}

static void
a_token_that_leaves_is_told(void **state)
{
	struct table *t = *state;
	json_t *event;

	watch(t);
	token_leave(t->token, "its card has left");
	event = receive(t);
	assert_member(event, "event", "token left");
	assert_member(event, "text", "its card has left");
	json_decref(event);
	assert_true(world_quiet(t->agent, &t->peer));
}

/* Whoever says that it is free again: here a scan, or its own process. */
static void
a_token_in_use_is_told(void **state)
{
	static const struct world_key keys[] = {{.number = 1}, {0}};
	struct table *t = *state;
	json_t *event;

	watch(t);
	taken_told(t->token->taken, true, "run this");
	event = receive(t);
	assert_member(event, "event", "token in use");
	assert_member(event, "text", "in use by another program; run this");
	json_decref(event);
	/* It is no news a second time. */
	taken_told(t->token->taken, true, "run this");
	world_token(t->token->provider, "one", "1", WANTS_PIN, keys);
	expect(t, "token free");
	taken_told(t->token->taken, true, "");
	expect(t, "token in use");
	taken_told(t->token->taken, false, "");
	expect(t, "token free");
	/* One that left is not free. */
	taken_told(t->token->taken, true, "");
	expect(t, "token in use");
	token_leave(t->token, "gone");
	expect(t, "token left");
	assert_true(world_quiet(t->agent, &t->peer));
}

static bool
process_is_ready_now(void *arg)
{
	const struct token *t = arg;

	return process_is_ready(t->process);
}

static void
a_token_that_is_released_is_told(void **state)
{
	struct table *t = *state;

	watch(t);
	assert_true(process_start(t->token));
	expect(t, "process started");
	assert_true(world_run(t->agent, process_is_ready_now, t->token));
	assert_int_equal(release_order(t->token->release), RELEASE_DONE);
	expect(t, "token released");
	expect(t, "process ended");
	/* And taken again. */
	assert_true(process_start(t->token));
	expect(t, "process started");
}

/* Its answer is that the process is gone, which its token may be before. */
static void
a_release_is_answered_without_its_token(void **state)
{
	struct table *t = *state;
	struct control_reply reply;

	connect_one(t);
	assert_true(process_start(t->token));
	assert_true(world_run(t->agent, process_is_ready_now, t->token));
	ask_only(t, "release");
	t->token = token_free(t->token);
	assert_int_equal(control_reply_parse(world_receive(t->agent, &t->peer),
	    &reply), PARSE_OK);
	assert_int_equal(reply.status, CONTROL_OK);
}

/* Nobody is told who did not ask, and a watcher is asked nothing more. */
static void
only_watchers_watch(void **state)
{
	struct table *t = *state;

	connect_one(t);
	event_emit(t->agent, EVENT_TOKEN_HERE, &(struct event_about){0});
	assert_true(world_quiet(t->agent, &t->peer));
	ask(t, "watch");
	expect(t, "watching");
	ask(t, "lock");
	assert_true(world_quiet(t->agent, &t->peer));
	event_emit(t->agent, EVENT_TOKEN_HERE, &(struct event_about){0});
	expect(t, "token here");
}

/* One that does not read costs a bounded queue, and learns what it missed. */
static void
sleepers_lose_events(void **state)
{
	struct table *t = *state;
	unsigned got = 0, lost = 0;

	watch(t);
	for (unsigned i = 0; i < FLOOD_EVENTS; i++)
		event_emit(t->agent, EVENT_TOUCH, &(struct event_about){0});
	while (lost == 0) {
		json_t *event;

		/* It fits once some of the queue was read. */
		if (world_quiet(t->agent, &t->peer))
			event_emit(t->agent, EVENT_TOUCH,
			    &(struct event_about){0});
		event = receive(t);
		lost = (unsigned)json_integer_value(
		    json_object_get(event, "lost"));
		got += lost == 0;
		json_decref(event);
	}
	assert_int_equal(got + lost, FLOOD_EVENTS);
	expect(t, "touch wanted");
}

static void
a_watcher_may_go(void **state)
{
	struct table *t = *state;

	watch(t);
	world_hang_up(&t->peer);
	event_emit(t->agent, EVENT_TOUCH, &(struct event_about){0});
	world_spin(t->agent);
	assert_true(TAILQ_EMPTY(&t->agent->controls));
	connect_one(t);
}

#define WATCH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WATCH(events_say_what_applies),
		WATCH(a_token_that_leaves_is_told),
		WATCH(a_token_in_use_is_told),
		WATCH(a_token_that_is_released_is_told),
		WATCH(a_release_is_answered_without_its_token),
		WATCH(only_watchers_watch),
		WATCH(sleepers_lose_events),
		WATCH(a_watcher_may_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
