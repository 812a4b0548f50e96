/* SPDX-License-Identifier: BSD-2-Clause */
/* The client against a listener that answers badly, late, or not at all. */
#include "ctl/client.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/frame.h"
#include "tests/cmocka-all.h"

#define LITERAL(s) bytes_of(s, sizeof(s) - 1)

/* One connection: read a request, send bytes, then close it or hold it. */
struct server {
	char path[64];
	int listener;
	struct bytes answer;
	bool hangs_up;
	int held;
	char got[64]; /* the request's words, joined */
	pthread_t thread;
};

static void
join_words(struct server *s, struct bytes body)
{
	struct control_request q = {0};

	if (control_request_parse(body, &q) != PARSE_OK)
		return;
	for (uint32_t i = 0; i < q.n_words; i++) {
		strncat(s->got, (const char *)q.words[i].p, q.words[i].len);
		strcat(s->got, ".");
	}
}

static void *
serve(void *arg)
{
	struct server *s = arg;
	struct buffer in = BUFFER_INIT(CONTROL_REQUEST_MAX_BYTES);
	int fd = accept(s->listener, NULL, NULL);
	struct bytes body;

	if (frame_read(fd, &in, CONTROL_REQUEST_MAX_BYTES, &body) == 1)
		join_words(s, body);
	buffer_clear(&in);
	/* In two parts: the client must put them together. */
	if (s->answer.len > 1) {
		(void)!send(fd, s->answer.p, 1, MSG_NOSIGNAL);
		(void)!send(
		    fd, s->answer.p + 1, s->answer.len - 1, MSG_NOSIGNAL);
	}
	if (s->hangs_up)
		close(fd);
	else
		s->held = fd;
	return NULL;
}

static void
server_listen(struct server *s)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	snprintf(s->path, sizeof(s->path), "/tmp/p11-agent-test-%ld.sock",
	    (long)getpid());
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", s->path);
	unlink(s->path);
	s->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(
	    bind(s->listener, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(s->listener, 4), 0);
}

static void
server_start(struct server *s)
{
	s->held = -1;
	server_listen(s);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void
server_end(struct server *s)
{
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	if (s->held >= 0)
		close(s->held);
	close(s->listener);
	unlink(s->path);
}

static const struct control_request request = {
    .n_words = 2,
    .words = {{(const uint8_t *)"keys", 4}, {(const uint8_t *)"more", 4}},
};

static void
asks(void **state)
{
	struct server s = {.answer = LITERAL("\0\0\0\x08\1\1\0\0\0\2no")};
	struct buffer in = BUFFER_INIT(CONTROL_REPLY_MAX_BYTES + 65536);
	struct control_reply reply;
	char why[CLIENT_WHY_BYTES] = "";

	(void)state;
	server_start(&s);
	assert_true(client_ask(s.path, &request, 10000, &in, &reply, why));
	server_end(&s);
	assert_string_equal(s.got, "keys.more.");
	assert_int_equal(reply.status, CONTROL_REFUSED);
	assert_true(bytes_is(reply.text, "no"));
	buffer_clear(&in);
}

struct heard {
	char texts[64];
	unsigned n, stop_at;
};

static bool
hear(void *arg, const struct control_reply *reply)
{
	struct heard *h = arg;

	assert_int_equal(reply->status, CONTROL_OK);
	strncat(h->texts, (const char *)reply->text.p, reply->text.len);
	return ++h->n != h->stop_at;
}

#define THREE_REPLIES                              \
	"\0\0\0\x07\1\0\0\0\0\1" "a"             \
	"\0\0\0\x07\1\0\0\0\0\1" "b"             \
	"\0\0\0\x07\1\0\0\0\0\1" "c"

static void
listens(void **state)
{
	static const struct {
		bool hangs_up;
		unsigned stop_at;
		bool ok;
		const char *heard, *why;
	} cases[] = {
	    {false, 2, true, "ab", ""},
	    {true, 0, false, "abc", "it closed the connection"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct server s = {.answer = LITERAL(THREE_REPLIES),
		    .hangs_up = cases[i].hangs_up};
		struct heard h = {.stop_at = cases[i].stop_at};
		char why[CLIENT_WHY_BYTES] = "";

		server_start(&s);
		assert_int_equal(client_listen(s.path, &request, 10000, hear,
		    &h, why), cases[i].ok);
		server_end(&s);
		assert_string_equal(h.texts, cases[i].heard);
		assert_string_equal(why, cases[i].why);
	}
}

static void
says_what_is_wrong(void **state)
{
	const struct {
		struct bytes answer;
		bool hangs_up;
		int msec;
		const char *why;
	} cases[] = {
	    {BYTES_NONE, true, 10000, "it closed the connection"},
	    {LITERAL("\0\0\0\x08\1\1"), true, 10000,
		"it closed the connection"},
	    {LITERAL("\0\0\0\x08\1\1"), false, 50,
		"it does not answer in time"},
	    {BYTES_NONE, false, 50, "it does not answer in time"},
	    {LITERAL("\0\0\0\0"), false, 10000,
		"its answer is no control message"},
	    {LITERAL("HTTP/1.1 400 Bad Request"), false, 10000,
		"its answer is no control message"},
	    {LITERAL("\0\0\0\x01\2"), false, 10000,
		"its answer cannot be read (a field has a value that it may "
		"not have); is it another version?"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct server s = {
		    .answer = cases[i].answer, .hangs_up = cases[i].hangs_up};
		struct buffer in = BUFFER_INIT(CONTROL_REPLY_MAX_BYTES + 65536);
		struct control_reply reply;
		char why[CLIENT_WHY_BYTES] = "";

		server_start(&s);
		assert_false(client_ask(
		    s.path, &request, cases[i].msec, &in, &reply, why));
		server_end(&s);
		assert_string_equal(why, cases[i].why);
		buffer_clear(&in);
	}
}

static void
says_that_nobody_is_there(void **state)
{
	struct buffer in = BUFFER_INIT(4096);
	char why[CLIENT_WHY_BYTES] = "", longer[300];
	struct control_reply reply;
	struct server s;

	(void)state;
	assert_false(
	    client_ask("/nowhere/sock", &request, 10000, &in, &reply, why));
	assert_string_equal(why, "No such file or directory");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_false(client_ask(longer, &request, 10000, &in, &reply, why));
	assert_string_equal(why, "the path is too long for a socket");
	/* A file that nobody listens on any more. */
	server_listen(&s);
	close(s.listener);
	assert_false(client_ask(s.path, &request, 10000, &in, &reply, why));
	assert_string_equal(why, "Connection refused");
	unlink(s.path);
	buffer_clear(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(asks),
	    cmocka_unit_test(listens),
	    cmocka_unit_test(says_what_is_wrong),
	    cmocka_unit_test(says_that_nobody_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
