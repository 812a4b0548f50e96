/* SPDX-License-Identifier: BSD-2-Clause */
/* The sources without a person, with real files and commands; and the list. */
#include <fcntl.h>
#include <sys/socket.h>
#include <termios.h>

#include "prompt/source.h"
#include "tests/cmocka-all.h"
#include "tests/prompt/script.h"

struct asked {
	enum source_result result;
	struct secret *secret;
	bool unattended;
	char why[WIRE_TEXT_MAX_BYTES];
};

/* Ask as p11-agent-prompt does, with these variables of its own. */
static struct asked
ask(const char *sources, enum question_kind kind, bool persons_only,
    char *const *own)
{
	const struct question q = {
	    .kind = kind,
	    .sources = bytes_str(sources),
	    .persons_only = persons_only,
	};
	struct buffer why = BUFFER_INIT(WIRE_TEXT_MAX_BYTES - 1);
	struct environment e;
	struct asking a = {.question = &q, .environment = &e};
	struct asked asked = {0};
	int peer[2];

	environment_read(&e, 0, own);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, peer), 0);
	a.peer = peer[0];
	asked.result = sources_ask(&a, &why);
	asked.secret = a.secret;
	asked.unattended = a.unattended;
	if (why.len > 0)
		memcpy(asked.why, why.p, why.len);
	buffer_clear(&why);
	close(peer[0]);
	close(peer[1]);
	environment_clear(&e);
	return asked;
}

struct wanted {
	const char *name, *sources;
	const char *pin; /* NULL: SOURCE_CANNOT, and why is */
	const char *why;
};

static void
check(const struct wanted *want, struct asked got)
{
	enum source_result result =
	    want->pin != NULL ? SOURCE_OK : SOURCE_CANNOT;

	if (got.result != result)
		fail_msg("%s: %d, %s", want->name, got.result, got.why);
	if (want->pin != NULL &&
	    (!bytes_is(secret_bytes(got.secret), want->pin) || !got.unattended))
		fail_msg("%s: the wrong PIN", want->name);
	if (want->pin == NULL &&
	    (got.secret != NULL || strcmp(got.why, want->why) != 0))
		fail_msg("%s: %s", want->name, got.why);
	secret_free(got.secret);
}

static void
takes_the_first_line_of_a_command(void **state)
{
	char *const own[] = {
	    (char[]){"PATH=/usr/bin:/bin"}, (char[]){"VAULT=4,5"}, NULL};
	const struct wanted cases[] = {
	    {"a PIN", "command:echo 1234", "1234", NULL},
	    {"notes behind it", "command:printf '12 34\\nuser: me\\n'", "12 34",
		NULL},
	    {"our environment, and a comma", "command:echo \"$VAULT\"", "4,5",
		NULL},
	    {"nothing to read", "command:read -r x; echo \"<$x>\"", "<>", NULL},
	    {"a failure", "command:echo 1234; exit 3", NULL,
		"the PIN command ended with status 3"},
	    {"then the next", "command:false\ncommand:echo 77", "77", NULL},
	    {"killed", "command:echo 1234; kill -9 $$", NULL,
		"the PIN command was ended by signal 9"},
	    {"nothing", "command::", NULL, "the PIN command printed no PIN"},
	    {"an empty line", "command:echo; echo 1234", NULL,
		"the PIN command printed no PIN"},
	    {"no command", "command:", NULL, "the PIN command is empty"},
	    {"no colon", "command", NULL, "there is no PIN source \"command\""},
	    {"513 bytes", "command:printf %0513d 0", NULL,
		"the PIN is longer than 512 bytes"},
	    {"endless", "command:yes", NULL,
		"the PIN command printed more than 16384 bytes"},
	    {"no such program", "command:exec 2>&-; no-such-program", NULL,
		"the PIN command ended with status 127"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(
		    &cases[i], ask(cases[i].sources, QUESTION_PIN, false, own));
}

/* A file "ask" of script_new's is the credential; what it holds is above. */
static void
takes_a_credential(void **state)
{
	static char pin_512[513], pin_513[514];
	const struct {
		const char *file;
		struct wanted want; /* %s in why: the folder */
	} cases[] = {
	    {"1234\n", {"a PIN", "credential:ask", "1234", NULL}},
	    {"12 34", {"no newline", "credential:ask", "12 34", NULL}},
	    {"1234\r\n", {"DOS", "credential:ask", "1234", NULL}},
	    {pin_512, {"512 bytes", "credential:ask", pin_512, NULL}},
	    {pin_513, {"513 bytes", "credential:ask", NULL,
			  "the PIN is longer than 512 bytes"}},
	    {"\n", {"empty", "credential:ask", NULL, "%s/ask is empty"}},
	    {"12\n34\n", {"two lines", "credential:ask", NULL,
			     "%s/ask has more than one line"}},
	    {"1", {"not there", "credential:no", NULL,
		      "%s/no: No such file or directory"}},
	    {"1", {"a path", "credential:../x", NULL,
		      "\"../x\" is no credential's name"}},
	    {"1", {"up", "credential:..", NULL,
		      "\"..\" is no credential's name"}},
	    {"1", {"the folder", "credential:.", NULL,
		      "\".\" is no credential's name"}},
	    {"1", {"no name", "credential:", NULL,
		      "\"\" is no credential's name"}},
	};

	(void)state;
	memset(pin_512, '7', 512);
	memset(pin_513, '7', 513);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct script s = script_new(cases[i].file);
		char variable[128], why[256];
		char *const own[] = {variable, NULL};
		struct wanted want = cases[i].want;
		const char *hole =
		    want.why != NULL ? strstr(want.why, "%s") : NULL;

		snprintf(variable, sizeof(variable), "CREDENTIALS_DIRECTORY=%s",
		    s.folder);
		if (hole != NULL) {
			snprintf(why, sizeof(why), "%s%s", s.folder, hole + 2);
			want.why = why;
		}
		check(&want, ask(want.sources, QUESTION_PIN, false, own));
		script_remove(&s);
	}
}

static void
takes_no_credential_that_is_no_file(void **state)
{
	struct script s = script_new("");
	char variable[128], why[256];
	char *const own[] = {variable, NULL};
	char *const none[] = {NULL};
	const struct wanted fifo = {"a FIFO", "credential:ask", NULL, why};
	const struct wanted unset = {"no credentials", "credential:ask", NULL,
	    "p11-agent was given no credentials (CREDENTIALS_DIRECTORY is not "
	    "set)"};

	(void)state;
	snprintf(
	    variable, sizeof(variable), "CREDENTIALS_DIRECTORY=%s", s.folder);
	snprintf(why, sizeof(why), "%s is no regular file", s.path);
	assert_int_equal(unlink(s.path), 0);
	assert_int_equal(mkfifo(s.path, 0600), 0);
	check(&fifo, ask(fifo.sources, QUESTION_PIN, false, own));
	check(&unset, ask(unset.sources, QUESTION_PIN, false, none));
	script_remove(&s);
}

/* With few tries left, what no person answers is not even started. */
static void
leaves_the_last_tries_to_persons(void **state)
{
	struct script s = script_new("#!/bin/sh\ntouch \"$0.used\"\necho 1\n");
	char pinentry[128], used[128], sources[512];
	char *const own[] = {pinentry, (char[]){"PATH=/usr/bin:/bin"}, NULL};
	const struct wanted nobody = {"unattended", sources, NULL,
	    "the command was not used: only a person may try; the credential "
	    "was not used: only a person may try; pinentry has a PIN in a "
	    "cache: only a person may try"};
	struct script cache = script_new(
	    "#!/bin/sh\necho OK\nwhile read -r l; do case $l in GETPIN) "
	    "echo S PASSWORD_FROM_CACHE; echo D 1234;; esac\necho OK; done\n");

	(void)state;
	snprintf(pinentry, sizeof(pinentry), "PINENTRY_PROGRAM=%s", cache.path);
	snprintf(used, sizeof(used), "%s.used", s.path);
	snprintf(sources, sizeof(sources), "command:%s\ncredential:x\npinentry",
	    s.path);
	check(&nobody, ask(sources, QUESTION_PIN, true, own));
	assert_int_not_equal(access(used, F_OK), 0);
	/* The same command is one when persons are not needed. */
	check(&(struct wanted){"attended", sources, "1", NULL},
	    ask(sources, QUESTION_PIN, false, own));
	assert_int_equal(unlink(used), 0);
	script_remove(&cache);
	script_remove(&s);
}

static void
says_what_others_cannot(void **state)
{
	char *const own[] = {NULL};
	const struct {
		enum question_kind kind;
		struct wanted want;
	} cases[] = {
	    {QUESTION_PIN,
		{"tty", "tty", NULL,
		    "to type the PIN, run `p11-agentctl unlock` in a "
		    "terminal"}},
	    {QUESTION_CONFIRM,
		{"confirm", "command:true\ncredential:x", NULL,
		    "a command confirms nothing; a credential confirms "
		    "nothing"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(&cases[i].want,
		    ask(cases[i].want.sources, cases[i].kind, false, own));
}

/* Here the command stands for whoever uses the terminal meanwhile. */
static void
leaves_a_terminal_alone_that_it_did_not_use(void **state)
{
	char tty[128], sources[256];
	char *const own[] = {
	    tty, (char[]){"PATH=/usr/bin:/bin"}, NULL};
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	struct asked got;
	struct termios now;
	const char *path;

	(void)state;
	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	assert_non_null(path = ptsname(master));
	assert_true((slave = open(path, O_RDWR | O_NOCTTY)) >= 0);
	snprintf(tty, sizeof(tty), "GPG_TTY=%s", path);
	snprintf(sources, sizeof(sources),
	    "command:stty -echo -icanon <%s; exit 3", path);
	got = ask(sources, QUESTION_PIN, false, own);
	assert_int_equal(got.result, SOURCE_CANNOT);
	assert_int_equal(tcgetattr(slave, &now), 0);
	assert_int_equal(now.c_lflag & (ECHO | ICANON), 0);
	close(slave);
	close(master);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_the_first_line_of_a_command),
	    cmocka_unit_test(takes_a_credential),
	    cmocka_unit_test(takes_no_credential_that_is_no_file),
	    cmocka_unit_test(leaves_the_last_tries_to_persons),
	    cmocka_unit_test(says_what_others_cannot),
	    cmocka_unit_test(leaves_a_terminal_alone_that_it_did_not_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
