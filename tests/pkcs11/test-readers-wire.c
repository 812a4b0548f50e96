/* SPDX-License-Identifier: BSD-2-Clause */
#include "pkcs11/readers-wire.h"

#include "common/frame.h"
#include "tests/cmocka-all.h"
#include "tests/proto/every-cut.h"

#define LITERAL(s) bytes_of(s, sizeof(s) - 1)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

DEFINE_PARSE_FN(parse_state, struct readers_state,
    readers_state_parse(body, &m))

static const struct card_reader yubikey = {
	.name = {(const uint8_t *)"Yubico YubiKey CCID 00 00", 25},
	.card_present = true,
	.exclusive = true,
	.events = 65535,
};

static const struct card_reader empty = {
	.name = {(const uint8_t *)"Reader 01 00", 12},
	.in_use = true,
	.mute = true,
	.events = 1,
};

/* The body of the one frame in b. */
static struct bytes
body_of(const struct buffer *b)
{
	struct bytes frame;

	assert_false(b->failed);
	assert_int_equal(
	    frame_peek(b, READERS_MSG_MAX_BYTES, &frame), FRAME_READY);
	assert_int_equal(frame.len + 4, b->len);
	assert_int_equal(frame.p[0], READERS_STATE);
	return bytes_of(frame.p + 1, frame.len - 1);
}

static void
assert_reader(const struct card_reader *got, const struct card_reader *want)
{
	assert_true(bytes_equal(got->name, want->name));
	assert_int_equal(got->card_present, want->card_present);
	assert_int_equal(got->exclusive, want->exclusive);
	assert_int_equal(got->in_use, want->in_use);
	assert_int_equal(got->mute, want->mute);
	assert_int_equal(got->events, want->events);
}

static void
state(void **unused)
{
	const struct readers_state m = {
		.service = READERS_OK,
		.text = LITERAL("words"),
		.n_readers = 2,
		.readers = {yubikey, empty},
	};
	struct buffer b = BUFFER_INIT(READERS_MSG_MAX_BYTES);
	struct readers_state got;
	struct bytes body;

	(void)unused;
	readers_state_put(&b, &m);
	body = body_of(&b);
	check_every_cut("state", parse_state, body, body.len, false);
	assert_int_equal(readers_state_parse(body, &got), PARSE_OK);
	assert_int_equal(got.service, READERS_OK);
	assert_true(bytes_is(got.text, "words"));
	assert_int_equal(got.n_readers, 2);
	assert_reader(&got.readers[0], &yubikey);
	assert_reader(&got.readers[1], &empty);
	assert_reader(readers_find(&got, empty.name), &empty);
	assert_null(readers_find(&got, LITERAL("Reader 01")));
	buffer_clear(&b);
}

/* Every limit at once fits into a message; without PC/SC it is short. */
static void
largest_and_least(void **unused)
{
	static uint8_t text[WIRE_TEXT_MAX_BYTES];
	static uint8_t names[WIRE_READERS_MAX][READER_NAME_MAX_BYTES];
	struct readers_state m = {.text = bytes_of(text, sizeof(text))};
	struct buffer b = BUFFER_INIT(READERS_MSG_MAX_BYTES);
	struct readers_state got;

	(void)unused;
	m.n_readers = WIRE_READERS_MAX;
	for (size_t i = 0; i < WIRE_READERS_MAX; i++) {
		memset(names[i], 'a' + (int)i, sizeof(names[i]));
		m.readers[i].name = bytes_of(names[i], sizeof(names[i]));
	}
	readers_state_put(&b, &m);
	assert_int_equal(parse_copy(parse_state, body_of(&b)), PARSE_OK);
	buffer_clear(&b);

	m = (struct readers_state){.service = READERS_UNSUPPORTED};
	readers_state_put(&b, &m);
	assert_int_equal(readers_state_parse(body_of(&b), &got), PARSE_OK);
	assert_int_equal(got.service, READERS_UNSUPPORTED);
	assert_int_equal(got.n_readers, 0);
	buffer_clear(&b);
}

static void
refused(void **unused)
{
	static uint8_t longest[WIRE_TEXT_MAX_BYTES + 1];
	const struct {
		const char *name;
		struct readers_state m;
		enum parse_err want;
	} cases[] = {
		{"no such service", {.service = (enum readers_service)4},
		    PARSE_VALUE},
		{"readers without a service", {.service = READERS_NO_SERVICE,
		    .n_readers = 1, .readers = {yubikey}}, PARSE_VALUE},
		{"long text", {.text = bytes_of(longest, sizeof(longest))},
		    PARSE_LIMIT},
		{"no name", {.n_readers = 1}, PARSE_VALUE},
		{"long name", {.n_readers = 1, .readers = {{.name =
		    bytes_of(longest, READER_NAME_MAX_BYTES + 1)}}},
		    PARSE_LIMIT},
		{"one name twice", {.n_readers = 3,
		    .readers = {yubikey, empty, yubikey}}, PARSE_VALUE},
		{"more than 16 bits of events", {.n_readers = 1, .readers = {
		    {.name = LITERAL("x"), .events = 65536}}}, PARSE_VALUE},
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buffer b = BUFFER_INIT(READERS_MSG_MAX_BYTES);
		enum parse_err got;

		readers_state_put(&b, &cases[i].m);
		got = parse_copy(parse_state, body_of(&b));
		if (got != cases[i].want)
			fail_msg("%s: %s", cases[i].name, parse_err_text(got));
		buffer_clear(&b);
	}
}

/* What readers_state_put cannot make. */
static void
refused_bytes(void **unused)
{
	const struct {
		const char *name;
		struct bytes body;
		enum parse_err want;
	} cases[] = {
		{"more readers than the limit",
		    LITERAL("\0" "\0\0\0\0" "\0\0\0\x41"), PARSE_LIMIT},
		{"a flag of 2", LITERAL("\0" "\0\0\0\0" "\0\0\0\1"
		    "\0\0\0\1x" "\2\0\0\0" "\0\0\0\0"), PARSE_VALUE},
		{"a flag of 1", LITERAL("\0" "\0\0\0\0" "\0\0\0\1"
		    "\0\0\0\1x" "\1\0\0\0" "\0\0\0\0"), PARSE_OK},
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		enum parse_err got = parse_copy(parse_state, cases[i].body);

		if (got != cases[i].want)
			fail_msg("%s: %s", cases[i].name, parse_err_text(got));
	}
}

static void
name_is_slot(void **unused)
{
#define TEN "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN
	const struct {
		const char *name;
		const char *slot;
		bool want;
	} cases[] = {
		{"Reader 00 00", "Reader 00 00", true},
		{"Reader 00 00", "Reader 01 00", false},
		{"Reader 00 00", "Reader 00 0", false},
		{SIXTY "abcd", SIXTY "abcd", true},
		{SIXTY "abcd 00 00", SIXTY "abcd", true},
		{SIXTY "abc 00 00", SIXTY "abc", true}, /* the blank is padding */
		{SIXTY "abcd", SIXTY "abc", false},
		{SIXTY "abcd 00 00", SIXTY "abce", false},
		{"", "", false},
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (readers_name_is_slot(bytes_str(cases[i].name),
			bytes_str(cases[i].slot)) != cases[i].want)
			fail_msg("'%s' and '%s'", cases[i].name, cases[i].slot);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(state),
		cmocka_unit_test(largest_and_least),
		cmocka_unit_test(refused),
		cmocka_unit_test(refused_bytes),
		cmocka_unit_test(name_is_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
