/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/config-child.h"

#include "agent/config-flat.h"
#include "common/cleanup.h"
#include "common/frame.h"
#include "tests/cmocka-all.h"

/* From a block of just that size; *ret must stay as it is after an error. */
static enum parse_err
parse_reply(struct bytes body)
{
	struct config_reply reply = {.content = bytes_str("as it was")};
	enum parse_err err;
	uint8_t *copy;
	size_t len;

	assert_true(bytes_dup(body, &copy, &len));
	err = config_reply_parse(bytes_of(copy, len), &reply);
	free(copy);
	if (err != PARSE_OK)
		assert_true(bytes_is(reply.content, "as it was"));
	return err;
}

static enum parse_err
parse_path(struct bytes content)
{
	char *path = NULL;
	enum parse_err err = config_reply_path(content, &path);

	if (err != PARSE_OK)
		assert_null(path);
	free(path);
	return err;
}

static void
bodies(void **state)
{
	static const struct {
		const char *name, *body;
		size_t len;
		enum parse_err want;
	} cases[] = {
	    {"nothing", "", 0, PARSE_TRUNCATED},
	    {"a config", "\0x", 2, PARSE_OK},
	    {"an error", "\1x", 2, PARSE_OK},
	    {"no content", "\0", 1, PARSE_VALUE},
	    {"no error", "\1", 1, PARSE_VALUE},
	    {"another status", "\2x", 2, PARSE_VALUE},
	    {"a newline in an error", "\1a\nb", 4, PARSE_VALUE},
	    {"a NUL in an error", "\1a\0b", 4, PARSE_VALUE},
	    {"an error that is no UTF-8", "\1\xff", 2, PARSE_VALUE},
	    {"any byte in a config", "\0\0\xff\n", 4, PARSE_OK},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes body = bytes_of(cases[i].body, cases[i].len);
		enum parse_err got = parse_reply(body);

		if (got != cases[i].want)
			fail_msg("%s: %s", cases[i].name, parse_err_text(got));
	}
}

static void
long_error_is_refused(void **state)
{
	char body[CONFIG_ERROR_MAX_BYTES + 1];

	(void)state;
	memset(body, 'x', sizeof(body));
	body[0] = CONFIG_REPLY_ERROR;
	assert_int_equal(
	    parse_reply(bytes_of(body, sizeof(body) - 1)), PARSE_OK);
	assert_int_equal(
	    parse_reply(bytes_of(body, sizeof(body))), PARSE_VALUE);
}

/* The frame in b, taken apart. */
static struct config_reply
reply_in(const struct buffer *b)
{
	struct config_reply reply;
	struct bytes body;

	assert_int_equal(
	    frame_peek(b, CONFIG_REPLY_MAX_BYTES, &body), FRAME_READY);
	assert_int_equal(config_reply_parse(body, &reply), PARSE_OK);
	assert_int_equal(b->len, body.len + 4);
	return reply;
}

static void
what_is_put_comes_back(void **state)
{
	CLEANUP(buffer_cleanup) struct buffer config = BUFFER_INIT(1 << 16);
	CLEANUP(buffer_cleanup) struct buffer path = BUFFER_INIT(1 << 16);
	CLEANUP(buffer_cleanup) struct buffer error = BUFFER_INIT(1 << 16);
	CLEANUP(config_freep) struct config *in = config_new();
	CLEANUP(config_freep) struct config *out = NULL;
	CLEANUP(cleanup_free) char *real = NULL;
	struct config_reply reply;

	(void)state;
	config_reply_put_config(&config, in);
	reply = reply_in(&config);
	assert_int_equal(reply.status, CONFIG_REPLY_OK);
	assert_int_equal(config_parse(reply.content, &out), PARSE_OK);

	config_reply_put_path(&path, "/usr/lib/x.so");
	reply = reply_in(&path);
	assert_int_equal(reply.status, CONFIG_REPLY_OK);
	assert_int_equal(config_reply_path(reply.content, &real), PARSE_OK);
	assert_string_equal(real, "/usr/lib/x.so");

	config_reply_put_error(&error, "a.conf:1: \033[31mred\n");
	reply = reply_in(&error);
	assert_int_equal(reply.status, CONFIG_REPLY_ERROR);
	assert_true(bytes_is(reply.content, "a.conf:1: ?[31mred?"));
}

static void
paths(void **state)
{
	char path[PATH_MAX_BYTES];

	(void)state;
	assert_int_equal(parse_path(bytes_str("")), PARSE_VALUE);
	assert_int_equal(parse_path(bytes_str("x.so")), PARSE_VALUE);
	assert_int_equal(parse_path(bytes_of("/a\0b", 4)), PARSE_VALUE);
	memset(path, '/', sizeof(path));
	assert_int_equal(parse_path(bytes_of(path, sizeof(path))), PARSE_VALUE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bodies),
	    cmocka_unit_test(long_error_is_refused),
	    cmocka_unit_test(what_is_put_comes_back),
	    cmocka_unit_test(paths),
	};

	return cmocka_run_group_tests_name(
	    "agent/config-child", tests, NULL, NULL);
}
