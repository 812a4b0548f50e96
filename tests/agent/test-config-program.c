/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agent-config itself, as the daemon and people start it; argv[1]. */
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/frame.h"
#include "tests/agent/config-files.h"

enum { OUTPUT_MAX_BYTES = 8192 };

/* One run of it, with whatever it answered. */
struct run {
	int code;
	struct buffer frame; /* all that came on CONFIG_CHILD_FD */
	char out[OUTPUT_MAX_BYTES], err[OUTPUT_MAX_BYTES];
};

static void
run_clear(struct run *r)
{
	buffer_clear(&r->frame);
}

static const char *program; /* set once, by main() */

static void
read_text(FILE *f, char text[static OUTPUT_MAX_BYTES])
{
	size_t n;

	rewind(f);
	n = fread(text, 1, OUTPUT_MAX_BYTES - 1, f);
	text[n] = '\0';
	fclose(f);
}

/* To the end of file, which comes when the program has ended. */
static void
read_frame(int fd, struct buffer *b)
{
	ssize_t n;

	do {
		uint8_t *room = buffer_room(b, 4096);

		assert_non_null(room);
		n = read(fd, room, 4096);
		assert_true(n >= 0);
		buffer_added(b, (size_t)n);
	} while (n > 0);
}

static int
exit_code(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* command and argument may be NULL: then it gets fewer words. */
static struct run
run(const char *command, const char *argument)
{
	char name[] = "p11-agent-config", command_copy[16], path[PATH_MAX];
	char *argv[] = {name, NULL, NULL, NULL};
	char config_home[PATH_MAX + 32];
	char *env[] = {(char[]){"PATH=/usr/bin:/bin"}, config_home, NULL};
	struct run r = {.frame = BUFFER_INIT(1 << 20)};
	posix_spawn_file_actions_t actions;
	FILE *out = tmpfile(), *err = tmpfile();
	int sv[2];
	pid_t pid;

	if (command != NULL) {
		snprintf(command_copy, sizeof(command_copy), "%s", command);
		argv[1] = command_copy;
	}
	if (argument != NULL) {
		snprintf(path, sizeof(path), "%s", argument);
		argv[2] = path;
	}
	snprintf(config_home, sizeof(config_home), "XDG_CONFIG_HOME=%s",
	    getenv("XDG_CONFIG_HOME") == NULL ? "" : getenv("XDG_CONFIG_HOME"));
	assert_true(out != NULL && err != NULL);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fileno(out), 1);
	posix_spawn_file_actions_adddup2(&actions, fileno(err), 2);
	posix_spawn_file_actions_adddup2(&actions, sv[1], CONFIG_CHILD_FD);
	assert_int_equal(
	    posix_spawn(&pid, program, &actions, NULL, argv, env), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(sv[1]);
	read_frame(sv[0], &r.frame);
	close(sv[0]);
	r.code = exit_code(pid);
	read_text(out, r.out);
	read_text(err, r.err);
	return r;
}

static struct config_reply
reply_of(const struct run *r)
{
	struct config_reply reply;
	struct bytes body;

	assert_int_equal(
	    frame_peek(&r->frame, CONFIG_REPLY_MAX_BYTES, &body), FRAME_READY);
	assert_int_equal(r->frame.len, body.len + 4);
	assert_int_equal(config_reply_parse(body, &reply), PARSE_OK);
	return reply;
}

static void
assert_content(struct bytes content, const char *end)
{
	size_t len = strlen(end);

	assert_true(content.len >= len);
	assert_memory_equal(content.p + content.len - len, end, len);
}

static void
load(void **state)
{
	CLEANUP(config_freep) struct config *c = NULL;
	CLEANUP(run_clear) struct run good, bad, missing;
	struct files *f = *state;
	struct config_reply reply;

	files_write(f, "a.conf", "key a { uri = 'pkcs11:id=%01' }\n");
	good = run("load", files_path(f, "a.conf"));
	reply = reply_of(&good);
	assert_int_equal(good.code, 0);
	assert_int_equal(reply.status, CONFIG_REPLY_OK);
	assert_int_equal(config_parse(reply.content, &c), PARSE_OK);
	assert_int_equal(c->n_keys, 1);
	assert_string_equal(c->keys[0].place.file, files_path(f, "a.conf"));

	files_write(f, "a.conf", "\nkey a { uri = 'pkcs11:id=%01'\n");
	bad = run("load", files_path(f, "a.conf"));
	reply = reply_of(&bad);
	assert_int_equal(bad.code, 1);
	assert_int_equal(reply.status, CONFIG_REPLY_ERROR);
	assert_content(reply.content, "a.conf:2: what is opened here is not "
				      "closed by '}': is the file cut?");

	missing = run("load", files_path(f, "no.conf"));
	reply = reply_of(&missing);
	assert_int_equal(reply.status, CONFIG_REPLY_ERROR);
	assert_content(reply.content, "no.conf: No such file or directory");
}

static void
resolve(void **state)
{
	CLEANUP(run_clear) struct run good, relative, missing;
	CLEANUP(cleanup_free) char *path = NULL;
	CLEANUP(cleanup_free) char *want = NULL;
	struct files *f = *state;
	struct config_reply reply;

	files_write(f, "x.so", "");
	want = realpath(files_path(f, "x.so"), NULL);
	assert_non_null(want);
	assert_int_equal(symlink("x.so", files_path(f, "link.so")), 0);
	good = run("resolve", files_path(f, "./link.so"));
	reply = reply_of(&good);
	assert_int_equal(good.code, 0);
	assert_int_equal(reply.status, CONFIG_REPLY_OK);
	assert_int_equal(config_reply_path(reply.content, &path), PARSE_OK);
	assert_string_equal(path, want);

	relative = run("resolve", "x.so");
	assert_int_equal(relative.code, 1);
	assert_int_equal(reply_of(&relative).status, CONFIG_REPLY_ERROR);
	missing = run("resolve", files_path(f, "no.so"));
	reply = reply_of(&missing);
	assert_int_equal(reply.status, CONFIG_REPLY_ERROR);
	assert_true(bytes_is(reply.content, "No such file or directory"));
}

static void
check(void **state)
{
	CLEANUP(run_clear) struct run good, bad;
	struct files *f = *state;
	char text[PATH_MAX + 256];

	files_write(f, "x.so", "");
	snprintf(text, sizeof(text), "provider soft { module = '%s' }\n"
	    "key a { uri = 'pkcs11:id=%%01' }\n"
	    "key b { uri = 'pkcs11:id=%%02' deny = yes }\n",
	    files_path(f, "x.so"));
	files_write(f, "a.conf", text);
	good = run("check", files_path(f, "a.conf"));
	assert_int_equal(good.code, 0);
	assert_int_equal(good.frame.len, 0);
	assert_string_equal(good.err, "");
	assert_non_null(strstr(good.out, "a.conf\nprovider soft\n"));
	assert_non_null(strstr(good.out, "\nkey a\ndeny key b\n2 key "
					 "sections, 1 of them deny"));
	assert_non_null(strstr(good.out, "\nOK\n"));

	files_write(f, "a.conf", "key a { uris = 'pkcs11:id=%01' }\n");
	bad = run("check", files_path(f, "a.conf"));
	assert_int_equal(bad.code, 1);
	assert_string_equal(bad.out, "");
	assert_non_null(strstr(bad.err, "a.conf:1: key \"a\": no such setting "
					"\"uris\"; did you mean \"uri\"?\n"));
}

/* Accepted all the same: a module may be installed later. */
static void
check_warns(void **state)
{
	CLEANUP(run_clear) struct run path, name, registered;
	struct files *f = *state;

	files_write(f, "a.conf", "\nprovider a { module = '/nowhere/x.so' }\n"
				 "key a { uri = 'pkcs11:id=01' }\n");
	path = run("check", files_path(f, "a.conf"));
	assert_int_equal(path.code, 0);
	assert_non_null(strstr(path.out, "\nOK, with 2 warnings\n"));
	assert_non_null(strstr(path.err, "warning: "));
	assert_non_null(strstr(path.err, "a.conf:3: uri: its id is text"));
	assert_non_null(strstr(path.err, "a.conf:2: provider \"a\" has no "
	    "module, and so no keys: /nowhere/x.so: No such file or "
	    "directory\n"));

	files_write(f, "a.conf", "provider a { module = no-such-module }\n");
	name = run("check", files_path(f, "a.conf"));
	assert_int_equal(name.code, 0);
	assert_non_null(strstr(name.out, "\nOK, with 1 warning\n"));
	assert_non_null(strstr(name.err, "nor is that a name that p11-kit has "
					 "registered\n"));

	/* The file says so; p11-kit, which reads none of root's, is unasked. */
	assert_int_equal(setenv("XDG_CONFIG_HOME", f->folder, 1), 0);
	assert_int_equal(mkdir(files_path(f, "pkcs11"), 0700), 0);
	assert_int_equal(mkdir(files_path(f, "pkcs11/modules"), 0700), 0);
	files_write(f, "pkcs11/modules/no-such-module.module", "module: x\n");
	registered = run("check", files_path(f, "a.conf"));
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
	if (geteuid() == 0) {
		assert_string_equal(registered.err, name.err);
		return;
	}
	assert_string_equal(registered.err, "");
	assert_non_null(strstr(registered.out, "\nOK\n"));
}

static void
wrong_words(void **state)
{
	static const char *const commands[] = {
	    NULL, "", "lod", "resolve", "allow", "deny"};

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		CLEANUP(run_clear) struct run r = run(commands[i], NULL);

		assert_int_equal(r.code, 2);
		assert_int_equal(r.frame.len, 0);
		assert_non_null(strstr(r.err, "usage: p11-agent-config"));
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(load, files_setup, files_teardown),
	    cmocka_unit_test_setup_teardown(
		resolve, files_setup, files_teardown),
	    cmocka_unit_test_setup_teardown(check, files_setup, files_teardown),
	    cmocka_unit_test_setup_teardown(
		check_warns, files_setup, files_teardown),
	    cmocka_unit_test(wrong_words),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s PROGRAM\n", argv[0]);
		return 2;
	}
	program = argv[1];
	return cmocka_run_group_tests_name(
	    "agent/config-program", tests, NULL, NULL);
}
