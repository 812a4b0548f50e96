/* SPDX-License-Identifier: BSD-2-Clause */
/* Signatures through real processes, which do what fake-provider.c can. */
#include "agent/sign-job.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/allowlist.h"
#include "agent/client.h"
#include "agent/process.h"
#include "common/cleanup.h"
#include "proto/message.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

static const struct world_key KEYS[] = {
	{.number = 7}, {.number = 8, .id = "\2"}, {0},
};

struct table {
	char folder[64];
	struct agent *agent;
	struct token *token;
	struct client *client;
	struct world_peer peer;
	struct buffer out;
	pid_t pid; /* of the process that kill_process ended last */
};

/* A file's path in the test's folder; valid until the next call. */
static const char *
path_of(const struct table *t, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", t->folder, name);
	return path;
}

/* A token whose processes run by this script (%s: the test's folder). */
static void
begin(struct table *t, const char *script, uint32_t flags)
{
	char env[512] = "P11_FAKE=", *end = env + strlen(env);
	const char *at = strchr(script, '%');

	/* In a folder of its own: no attribute lets a format be a variable. */
	if (at == NULL)
		snprintf(end, sizeof(env) - strlen(env), "%s", script);
	else
		snprintf(end, sizeof(env) - strlen(env), "%.*s%s%s",
		    (int)(at - script), script, t->folder, at + 1);
	t->agent = world_agent();
	world_section(t->agent, "k")->fingerprint = NULL;
	t->agent->config->keys[0].has_uri = true;
	t->token = world_token(world_provider(t->agent, "soft", env), "fake",
	    "1", flags, KEYS);
	assert_int_equal(t->agent->n_exposed, 2);
	t->client = world_client(t->agent, &t->peer);
	t->out = BUFFER_INIT(1024 * 1024);
}

static void
end(struct table *t)
{
	t->agent = agent_free(t->agent);
	world_hang_up(&t->peer);
	buffer_clear(&t->out);
}

static int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	snprintf(t->folder, sizeof(t->folder), "/tmp/sign-test-XXXXXX");
	assert_non_null(mkdtemp(t->folder));
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = {"log", "once"};
	struct table *t = *state;

	agent_free(t->agent);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(t, names[i]));
	assert_int_equal(rmdir(t->folder), 0);
	free(t);
	return 0;
}

/* Send what the requests in t->out are. */
static void
send_all(struct table *t, struct world_peer *peer)
{
	assert_true(world_send(t->agent, peer, buffer_bytes(&t->out)));
	buffer_clear(&t->out);
}

static void
ask(struct table *t, struct world_peer *peer, const char *data)
{
	world_put_sign(&t->out, &t->token->keys[0], data, 0);
	send_all(t, peer);
}

/* The next reply is a signature made of this byte. */
static void
expect_signature(struct table *t, struct world_peer *peer, char byte)
{
	assert_int_equal(world_signed(t->agent, peer), byte);
}

static void
expect_failure(struct table *t, struct world_peer *peer)
{
	assert_int_equal(world_signed(t->agent, peer), -1);
}

static bool
process_is_gone(void *arg)
{
	const struct token *t = arg;

	return t->process == NULL;
}

static bool
process_runs(void *arg)
{
	const struct token *t = arg;

	return t->process != NULL && process_is_ready(t->process);
}

static bool
one_client_is_left(void *arg)
{
	const struct agent *a = arg;

	return a->n_clients == 1;
}

/*
 * What the processes were sent, a line each, without the last newline. Scans,
 * which come when they come, are left out.
 */
static bool
log_is(struct table *t, const char *want)
{
	static const char scan[] = "start scan\n";
	CLEANUP(cleanup_close) int fd = open(path_of(t, "log"), O_RDONLY);
	char text[4096], *at;
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	while ((at = strstr(text, scan)) != NULL)
		memmove(at, at + strlen(scan), strlen(at + strlen(scan)) + 1);
	n = (ssize_t)strlen(text);
	return n > 0 && bytes_is(bytes_of(text, (size_t)n - 1), want);
}

/* They write it by themselves: no event says when. */
static void
assert_log(struct table *t, const char *want)
{
	for (int n = 0; n < 10000 && !log_is(t, want); n++) {
		world_spin(t->agent);
		usleep(1000);
	}
	assert_true(log_is(t, want));
}

static void
replies_are_in_order(void **state)
{
	struct table *t = *state;
	const char *data = "abcdefgh";

	begin(t, "no-pin late=8", 0);
	for (size_t i = 0; data[i] != '\0'; i++) {
		const char one[] = {data[i], '\0'};

		world_put_sign(&t->out, &t->token->keys[i % 2], one, 0);
	}
	send_all(t, &t->peer);
	for (size_t i = 0; data[i] != '\0'; i++)
		expect_signature(t, &t->peer, data[i]);
	assert_true(world_quiet(t->agent, &t->peer));
	assert_false(process_is_busy(t->token->process));
	end(t);
}

/* A list is answered at once, but behind the signature asked for before. */
static void
other_requests_wait_their_turn(void **state)
{
	struct table *t = *state;

	begin(t, "no-pin late=2", 0);
	world_put_sign(&t->out, &t->token->keys[0], "a", 0);
	world_put_list(&t->out);
	send_all(t, &t->peer);
	assert_true(world_run(t->agent, process_runs, t->token));
	assert_true(world_quiet(t->agent, &t->peer));
	ask(t, &t->peer, "b");
	expect_signature(t, &t->peer, 'a');
	assert_int_equal(world_receive(t->agent, &t->peer).p[0],
	    SSH_AGENT_IDENTITIES_ANSWER);
	expect_signature(t, &t->peer, 'b');
	end(t);
}

static void
a_client_that_left_costs_nobody_anything(void **state)
{
	struct table *t = *state;
	struct world_peer other;

	begin(t, "no-pin late=3", 0);
	world_client(t->agent, &other);
	ask(t, &other, "a");
	ask(t, &other, "b");
	world_hang_up(&other);
	/* A child may have the connection until its exec. */
	assert_true(world_run(t->agent, one_client_is_left, t->agent));
	/* They are still owed, and their answers are dropped. */
	assert_true(process_is_busy(t->token->process));
	token_set_error(t->token, "kept");
	ask(t, &t->peer, "c");
	expect_signature(t, &t->peer, 'c');
	assert_true(world_quiet(t->agent, &t->peer));
	assert_string_equal(t->token->last_error, "kept");
	end(t);
}

/* A process other than the one with t->pid runs. */
static bool
a_fresh_process_runs(void *arg)
{
	const struct table *t = arg;

	return process_runs(t->token) &&
	    process_pid(t->token->process) != t->pid;
}

static void
kill_process(struct table *t)
{
	assert_true(world_run(t->agent, a_fresh_process_runs, t));
	t->pid = process_pid(t->token->process);
	assert_int_equal(kill(t->pid, SIGKILL), 0);
}

/* A fresh process gets all of it once more; then it fails, once. */
static void
a_killed_process_owes_nothing(void **state)
{
	struct table *t = *state;
	struct world_peer other;

	begin(t, "no-pin late=64", 0);
	world_client(t->agent, &other);
	ask(t, &t->peer, "a");
	ask(t, &other, "b");
	ask(t, &t->peer, "c");
	kill_process(t);
	kill_process(t);
	expect_failure(t, &t->peer);
	expect_failure(t, &t->peer);
	expect_failure(t, &other);
	assert_null(t->token->process);
	assert_non_null(strstr(t->token->last_error, "signal 9"));
	assert_true(world_quiet(t->agent, &t->peer));
	assert_true(world_quiet(t->agent, &other));
	world_hang_up(&other);
	end(t);
}

/* Nobody waits for what a client that left had asked for. */
static void
a_loss_is_not_made_up_for_without_a_client(void **state)
{
	struct table *t = *state;
	struct world_peer other;

	begin(t, "no-pin late=64 log=%/log", 0);
	world_client(t->agent, &other);
	ask(t, &other, "a");
	ask(t, &t->peer, "b");
	world_hang_up(&other);
	assert_true(world_run(t->agent, one_client_is_left, t->agent));
	assert_log(t, "start token\nsign a\nsign b");
	kill_process(t);
	assert_log(t, "start token\nsign a\nsign b\nstart token\nsign b");
	kill_process(t);
	expect_failure(t, &t->peer);
	assert_log(t, "start token\nsign a\nsign b\nstart token\nsign b");
	end(t);
}

static const struct bad_process {
	const char *script, *why;
} bad_processes[] = {
	{"sign=die", "signal 9"},
	{"sign=exit", "exit status 3"},
	{"sign=half", "middle of a message"},
	{"sign=failed", "C_Initialize: CKR_GENERAL_ERROR (as told)"},
	{"sign=garbage", "nonsense"},
	{"sign=body", "nonsense"},
	{"sign=unknown", "nonsense"},
	{"sign=empty", "length 0"},
	{"sign=huge", "over the limit"},
	{"sign=lost", "C_Sign: CKR_WHAT (as told)"},
	{"start=failed", "C_Initialize: CKR_GENERAL_ERROR (as told)"},
	{"start=exit", "exit status 3"},
	{"start=garbage", "nonsense"},
	{"sign=flood", "nonsense"},
	{"start=flood", "nonsense"},
};

static void
begin_bad(struct table *t, const struct bad_process *bad, const char *more)
{
	char script[128];

	snprintf(script, sizeof(script), "no-pin %s %s", bad->script, more);
	begin(t, script, 0);
}

/* The request itself is served by a fresh process. */
static void
a_bad_process_is_made_up_for(void **state)
{
	struct table *t = *state;

	for (size_t i = 0; i < sizeof(bad_processes) /
	    sizeof(bad_processes[0]); i++) {
		unlink(path_of(t, "once"));
		begin_bad(t, &bad_processes[i], "once=%/once");
		ask(t, &t->peer, "a");
		expect_signature(t, &t->peer, 'a');
		if (strstr(t->token->last_error, bad_processes[i].why) == NULL)
			fail_msg("%s: %s", bad_processes[i].script,
			    t->token->last_error);
		assert_true(world_quiet(t->agent, &t->peer));
		ask(t, &t->peer, "b");
		expect_signature(t, &t->peer, 'b');
		end(t);
	}
}

/* Twice is enough: the request fails, and no process is left. */
static void
bad_processes_fail_in_the_end(void **state)
{
	struct table *t = *state;

	for (size_t i = 0; i < sizeof(bad_processes) /
	    sizeof(bad_processes[0]); i++) {
		unlink(path_of(t, "log"));
		begin_bad(t, &bad_processes[i], "log=%/log");
		ask(t, &t->peer, "a");
		expect_failure(t, &t->peer);
		assert_null(t->token->process);
		assert_true(world_quiet(t->agent, &t->peer));
		if (strncmp(bad_processes[i].script, "sign", 4) == 0)
			assert_log(t, "start token\nsign a\nstart token\n"
			    "sign a");
		else
			assert_log(t, "start token\nstart token");
		end(t);
	}
}

static void
a_second_answer_ends_the_process(void **state)
{
	struct table *t = *state;

	begin(t, "no-pin sign=twice", 0);
	ask(t, &t->peer, "a");
	expect_signature(t, &t->peer, 'a');
	assert_true(world_run(t->agent, process_is_gone, t->token));
	assert_true(world_quiet(t->agent, &t->peer));
	end(t);
}

/* A key that wants its PIN each time: C_Login for both, once asked. */
static void
each_signature_has_its_pin(void **state)
{
	struct table *t = *state;

	assert_int_equal(setenv("P11_FAKE_PIN", "1234", 1), 0);
	begin(t, "always log=%/log", TOKEN_LOGIN_REQUIRED);
	ask(t, &t->peer, "a");
	expect_signature(t, &t->peer, 'a');
	ask(t, &t->peer, "b");
	expect_signature(t, &t->peer, 'b');
	assert_log(t, "start token\nsign a\nlogin 1234\nsign a\nsign a\n"
	    "context 1234\nsign b\nsign b\ncontext 1234");
	end(t);
	unsetenv("P11_FAKE_PIN");
}

/* It died with the PIN of a signature: only a person sends one again. */
static void
a_death_with_a_pin_asks_a_person(void **state)
{
	struct table *t = *state;

	assert_int_equal(setenv("P11_FAKE_PIN", "1234", 1), 0);
	begin(t, "always context=die once=%/once",
	    TOKEN_LOGIN_REQUIRED);
	ask(t, &t->peer, "a");
	expect_signature(t, &t->peer, 'a');
	assert_non_null(strstr(t->token->last_error, "signal 9"));
	end(t);
	unsetenv("P11_FAKE_PIN");
}

static void
a_refusal_leaves_the_process_alone(void **state)
{
	static const struct {
		const char *script, *why;
		bool listed;
	} cases[] = {
		{"no-pin sign=error once=%/once", "CKR_WHAT", true},
		{"no-pin sign=short once=%/once", NULL, true},
		{"no-pin sign=unusable once=%/once", "CKR_WHAT", false},
	};
	struct table *t = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unlink(path_of(t, "once"));
		begin(t, cases[i].script, 0);
		ask(t, &t->peer, "a");
		expect_failure(t, &t->peer);
		assert_non_null(t->token->process);
		assert_false(process_is_busy(t->token->process));
		if (cases[i].why != NULL)
			assert_non_null(strstr(t->token->last_error,
			    cases[i].why));
		assert_int_equal(t->agent->n_exposed, cases[i].listed ? 2 : 1);
		if (!cases[i].listed)
			assert_non_null(strstr(t->token->keys[0].reason,
			    cases[i].why));
		ask(t, &t->peer, "b");
		if (cases[i].listed)
			expect_signature(t, &t->peer, 'b');
		else
			expect_failure(t, &t->peer);
		end(t);
	}
}

static void
sha1_is_refused_without_a_process(void **state)
{
	static const struct world_key rsa[] = {
		{.number = 9, .rsa = true}, {0},
	};
	struct table *t = *state;
	struct token *token;

	begin(t, "no-pin", 0);
	token = world_token(t->token->provider, "rsa", "2", 0, rsa);
	world_put_sign(&t->out, &token->keys[0], "a", 0);
	send_all(t, &t->peer);
	expect_failure(t, &t->peer);
	assert_null(token->process);
	/* The token's 64 bytes are put in front of zeros, as RSA wants it. */
	world_put_sign(&t->out, &token->keys[0], "a", SSH_AGENT_RSA_SHA2_256);
	send_all(t, &t->peer);
	assert_non_null(token->process);
	assert_int_equal(world_receive(t->agent, &t->peer).p[0],
	    SSH_AGENT_SIGN_RESPONSE);
	end(t);
}

/* One prompt and one C_Login serve all, and each is signed once. */
static void
a_login_serves_all_that_wait(void **state)
{
	struct table *t = *state;

	assert_int_equal(setenv("P11_FAKE_PIN", "1234", 1), 0);
	begin(t, "log=%/log", TOKEN_LOGIN_REQUIRED);
	world_put_sign(&t->out, &t->token->keys[0], "a", 0);
	world_put_sign(&t->out, &t->token->keys[1], "b", 0);
	send_all(t, &t->peer);
	expect_signature(t, &t->peer, 'a');
	expect_signature(t, &t->peer, 'b');
	assert_log(t, "start token\nsign a\nsign b\nlogin 1234\n"
	    "sign a\nsign b");
	ask(t, &t->peer, "c");
	expect_signature(t, &t->peer, 'c');
	assert_log(t, "start token\nsign a\nsign b\nlogin 1234\n"
	    "sign a\nsign b\nsign c");
	end(t);
}

static void
a_wrong_pin_goes_to_the_token_once(void **state)
{
	struct table *t = *state;

	/* A prompt that gives the same answer each time. */
	assert_int_equal(setenv("P11_FAKE_PIN", "1111", 1), 0);
	begin(t, "log=%/log", TOKEN_LOGIN_REQUIRED);
	ask(t, &t->peer, "a");
	expect_failure(t, &t->peer);
	assert_log(t, "start token\nsign a\nlogin 1111");
	end(t);
}

/* Whether the token has seen it or not, nobody knows. */
static void
a_pin_that_a_process_died_with_is_dropped(void **state)
{
	struct table *t = *state;

	assert_int_equal(setenv("P11_FAKE_PIN", "1234", 1), 0);
	begin(t, "log=%/log login=die", TOKEN_LOGIN_REQUIRED);
	ask(t, &t->peer, "a");
	expect_failure(t, &t->peer);
	assert_null(t->token->process);
	assert_log(t, "start token\nsign a\nlogin 1234");
	end(t);
}

static void
a_login_for_ever_is_not_tried_for_ever(void **state)
{
	struct table *t = *state;

	assert_int_equal(setenv("P11_FAKE_PIN", "1234", 1), 0);
	begin(t, "log=%/log sign=need-login", TOKEN_LOGIN_REQUIRED);
	ask(t, &t->peer, "a");
	expect_failure(t, &t->peer);
	assert_log(t, "start token\nsign a\nlogin 1234\nsign a\nlogin 1234\n"
	    "sign a");
	end(t);
}

static void
the_last_client_takes_the_prompt_along(void **state)
{
	struct table *t = *state;

	assert_int_equal(unsetenv("P11_FAKE_PIN"), 0);
	begin(t, "", TOKEN_LOGIN_REQUIRED);
	ask(t, &t->peer, "a");
	assert_true(world_run(t->agent, process_runs, t->token));
	while (process_is_busy(t->token->process))
		world_spin(t->agent);
	/* The prompt is open; the one who waits for it goes. */
	client_free(t->client);
	assert_false(process_is_busy(t->token->process));
	world_spin(t->agent);
	end(t);
}

static void
a_process_has_only_so_many_requests(void **state)
{
	struct world_peer peers[WIRE_REQUESTS_MAX / CLIENT_REQUESTS_MAX];
	struct table *t = *state;
	size_t n = sizeof(peers) / sizeof(peers[0]);

	begin(t, "no-pin sign=hang", 0);
	for (size_t i = 0; i < n; i++) {
		world_client(t->agent, &peers[i]);
		for (int j = 0; j < CLIENT_REQUESTS_MAX; j++)
			world_put_sign(&t->out, &t->token->keys[0], "x", 0);
		send_all(t, &peers[i]);
	}
	for (size_t i = 0; i < n; i++)
		assert_true(world_quiet(t->agent, &peers[i]));
	ask(t, &t->peer, "y");
	expect_failure(t, &t->peer);
	kill_process(t);
	kill_process(t);
	for (size_t i = 0; i < n; i++) {
		for (int j = 0; j < CLIENT_REQUESTS_MAX; j++)
			expect_failure(t, &peers[i]);
		assert_true(world_quiet(t->agent, &peers[i]));
		world_hang_up(&peers[i]);
	}
	end(t);
}

/* As at the end of the daemon, or when a reload drops the provider. */
static void
a_token_that_goes_fails_what_waits(void **state)
{
	static const char *const scripts[] = {
		"no-pin sign=hang", "login=hang log=%/log", "start=hang",
	};
	struct table *t = *state;

	assert_int_equal(setenv("P11_FAKE_PIN", "1234", 1), 0);
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		begin(t, scripts[i], TOKEN_LOGIN_REQUIRED);
		ask(t, &t->peer, "a");
		if (strstr(scripts[i], "log=") != NULL)
			assert_log(t, "start token\nsign a\nlogin 1234");
		provider_free(t->token->provider);
		expect_failure(t, &t->peer);
		assert_true(world_quiet(t->agent, &t->peer));
		end(t);
	}
}

/* Under sanitizers this also shows what would leak. */
static void
the_daemon_ends_with_everything_under_way(void **state)
{
	static const char *const scripts[] = {
		"no-pin sign=hang", "login=hang", "start=hang",
		"no-pin late=2",
	};
	struct table *t = *state;

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		begin(t, scripts[i], TOKEN_LOGIN_REQUIRED);
		ask(t, &t->peer, "a");
		if (i != 2)
			assert_true(world_run(t->agent, process_runs,
			    t->token));
		end(t);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(replies_are_in_order),
		TEST(other_requests_wait_their_turn),
		TEST(a_client_that_left_costs_nobody_anything),
		TEST(a_killed_process_owes_nothing),
		TEST(a_loss_is_not_made_up_for_without_a_client),
		TEST(a_bad_process_is_made_up_for),
		TEST(bad_processes_fail_in_the_end),
		TEST(a_second_answer_ends_the_process),
		TEST(each_signature_has_its_pin),
		TEST(a_death_with_a_pin_asks_a_person),
		TEST(a_refusal_leaves_the_process_alone),
		TEST(sha1_is_refused_without_a_process),
		TEST(a_login_serves_all_that_wait),
		TEST(a_wrong_pin_goes_to_the_token_once),
		TEST(a_pin_that_a_process_died_with_is_dropped),
		TEST(a_login_for_ever_is_not_tried_for_ever),
		TEST(the_last_client_takes_the_prompt_along),
		TEST(a_process_has_only_so_many_requests),
		TEST(a_token_that_goes_fails_what_waits),
		TEST(the_daemon_ends_with_everything_under_way),
	};

	return cmocka_run_group_tests_name("agent/sign-job", tests, NULL,
	    NULL);
}
