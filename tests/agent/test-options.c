/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tests/cmocka-all.h"

enum { WORDS_MAX = 12 };

/* "a b c" as the words behind the program's name. */
static enum options_result
parse(const char *line, struct options *o)
{
	static char text[256], *argv[WORDS_MAX + 1];
	int argc = 0;

	snprintf(text, sizeof(text), "p11-agent %s", line);
	for (char *p = strtok(text, " "); p != NULL && argc < WORDS_MAX;
	    p = strtok(NULL, " "))
		argv[argc++] = p;
	argv[argc] = NULL;
	optind = 0; /* getopt's state of the last line */
	return options_parse(argc, argv, o);
}

static void
results(void **state)
{
	static const struct {
		const char *line;
		enum options_result result;
	} cases[] = {
		{"", OPTIONS_RUN},
		{"-D", OPTIONS_RUN},
		{"-d", OPTIONS_RUN},
		{"-s", OPTIONS_RUN},
		{"-c", OPTIONS_RUN},
		{"-k", OPTIONS_RUN},
		{"-ks", OPTIONS_RUN},
		{"-Da x -f y", OPTIONS_RUN},
		{"-E sha256", OPTIONS_RUN},
		{"-E md5", OPTIONS_RUN},
		{"-a x env A=1 -k", OPTIONS_RUN},
		{"-h", OPTIONS_DONE},
		{"--help", OPTIONS_DONE},
		{"-V", OPTIONS_DONE},
		{"--version", OPTIONS_DONE},
		{"-E sha1", OPTIONS_USAGE},
		{"-a", OPTIONS_USAGE},
		{"-f", OPTIONS_USAGE},
		{"-x", OPTIONS_USAGE},
		{"--nothing", OPTIONS_USAGE},
		{"-k -D", OPTIONS_USAGE},
		{"-k -d", OPTIONS_USAGE},
		{"-k -a x", OPTIONS_USAGE},
		{"-k sh", OPTIONS_USAGE},
		{"-D sh", OPTIONS_USAGE},
		{"-d sh", OPTIONS_USAGE},
	};
	struct options o;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (parse(cases[i].line, &o) != cases[i].result)
			fail_msg("p11-agent %s", cases[i].line);
}

static void
what_they_say(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse("", &o), OPTIONS_RUN);
	assert_null(o.socket);
	assert_null(o.config);
	assert_null(o.command);
	assert_int_equal(o.shell, SHELL_GUESS);
	assert_false(o.foreground || o.debug || o.kill);
	parse("-D -a sock -fconf -s", &o);
	assert_true(o.foreground && !o.debug && !o.kill);
	assert_string_equal(o.socket, "sock");
	assert_string_equal(o.config, "conf");
	assert_int_equal(o.shell, SHELL_SH);
	parse("-d", &o);
	assert_true(o.foreground && o.debug);
	parse("-c -k", &o);
	assert_int_equal(o.shell, SHELL_CSH);
	assert_true(o.kill);
}

/* Its switches are its own. */
static void
the_command_begins_at_its_name(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse("-a sock ssh -D 1080 -k", &o), OPTIONS_RUN);
	assert_false(o.foreground || o.kill);
	assert_string_equal(o.command[0], "ssh");
	assert_string_equal(o.command[3], "-k");
	assert_null(o.command[4]);
	assert_int_equal(parse("-- -D", &o), OPTIONS_RUN);
	assert_string_equal(o.command[0], "-D");
	assert_null(o.command[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results),
		cmocka_unit_test(what_they_say),
		cmocka_unit_test(the_command_begins_at_its_name),
	};

	return cmocka_run_group_tests_name("agent/options", tests, NULL,
	    NULL);
}
