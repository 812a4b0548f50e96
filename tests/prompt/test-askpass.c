/* SPDX-License-Identifier: BSD-2-Clause */
/* The askpass source with real scripts, and the list of sources. */
#include <sys/socket.h>

#include "prompt/source.h"
#include "tests/cmocka-all.h"
#include "tests/prompt/script.h"

struct asked {
	enum source_result result;
	struct secret *secret;
	char why[SOURCE_WHY_BYTES];
};

/* Ask with a script as SSH_ASKPASS, or with the value itself. */
static struct asked
ask_with(const char *askpass, const struct question *q)
{
	char variable[1024];
	char *const own[] = {variable, (char[]){"PATH=/usr/bin:/bin"}, NULL};
	struct environment e;
	struct asking a = {.question = q, .environment = &e};
	struct asked asked;
	int peer[2];

	snprintf(variable, sizeof(variable), "SSH_ASKPASS=%s", askpass);
	environment_read(&e, 0, own);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, peer), 0);
	a.peer = peer[0];
	asked.result = askpass_ask(&a);
	asked.secret = a.secret;
	memcpy(asked.why, a.why, sizeof(asked.why));
	close(peer[0]);
	close(peer[1]);
	environment_clear(&e);
	return asked;
}

static struct asked
ask_script(const char *content, const struct question *q)
{
	struct script s = script_new(content);
	struct asked asked = ask_with(s.path, q);

	script_remove(&s);
	return asked;
}

static void
takes_what_is_printed(void **state)
{
	const struct {
		const char *name, *script;
		enum question_kind kind;
		enum source_result want;
		const char *secret; /* NULL: none */
	} cases[] = {
	    {"a PIN", "echo 123456", QUESTION_PIN, SOURCE_OK, "123456"},
	    {"no newline", "printf 1234", QUESTION_PIN, SOURCE_OK, "1234"},
	    {"a carriage return", "printf '12 34\\r\\n'", QUESTION_PIN,
		SOURCE_OK, "12 34"},
	    {"a second line", "printf '1234\\n56\\n'", QUESTION_PIN, SOURCE_OK,
		"1234"},
	    {"an empty PIN", "echo", QUESTION_PIN, SOURCE_OK, ""},
	    {"nothing", ":", QUESTION_PIN, SOURCE_OK, ""},
	    {"cancelled", "echo 123456; exit 1", QUESTION_PIN, SOURCE_CANCEL,
		NULL},
	    {"512 bytes", "printf '%0512d\\n' 0", QUESTION_PIN, SOURCE_OK,
		NULL},
	    {"513 bytes", "printf '%0513d\\n' 0", QUESTION_PIN, SOURCE_CANNOT,
		NULL},
	    {"far too much", "printf '%09999d\\n' 0", QUESTION_PIN,
		SOURCE_CANNOT, NULL},
	    {"crashed", "kill -11 $$", QUESTION_PIN, SOURCE_CANNOT, NULL},
	    {"confirmed", "test \"$SSH_ASKPASS_PROMPT\" = confirm",
		QUESTION_CONFIRM, SOURCE_OK, NULL},
	    {"confirmed in a word", "echo Yes", QUESTION_CONFIRM, SOURCE_OK,
		NULL},
	    {"denied", "exit 1", QUESTION_CONFIRM, SOURCE_CANCEL, NULL},
	    {"denied in a word", "echo no", QUESTION_CONFIRM, SOURCE_CANCEL,
		NULL},
	    {"a PIN is no confirmation", "test -z \"${SSH_ASKPASS_PROMPT+x}\"",
		QUESTION_PIN, SOURCE_OK, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct question q = {.kind = cases[i].kind};
		char content[256];
		struct asked got;

		snprintf(content, sizeof(content), "#!/bin/sh\n%s\n",
		    cases[i].script);
		got = ask_script(content, &q);
		if (got.result != cases[i].want)
			fail_msg(
			    "%s: %d %s", cases[i].name, got.result, got.why);
		if (cases[i].secret != NULL &&
		    !bytes_is(secret_bytes(got.secret), cases[i].secret))
			fail_msg("%s: the wrong PIN", cases[i].name);
		assert_int_equal(got.secret != NULL,
		    got.result == SOURCE_OK && cases[i].kind == QUESTION_PIN);
		secret_free(got.secret);
	}
}

static void
shows_the_question(void **state)
{
	const struct question q = {
	    .kind = QUESTION_PIN,
	    .text = bytes_str("PIN of \"t\xc3\xb6k\"\nfor \033[2Jssh"),
	    .warning = bytes_str("The last PIN was wrong."),
	};
	struct asked got = ask_script("#!/bin/sh\nprintf '%s' \"$1\" | "
				      "tr '\\n' '|'\n",
	    &q);

	(void)state;
	assert_int_equal(got.result, SOURCE_OK);
	assert_true(bytes_is(secret_bytes(got.secret),
	    "The last PIN was wrong.|PIN of \"t\xc3\xb6k\"|for ?[2Jssh"));
	secret_free(got.secret);
}

static void
says_what_is_missing(void **state)
{
	const struct {
		const char *askpass, *want;
	} cases[] = {
	    {"", "SSH_ASKPASS is not set for p11-agent, and there is no "
		 "display (DISPLAY, WAYLAND_DISPLAY)"},
	    {"./ask", "SSH_ASKPASS is \"./ask\", which is no program (an "
		      "absolute path or a name on PATH)"},
	    {"/a\nb", "SSH_ASKPASS is \"/a?b\", which is no program (an "
		      "absolute path or a name on PATH)"},
	};
	const struct question q = {.kind = QUESTION_PIN};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked got = ask_with(cases[i].askpass, &q);

		assert_int_equal(got.result, SOURCE_CANNOT);
		assert_string_equal(got.why, cases[i].want);
	}
}

static void
tries_sources_in_order(void **state)
{
	const struct {
		const char *sources, *why;
	} cases[] = {
	    {"", "no PIN source is configured"},
	    {"a\x1b", "there is no PIN source \"a?\""},
	    {"askpass", "SSH_ASKPASS is not set for p11-agent, and there is no "
			"display (DISPLAY, WAYLAND_DISPLAY)"},
	    {"one\naskpasses\n",
		"there is no PIN source \"one\"; there is no PIN source "
		"\"askpasses\""},
	    {"\naskpass",
		"there is no PIN source \"\"; SSH_ASKPASS is not set for "
		"p11-agent, and there is no display (DISPLAY, "
		"WAYLAND_DISPLAY)"},
	};
	char *const own[] = {NULL};
	struct environment e;

	(void)state;
	environment_read(&e, 0, own);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct question q = {.kind = QUESTION_PIN,
		    .sources = bytes_str(cases[i].sources)};
		struct asking a = {.question = &q, .environment = &e};
		struct buffer why = BUFFER_INIT(WIRE_TEXT_MAX_BYTES);

		assert_int_equal(sources_ask(&a, &why), SOURCE_CANNOT);
		if (!bytes_is(buffer_bytes(&why), cases[i].why))
			fail_msg(
			    "%s: %.*s", cases[i].sources, (int)why.len, why.p);
		buffer_clear(&why);
	}
}

/* A long list must not fail the answer: what does not fit is left out. */
static void
keeps_why_short(void **state)
{
	const struct question q = {
	    .sources = bytes_str("a\nb\nc\nd\ne\nf\ng\nh")};
	struct asking a = {.question = &q};
	struct buffer why = BUFFER_INIT(64);

	(void)state;
	assert_int_equal(sources_ask(&a, &why), SOURCE_CANNOT);
	assert_false(why.failed);
	assert_true(bytes_is(buffer_bytes(&why),
	    "there is no PIN source \"a\"; there is no PIN source \"b\""));
	buffer_clear(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_what_is_printed),
	    cmocka_unit_test(shows_the_question),
	    cmocka_unit_test(says_what_is_missing),
	    cmocka_unit_test(tries_sources_in_order),
	    cmocka_unit_test(keeps_why_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
