/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/message.h"

#include "tests/cmocka-all.h"
#include "tests/proto/every-cut.h"

/* A string literal, with its NULs but without the last one. */
#define LITERAL(s) bytes_of(s, sizeof(s) - 1)

#define SIGN_BODY                                                              \
	"\0\0\0\4blob"                                                         \
	"\0\0\0\6a\0data"                                                      \
	"\0\0\0\2"
#define SMARTCARD_BODY                                                         \
	"\0\0\0\5p.so\xff"                                                     \
	"\0\0\0\4"                                                             \
	"1234"
/* Lifetime of 60 s, confirm. */
#define CONSTRAINTS "\1\0\0\0\x3c\2"
#define EXTENSION_BODY                                                         \
	"\0\0\0\5query"                                                        \
	"rest"

DEFINE_PARSE_FN(parse_sign, struct sign_request, sign_request_parse(body, &m))
DEFINE_PARSE_FN(parse_remove, struct bytes, remove_identity_parse(body, &m))
DEFINE_PARSE_FN(parse_smartcard, struct smartcard_request,
    smartcard_request_parse(body, false, &m))
DEFINE_PARSE_FN(parse_constrained, struct smartcard_request,
    smartcard_request_parse(body, true, &m))
DEFINE_PARSE_FN(parse_extension, struct extension_request,
    extension_request_parse(body, &m))

static void
takes_whole_messages_only(void **state)
{
	const struct {
		const char *name;
		parse_fn parse;
		struct bytes body;
		size_t fixed;
		bool open;
	} cases[] = {
	    {"sign", parse_sign, LITERAL(SIGN_BODY), 22, false},
	    {"sign, all empty", parse_sign,
		LITERAL("\0\0\0\0\0\0\0\0\0\0\0\0"), 12, false},
	    {"remove", parse_remove, LITERAL("\0\0\0\3key"), 7, false},
	    {"remove, empty", parse_remove, LITERAL("\0\0\0\0"), 4, false},
	    {"add 20", parse_smartcard, LITERAL(SMARTCARD_BODY), 17, false},
	    {"add 26", parse_constrained, LITERAL(SMARTCARD_BODY CONSTRAINTS),
		17, true},
	    {"extension", parse_extension, LITERAL(EXTENSION_BODY), 9, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_every_cut(cases[i].name, cases[i].parse, cases[i].body,
		    cases[i].fixed, cases[i].open);
}

static void
refuses_lengths_past_the_end(void **state)
{
	const struct {
		parse_fn parse;
		struct bytes body;
	} cases[] = {
	    {parse_sign, LITERAL("\xff\xff\xff\xff\0\0\0\0\0\0\0\0")},
	    {parse_sign, LITERAL("\0\0\0\0\xff\xff\xff\xfc\0\0\0\0")},
	    {parse_remove, LITERAL("\0\0\0\4key")},
	    {parse_smartcard, LITERAL("\0\0\0\1p\x80\0\0\0")},
	    {parse_constrained, LITERAL("\0\0\0\1p\0\0\0\5pin!")},
	    {parse_extension, LITERAL("\0\0\1\0name")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(parse_copy(cases[i].parse, cases[i].body),
		    PARSE_TRUNCATED);
}

static void
gives_each_field(void **state)
{
	struct sign_request sign;
	struct bytes key_blob;
	struct smartcard_request card;
	struct extension_request extension;

	(void)state;
	assert_int_equal(sign_request_parse(LITERAL(SIGN_BODY), &sign),
	    PARSE_OK);
	assert_true(bytes_is(sign.key_blob, "blob"));
	assert_true(bytes_equal(sign.data, LITERAL("a\0data")));
	assert_int_equal(sign.flags, SSH_AGENT_RSA_SHA2_256);
	assert_int_equal(
	    remove_identity_parse(LITERAL("\0\0\0\3key"), &key_blob), PARSE_OK);
	assert_true(bytes_is(key_blob, "key"));
	assert_int_equal(smartcard_request_parse(
	    LITERAL(SMARTCARD_BODY CONSTRAINTS), true, &card), PARSE_OK);
	assert_true(bytes_is(card.provider, "p.so\xff"));
	assert_true(bytes_is(card.pin, "1234"));
	assert_true(bytes_equal(card.constraints, LITERAL(CONSTRAINTS)));
	assert_int_equal(extension_request_parse(LITERAL(EXTENSION_BODY),
	    &extension), PARSE_OK);
	assert_true(bytes_is(extension.name, "query"));
	assert_true(bytes_is(extension.contents, "rest"));
}

static void
names_the_constraints(void **state)
{
#define DESTINATION "\377\0\0\0\044restrict-destination-v00@openssh.com"
#define CERTIFICATES "\377\0\0\0\040associated-certs-v00@openssh.com"
	const struct {
		const char *name;
		struct bytes raw;
		unsigned flags;
	} cases[] = {
		{"none", {NULL, 0}, 0},
		{"-t", LITERAL("\1\0\0\0\x3c"), CONSTRAINT_LIFETIME},
		{"-c", LITERAL("\2"), CONSTRAINT_CONFIRM},
		{"-c -t", LITERAL("\2\1\0\0\0\x3c"),
		    CONSTRAINT_LIFETIME | CONSTRAINT_CONFIRM},
		{"-h", LITERAL(DESTINATION "\0\0\0\3abc"),
		    CONSTRAINT_DESTINATION},
		{"files", LITERAL(CERTIFICATES "\1\0\0\0\2ab\2"),
		    CONSTRAINT_CERTIFICATES | CONSTRAINT_CONFIRM},
		{"files, cut", LITERAL(CERTIFICATES "\1\0\0\0\2a"),
		    CONSTRAINT_CERTIFICATES | CONSTRAINT_UNKNOWN},
		{"-t, cut", LITERAL("\2\1\0\0\0"), CONSTRAINT_LIFETIME |
		    CONSTRAINT_CONFIRM | CONSTRAINT_UNKNOWN},
		{"type 3", LITERAL("\3\0\0\0\1"), CONSTRAINT_UNKNOWN},
		{"another", LITERAL("\377\0\0\0\1x\2"), CONSTRAINT_UNKNOWN},
		{"nameless", LITERAL("\377\0\0\0"), CONSTRAINT_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (constraints_flags(cases[i].raw) != cases[i].flags)
			fail_msg("%s: %u", cases[i].name,
			    constraints_flags(cases[i].raw));
}

/* 20 has no place for constraints; 26 may come without any. */
static void
knows_whether_there_are_constraints(void **state)
{
	struct smartcard_request m;

	(void)state;
	assert_int_equal(
	    smartcard_request_parse(LITERAL(SMARTCARD_BODY), false, &m),
	    PARSE_OK);
	assert_int_equal(m.constraints.len, 0);
	assert_int_equal(smartcard_request_parse(
	    LITERAL(SMARTCARD_BODY CONSTRAINTS), false, &m), PARSE_TRAILING);
	assert_int_equal(
	    smartcard_request_parse(LITERAL(SMARTCARD_BODY), true, &m),
	    PARSE_OK);
	assert_int_equal(m.constraints.len, 0);
	assert_int_equal(
	    smartcard_request_parse(LITERAL(SMARTCARD_BODY "\2"), true, &m),
	    PARSE_OK);
	assert_int_equal(m.constraints.len, 1);
}

static void
put_no_identities(struct buffer *b)
{
	reply_identities_end(b, reply_identities_begin(b), 0);
}

static void
put_two_identities(struct buffer *b)
{
	struct identities_mark mark = reply_identities_begin(b);

	reply_identity_put(b, bytes_str("blob"), bytes_str("work"));
	reply_identity_put(b, bytes_str("b2"), BYTES_NONE);
	reply_identities_end(b, mark, 2);
}

static void
put_comment_with_nul(struct buffer *b)
{
	struct identities_mark mark = reply_identities_begin(b);

	reply_identity_put(b, bytes_str("b"), LITERAL("ab\0c"));
	reply_identities_end(b, mark, 1);
}

static void
put_signature(struct buffer *b)
{
	reply_put_signature(b, bytes_str("sig"));
}

static void
put_query(struct buffer *b)
{
	static const char *const names[] = {"query", "a@b.example", NULL};

	reply_put_query(b, names);
}

#define FRAME(s) s, sizeof(s) - 1
static const struct reply {
	const char *name;
	void (*put)(struct buffer *b);
	const char *frame;
	size_t frame_len;
} replies[] = {
    {"failure", reply_put_failure, FRAME("\0\0\0\1\5")},
    {"success", reply_put_success, FRAME("\0\0\0\1\6")},
    {"extension failure", reply_put_extension_failure,
	FRAME("\0\0\0\1\x1c")},
    {"no identities", put_no_identities, FRAME("\0\0\0\5\x0c\0\0\0\0")},
    {"two identities", put_two_identities,
	FRAME("\0\0\0\x1f\x0c\0\0\0\2"
		"\0\0\0\4blob\0\0\0\4work"
		"\0\0\0\2b2\0\0\0\0")},
    {"comment with NUL", put_comment_with_nul,
	FRAME("\0\0\0\x10\x0c\0\0\0\1\0\0\0\1b\0\0\0\2ab")},
    {"signature", put_signature, FRAME("\0\0\0\x8\x0e\0\0\0\3sig")},
    {"query", put_query,
	FRAME("\0\0\0\x22\x1d\0\0\0\5query\0\0\0\5query"
		"\0\0\0\x0b"
		"a@b.example")},
};
enum { N_REPLIES = sizeof(replies) / sizeof(replies[0]) };

/* Behind a reply that waits already, as in a client's buffer. */
static void
puts_whole_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_REPLIES; i++) {
		struct buffer b = BUFFER_INIT(1024);
		struct bytes want = bytes_of(replies[i].frame,
		    replies[i].frame_len);

		reply_put_success(&b);
		replies[i].put(&b);
		if (b.len != 5 + want.len ||
		    memcmp(b.p + 5, want.p, want.len) != 0)
			fail_msg("%s", replies[i].name);
		buffer_clear(&b);
	}
}

static void
says_when_a_reply_does_not_fit(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_REPLIES; i++)
		for (size_t max = 0; max < replies[i].frame_len; max++) {
			struct buffer b = BUFFER_INIT(max);

			replies[i].put(&b);
			assert_true(b.failed);
			assert_int_equal(b.len, 0);
		}
}

static void
names_messages(void **state)
{
	(void)state;
	assert_string_equal(agent_message_name(5), "SSH_AGENT_FAILURE");
	assert_string_equal(agent_message_name(11),
	    "SSH_AGENTC_REQUEST_IDENTITIES");
	assert_string_equal(agent_message_name(26),
	    "SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED");
	assert_string_equal(agent_message_name(29),
	    "SSH_AGENT_EXTENSION_RESPONSE");
	assert_string_equal(agent_message_name(0), "unknown");
	assert_string_equal(agent_message_name(24), "unknown");
	assert_string_equal(agent_message_name(255), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_whole_messages_only),
		cmocka_unit_test(refuses_lengths_past_the_end),
		cmocka_unit_test(gives_each_field),
		cmocka_unit_test(names_the_constraints),
		cmocka_unit_test(knows_whether_there_are_constraints),
		cmocka_unit_test(puts_whole_frames),
		cmocka_unit_test(says_when_a_reply_does_not_fit),
		cmocka_unit_test(names_messages),
	};

	return cmocka_run_group_tests_name("proto/message", tests, NULL, NULL);
}
