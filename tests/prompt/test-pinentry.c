/* SPDX-License-Identifier: BSD-2-Clause */
/* The pinentry source with scripts that speak Assuan. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "prompt/source.h"
#include "tests/cmocka-all.h"
#include "tests/prompt/script.h"

enum { LOG_BYTES = 8192 };

/* Writes down each command beside itself; `case` branches answer some. */
#define FAKE(branches)                                                \
	"#!/bin/sh\nenv >\"$0.log\"\necho 'OK Pleased to meet you'\n" \
	"while read -r l; do echo \"$l\" >>\"$0.log\"\ncase \"$l\" "  \
	"in\n" branches "BYE) exit;;\n*) echo OK;;\nesac\ndone\n"

static long until; /* of the next question */

struct asked {
	enum source_result result;
	struct secret *secret;
	bool unattended;
	char why[SOURCE_WHY_BYTES];
	char log[LOG_BYTES];
};

static void
read_log(const struct script *s, char out[static LOG_BYTES])
{
	char path[128];
	FILE *f;

	out[0] = '\0';
	snprintf(path, sizeof(path), "%s.log", s->path);
	if ((f = fopen(path, "r")) == NULL)
		return;
	out[fread(out, 1, LOG_BYTES - 1, f)] = '\0';
	fclose(f);
	unlink(path);
}

static struct asked
ask_at(const char *program, const struct question *q, int peer)
{
	char variable[256];
	char *const own[] = {variable, (char[]){"PATH=/usr/bin:/bin"},
	    (char[]){"DISPLAY=:7"}, (char[]){"GPG_TTY=/dev/pts/99"},
	    (char[]){"LC_ALL=C"}, (char[]){"LD_DEBUG=none"}, NULL};
	struct environment e;
	struct asking a = {.question = q, .environment = &e, .peer = peer,
	    .until = until};
	struct asked asked = {.log = ""};

	snprintf(variable, sizeof(variable), "PINENTRY_PROGRAM=%s", program);
	environment_read(&e, 0, own);
	asked.result = pinentry_ask(&a);
	asked.secret = a.secret;
	asked.unattended = a.unattended;
	memcpy(asked.why, a.why, sizeof(asked.why));
	environment_clear(&e);
	/* Its end is not waited for by the source: it is ours to wait for. */
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return asked;
}

static struct asked
ask_script(const char *content, const struct question *q, bool gone)
{
	struct script s = script_new(content);
	struct asked asked;
	int peer[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, peer), 0);
	if (gone)
		close(peer[1]);
	asked = ask_at(s.path, q, peer[0]);
	read_log(&s, asked.log);
	close(peer[0]);
	if (!gone)
		close(peer[1]);
	script_remove(&s);
	return asked;
}

#define PIN_512 \
	"d=0123456789abcdef; d=$d$d$d$d; d=$d$d$d$d$d$d$d$d; echo \"D $d\";"

static void
takes_what_it_answers(void **state)
{
	const struct {
		const char *name, *script;
		enum question_kind kind;
		enum source_result want;
		const char *secret; /* NULL: not looked at */
		bool unattended;
	} cases[] = {
	    {"a PIN", FAKE("GETPIN) echo D 1234; echo OK;;\n"), QUESTION_PIN,
		SOURCE_OK, "1234", false},
	    {"escapes", FAKE("GETPIN) echo 'D %31%252%0a%x%'; echo OK;;\n"),
		QUESTION_PIN, SOURCE_OK, "1%2\n%x%", false},
	    {"in parts, with a comment",
		FAKE("GETPIN) echo '# wait'; echo D 12; echo D 34; echo OK;;"
		     "\n"),
		QUESTION_PIN, SOURCE_OK, "1234", false},
	    {"an empty PIN", FAKE(""), QUESTION_PIN, SOURCE_OK, "", false},
	    {"from a cache",
		FAKE("GETPIN) echo S PASSWORD_FROM_CACHE; echo D 1; echo OK;;"
		     "\n"),
		QUESTION_PIN, SOURCE_OK, "1", true},
	    {"settings that it does not know",
		FAKE("OPTION*|SET*) echo ERR 83886254 no;;\n"
		     "GETPIN) echo D 1; echo OK;;\n"),
		QUESTION_PIN, SOURCE_OK, "1", false},
	    {"an inquiry",
		FAKE("GETPIN) echo INQUIRE QUALITY 1;;\n"
		     "CAN) echo D 1; echo OK;;\n"),
		QUESTION_PIN, SOURCE_OK, "1", false},
	    {"512 bytes", FAKE("GETPIN) " PIN_512 " echo OK;;\n"), QUESTION_PIN,
		SOURCE_OK, NULL, false},
	    {"513 bytes", FAKE("GETPIN) " PIN_512 " echo D 1; echo OK;;\n"),
		QUESTION_PIN, SOURCE_CANNOT, NULL, false},
	    {"cancelled", FAKE("GETPIN) echo ERR 83886179 canceled;;\n"),
		QUESTION_PIN, SOURCE_CANCEL, NULL, false},
	    {"timed out", FAKE("GETPIN) echo ERR 83886142 Timeout;;\n"),
		QUESTION_PIN, SOURCE_EXPIRED, NULL, false},
	    {"a PIN, then an error",
		FAKE("GETPIN) echo D 12; echo ERR 83886179 canceled;;\n"),
		QUESTION_PIN, SOURCE_CANCEL, NULL, false},
	    {"no terminal", FAKE("GETPIN) echo ERR 83918950 ioctl;;\n"),
		QUESTION_PIN, SOURCE_CANNOT, NULL, false},
	    {"allowed", FAKE(""), QUESTION_CONFIRM, SOURCE_OK, NULL, false},
	    {"denied", FAKE("CONFIRM) echo ERR 83886194 not confirmed;;\n"),
		QUESTION_CONFIRM, SOURCE_CANCEL, NULL, false},
	    {"an end", FAKE("GETPIN) exit;;\n"), QUESTION_PIN, SOURCE_CANNOT,
		NULL, false},
	    {"an end at once", "#!/bin/sh\n", QUESTION_PIN, SOURCE_CANNOT, NULL,
		false},
	    {"no Assuan", "#!/bin/sh\necho hello\n", QUESTION_PIN,
		SOURCE_CANNOT, NULL, false},
	    {"no interpreter", "#!/nowhere\n", QUESTION_PIN, SOURCE_CANNOT,
		NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct question q = {
		    .kind = cases[i].kind, .text = bytes_str("PIN of token")};
		struct asked got = ask_script(cases[i].script, &q, false);

		if (got.result != cases[i].want)
			fail_msg(
			    "%s: %d %s", cases[i].name, got.result, got.why);
		if (cases[i].secret != NULL &&
		    !bytes_is(secret_bytes(got.secret), cases[i].secret))
			fail_msg("%s: the wrong PIN", cases[i].name);
		if (got.unattended != cases[i].unattended)
			fail_msg(
			    "%s: unattended %d", cases[i].name, got.unattended);
		assert_int_equal(got.secret != NULL,
		    got.result == SOURCE_OK && cases[i].kind == QUESTION_PIN);
		assert_int_equal(
		    got.why[0] != '\0', got.result == SOURCE_CANNOT);
		secret_free(got.secret);
	}
}

static void
asks_on_the_persons_display(void **state)
{
	const struct question q = {.kind = QUESTION_PIN,
	    .title = bytes_str("token"),
	    .text = bytes_str("100% PIN\nof t"),
	    .warning = bytes_str("wrong\x1b")};
	const char *const wanted[] = {"\nDISPLAY=:7\n", "\nOPTION display=:7\n",
	    "\nOPTION ttyname=/dev/pts/99\n", "\nOPTION lc-ctype=C\n",
	    "\nSETTITLE p11-agent: token\n", "\nSETDESC 100%25 PIN%0Aof t\n",
	    "\nSETERROR wrong?\n", "\nSETPROMPT PIN:\n", "\nGETPIN\n"};
	const char *const unwanted[] = {
	    "LD_DEBUG", "SETKEYINFO", "allow-external-password-cache", "1234"};
	struct asked got =
	    ask_script(FAKE("GETPIN) echo D 1234; echo OK;;\n"), &q, false);

	(void)state;
	assert_int_equal(got.result, SOURCE_OK);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (strstr(got.log, wanted[i]) == NULL)
			fail_msg("%s is not in %s", wanted[i], got.log);
	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		if (strstr(got.log, unwanted[i]) != NULL)
			fail_msg("%s is in %s", unwanted[i], got.log);
	secret_free(got.secret);
}

/* pinentry-mac may keep a PIN in the Keychain; not when a person must try. */
static void
offers_the_keychain(void **state)
{
	static const char key[] = "\nSETKEYINFO u/p11-agent: token\n";
	static const char option[] =
	    "\nOPTION allow-external-password-cache\n";
	struct question q = {
	    .kind = QUESTION_PIN, .title = bytes_str("token")};

	(void)state;
	for (int persons_only = 0; persons_only <= 1; persons_only++) {
		struct script s = script_new(FAKE("GETPIN) echo OK;;\n"));
		struct script named = s;
		struct asked got;

		snprintf(named.path, sizeof(named.path), "%s/pinentry-mac",
		    s.folder);
		assert_int_equal(rename(s.path, named.path), 0);
		q.persons_only = persons_only;
		got = ask_at(named.path, &q, -1);
		read_log(&named, got.log);
		script_remove(&named);
		assert_int_equal(got.result, SOURCE_OK);
		assert_int_equal(strstr(got.log, key) != NULL, !persons_only);
		assert_int_equal(
		    strstr(got.log, option) != NULL, !persons_only);
		secret_free(got.secret);
	}
}

/* Assuan's lines have 1000 bytes: a longer text is cut between characters. */
static void
cuts_long_texts(void **state)
{
	char text[WIRE_TEXT_MAX_BYTES];
	struct question q = {
	    .kind = QUESTION_PIN, .text = bytes_of(text, sizeof(text))};
	struct asked got;
	const char *desc;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, i % 4 == 0 ? "\xc3\xa4" : "%\n", 2);
	got = ask_script(FAKE(""), &q, false);
	assert_int_equal(got.result, SOURCE_OK);
	assert_non_null(desc = strstr(got.log, "\nSETDESC "));
	desc += strlen("\nSETDESC ");
	len = strcspn(desc, "\n");
	assert_in_range(len, 900, 1000 - strlen("SETDESC "));
	while (len >= 8 && strncmp(desc, "\xc3\xa4%25%0A", 8) == 0) {
		desc += 8;
		len -= 8;
	}
	assert_true(len == 0 || len == 2 || len == 5);
	secret_free(got.secret);
}

/* The daemon's patience, less a reserve; never 0, which is without end. */
static void
tells_how_much_time_there_is(void **state)
{
	const struct question q = {.kind = QUESTION_PIN};
	struct timespec now;
	struct asked got;
	const char *line;
	long sec;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &now);
	for (int i = 0; i < 2; i++) {
		until = (long)now.tv_sec + (i == 0 ? 100 : -5);
		got = ask_script(FAKE(""), &q, false);
		until = 0;
		assert_int_equal(got.result, SOURCE_OK);
		secret_free(got.secret);
		line = strstr(got.log, "\nSETTIMEOUT ");
		assert_non_null(line);
		sec = strtol(line + strlen("\nSETTIMEOUT "), NULL, 10);
		if (i == 0)
			assert_in_range(sec, 90, 98);
		else
			assert_int_equal(sec, 1);
	}
}

static void
ends_when_nobody_waits(void **state)
{
	const struct question q = {.kind = QUESTION_PIN};
	struct asked got = ask_script(FAKE("OPTION*) ;;\n"), &q, true);

	(void)state;
	assert_int_equal(got.result, SOURCE_NOBODY_WAITS);
	assert_null(got.secret);
}

static void
says_what_is_missing(void **state)
{
	const struct question q = {.kind = QUESTION_PIN};
	struct asked got = ask_at("/nowhere/pinentry", &q, -1);

	(void)state;
	assert_int_equal(got.result, SOURCE_CANNOT);
	assert_string_equal(got.why, "there is no program /nowhere/pinentry");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_what_it_answers),
	    cmocka_unit_test(asks_on_the_persons_display),
	    cmocka_unit_test(offers_the_keychain),
	    cmocka_unit_test(cuts_long_texts),
	    cmocka_unit_test(tells_how_much_time_there_is),
	    cmocka_unit_test(ends_when_nobody_waits),
	    cmocka_unit_test(says_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
