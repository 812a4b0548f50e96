/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/control.h"

#include "common/frame.h"
#include "tests/cmocka-all.h"
#include "tests/proto/every-cut.h"

#define LITERAL(s) bytes_of(s, sizeof(s) - 1)
#define REQUEST_BODY "\1\0\0\0\3\0\0\0\4keys\0\0\0\0\0\0\0\6--json"
#define REPLY_BODY "\1\1\0\0\0\2no"

DEFINE_PARSE_FN(parse_request, struct control_request,
    control_request_parse(body, &m))
DEFINE_PARSE_FN(parse_reply, struct control_reply,
    control_reply_parse(body, &m))

static void
takes_whole_messages_only(void **state)
{
	(void)state;
	check_every_cut("request", parse_request, LITERAL(REQUEST_BODY), 27,
	    false);
	check_every_cut("reply", parse_reply, LITERAL(REPLY_BODY), 8, false);
}

static void
refuses(void **state)
{
	const struct {
		const char *name;
		parse_fn parse;
		struct bytes body;
		enum parse_err want;
	} cases[] = {
	    {"request of version 0", parse_request, LITERAL("\0\0\0\0\1\0\0\0\1x"),
		PARSE_VALUE},
	    {"request of version 2", parse_request, LITERAL("\2new format"),
		PARSE_VALUE},
	    {"no word", parse_request, LITERAL("\1\0\0\0\0"), PARSE_VALUE},
	    {"17 words", parse_request,
		LITERAL("\1\0\0\0\x11\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			"\0\0\0\0"),
		PARSE_LIMIT},
	    {"2^32 - 1 words", parse_request, LITERAL("\1\xff\xff\xff\xff"),
		PARSE_LIMIT},
	    {"a word past the end", parse_request,
		LITERAL("\1\0\0\0\1\xff\xff\xff\xff"), PARSE_TRUNCATED},
	    {"reply of version 2", parse_reply, LITERAL("\2"), PARSE_VALUE},
	    {"status 3", parse_reply, LITERAL("\1\3\0\0\0\0"), PARSE_VALUE},
	    {"text past the end", parse_reply, LITERAL("\1\0\0\0\0\3no"),
		PARSE_TRUNCATED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum parse_err got = parse_copy(cases[i].parse, cases[i].body);

		if (got != cases[i].want)
			fail_msg("%s: %s", cases[i].name, parse_err_text(got));
	}
}

/* As it stands on the socket: other versions must read the first bytes. */
static void
request_bytes(void **state)
{
	const struct control_request m = {
	    .n_words = 3,
	    .words = {LITERAL("keys"), BYTES_NONE, LITERAL("--json")},
	};
	struct buffer b = BUFFER_INIT(CONTROL_REQUEST_MAX_BYTES);
	struct control_request got;
	struct bytes body;

	(void)state;
	control_request_put(&b, &m);
	assert_int_equal(frame_peek(&b, CONTROL_REQUEST_MAX_BYTES, &body),
	    FRAME_READY);
	assert_true(bytes_equal(body, LITERAL(REQUEST_BODY)));
	assert_int_equal(control_request_parse(body, &got), PARSE_OK);
	assert_int_equal(got.n_words, 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(bytes_equal(got.words[i], m.words[i]));
	buffer_clear(&b);
}

static void
most_words(void **state)
{
	struct control_request m = {.n_words = CONTROL_ARGS_MAX};
	struct buffer b = BUFFER_INIT(CONTROL_REQUEST_MAX_BYTES);
	struct control_request got;

	(void)state;
	for (size_t i = 0; i < CONTROL_ARGS_MAX; i++)
		m.words[i] = bytes_str(i % 2 == 0 ? "even" : "odd");
	control_request_put(&b, &m);
	assert_int_equal(
	    control_request_parse(bytes_of(b.p + 4, b.len - 4), &got),
	    PARSE_OK);
	assert_int_equal(got.n_words, CONTROL_ARGS_MAX);
	assert_true(bytes_is(got.words[CONTROL_ARGS_MAX - 1], "odd"));
	buffer_clear(&b);
}

static void
replies_of_each_status(void **state)
{
	(void)state;
	for (int status = CONTROL_OK; status <= CONTROL_USAGE; status++) {
		const struct control_reply m = {
		    .status = (enum control_status)status,
		    .text = bytes_str("{}"),
		};
		struct buffer b = BUFFER_INIT(64);
		struct control_reply got;
		struct bytes body;

		control_reply_put(&b, &m);
		assert_int_equal(frame_peek(&b, 64, &body), FRAME_READY);
		assert_int_equal(body.p[1], status);
		assert_int_equal(control_reply_parse(body, &got), PARSE_OK);
		assert_int_equal(got.status, status);
		assert_true(bytes_is(got.text, "{}"));
		buffer_clear(&b);
	}
}

static void
says_when_it_does_not_fit(void **state)
{
	const struct control_request request = {
	    .n_words = 1, .words = {LITERAL("status")}};
	const struct control_reply reply = {.text = LITERAL("{}")};
	struct buffer b = BUFFER_INIT(18);

	(void)state;
	control_request_put(&b, &request);
	assert_true(b.failed);
	b = BUFFER_INIT(11);
	control_reply_put(&b, &reply);
	assert_true(b.failed);
	b = BUFFER_INIT(12);
	control_reply_put(&b, &reply);
	assert_false(b.failed);
	buffer_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_whole_messages_only),
		cmocka_unit_test(refuses),
		cmocka_unit_test(request_bytes),
		cmocka_unit_test(most_words),
		cmocka_unit_test(replies_of_each_status),
		cmocka_unit_test(says_when_it_does_not_fit),
	};

	return cmocka_run_group_tests_name("proto/control", tests, NULL, NULL);
}
