/* SPDX-License-Identifier: BSD-2-Clause */
#include "logind/wire.h"

#include "common/cleanup.h"
#include "common/frame.h"
#include "tests/cmocka-all.h"
#include "tests/proto/every-cut.h"

DEFINE_PARSE_FN(parse_message, struct logind_message,
    logind_message_parse(body, &m))

static void
each_comes_back(void **state)
{
	static const struct {
		enum logind_type type;
		const char *text;
	} cases[] = {
	    {LOGIND_WATCHING, ""},
	    {LOGIND_FAULT, "there is no bus"},
	    {LOGIND_SLEEP, ""},
	    {LOGIND_WAKE, ""},
	    {LOGIND_LOCK, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(buffer_cleanup)
		struct buffer b = BUFFER_INIT(WIRE_TEXT_MAX_BYTES);
		const struct logind_message in = {
		    cases[i].type, bytes_str(cases[i].text)};
		struct logind_message out;
		struct bytes body;

		logind_message_put(&b, &in);
		assert_int_equal(
		    frame_peek(&b, WIRE_TEXT_MAX_BYTES, &body), FRAME_READY);
		assert_int_equal(body.len + 4, b.len);
		assert_int_equal(logind_message_parse(body, &out), PARSE_OK);
		assert_int_equal(out.type, in.type);
		assert_true(bytes_equal(out.text, in.text));
		check_every_cut(
		    cases[i].text, parse_message, body, body.len, false);
	}
}

static void
values_out_of_range(void **state)
{
	static const struct {
		const char *name;
		uint8_t type;
		const char *text;
	} cases[] = {
	    {"below the first", LOGIND_WATCHING - 1, ""},
	    {"above the last", LOGIND_LOCK + 1, ""},
	    {"a fault without words", LOGIND_FAULT, ""},
	    {"words that nobody asked for", LOGIND_SLEEP, "now"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(64);

		buffer_put_u8(&b, cases[i].type);
		buffer_put_cstring(&b, cases[i].text);
		if (parse_copy(parse_message, buffer_bytes(&b)) != PARSE_VALUE)
			fail_msg("%s", cases[i].name);
	}
}

static void
too_many_words(void **state)
{
	static const uint8_t words[WIRE_TEXT_MAX_BYTES + 1];
	CLEANUP(buffer_cleanup)
	struct buffer b = BUFFER_INIT(2 * WIRE_TEXT_MAX_BYTES);

	(void)state;
	buffer_put_u8(&b, LOGIND_FAULT);
	buffer_put_string(&b, bytes_of(words, sizeof(words)));
	assert_int_equal(
	    parse_copy(parse_message, buffer_bytes(&b)), PARSE_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_comes_back),
	    cmocka_unit_test(values_out_of_range),
	    cmocka_unit_test(too_many_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
