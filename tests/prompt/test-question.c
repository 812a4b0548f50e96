/* SPDX-License-Identifier: BSD-2-Clause */
#include "prompt/question.h"

#include "common/frame.h"
#include "tests/cmocka-all.h"
#include "tests/proto/every-cut.h"

#define LITERAL(s)    bytes_of(s, sizeof(s) - 1)
#define QUESTION_BODY "\1\0\0\0\1t\0\0\0\4text\0\0\0\0\0\0\1\2\0\0\0\7askpass\1"
#define ANSWER_BODY   "\0\0\0\0\0041234\0\0\0\0\1"

DEFINE_PARSE_FN(parse_question, struct question, question_parse(body, &m))
DEFINE_PARSE_FN(parse_answer, struct answer, answer_parse(body, &m))

static void
takes_whole_messages_only(void **state)
{
	struct bytes question = LITERAL(QUESTION_BODY);
	struct bytes answer = LITERAL(ANSWER_BODY);

	(void)state;
	check_every_cut(
	    "question", parse_question, question, question.len, false);
	check_every_cut("answer", parse_answer, answer, answer.len, false);
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
	    {"kind 0", parse_question, LITERAL("\0"), PARSE_VALUE},
	    {"kind 4", parse_question, LITERAL("\4"), PARSE_VALUE},
	    {"a title over the limit", parse_question, LITERAL("\1\0\0\x10\1x"),
		PARSE_LIMIT},
	    {"status 3", parse_answer, LITERAL("\3"), PARSE_VALUE},
	    {"a PIN over the limit", parse_answer, LITERAL("\0\0\0\2\1x"),
		PARSE_LIMIT},
	    {"a text over the limit", parse_answer,
		LITERAL("\2\0\0\0\0\0\0\x10\1x"), PARSE_LIMIT},
	    {"a bool of 2", parse_answer, LITERAL("\0\0\0\0\0\0\0\0\0\2"),
		PARSE_VALUE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum parse_err got = parse_copy(cases[i].parse, cases[i].body);

		if (got != cases[i].want)
			fail_msg("%s: %s", cases[i].name, parse_err_text(got));
	}
}

static struct bytes
only_frame(const struct buffer *b)
{
	struct bytes body;

	assert_int_equal(frame_peek(b, b->max, &body), FRAME_READY);
	assert_int_equal(body.len + 4, b->len);
	return body;
}

static void
question_bytes(void **state)
{
	const struct question q = {
	    .kind = QUESTION_PIN,
	    .title = LITERAL("t"),
	    .text = LITERAL("text"),
	    .client_pid = 258,
	    .sources = LITERAL("askpass"),
	    .persons_only = true,
	};
	struct buffer b = BUFFER_INIT(4096);
	struct question got;
	struct bytes body;

	(void)state;
	question_put(&b, &q);
	body = only_frame(&b);
	assert_true(bytes_equal(body, LITERAL(QUESTION_BODY)));
	assert_int_equal(question_parse(body, &got), PARSE_OK);
	assert_int_equal(got.kind, QUESTION_PIN);
	assert_int_equal(got.client_pid, 258);
	assert_true(bytes_is(got.title, "t"));
	assert_true(bytes_is(got.text, "text"));
	assert_true(bytes_is(got.warning, ""));
	assert_true(bytes_is(got.sources, "askpass"));
	assert_true(got.persons_only);
	buffer_clear(&b);
}

static void
answer_bytes(void **state)
{
	const struct answer a = {
	    .status = ANSWER_OK,
	    .secret = LITERAL("1234"),
	    .unattended = true,
	};
	struct buffer b = BUFFER_INIT(4096);
	struct answer got;
	struct bytes body;

	(void)state;
	answer_put(&b, &a);
	body = only_frame(&b);
	assert_true(bytes_equal(body, LITERAL(ANSWER_BODY)));
	assert_int_equal(answer_parse(body, &got), PARSE_OK);
	assert_int_equal(got.status, ANSWER_OK);
	assert_true(bytes_is(got.secret, "1234"));
	assert_true(bytes_is(got.text, ""));
	assert_true(got.unattended);
	buffer_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_whole_messages_only),
	    cmocka_unit_test(refuses),
	    cmocka_unit_test(question_bytes),
	    cmocka_unit_test(answer_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
