/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agent-provider: which modules p11-kit has registered, what each is
 * started with, and the folder where it runs. p11-kit reads root's modules
 * from the system's folder only, so that for root one of the test's own is in
 * its place (tests/rig/moved.c).
 */
#include <limits.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/pkcs11/fake-script.h"

enum { MODULES_MAX = 8, SKIPPED = 77 };

static char modules[] = "/tmp/p11-agent-names-XXXXXX"; /* p11-kit's folder */

static void
shell(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

/* For the programs that are started from now on; false where it cannot be. */
static bool
replace_system_folder(void)
{
	const char *library = getenv("P11_TEST_MOVED");
	char rule[PATH_MAX];

	if (library == NULL)
		return false;
	snprintf(rule, sizeof rule, "%s=%s",
	    getenv("P11_TEST_MODULE_CONFIGS"), modules);
	assert_int_equal(setenv("RIG_MOVED", rule, 1), 0);
	assert_int_equal(setenv("LD_PRELOAD", library, 1), 0);
	/* ASan need not be the first library. */
	assert_int_equal(setenv("ASAN_OPTIONS", "verify_asan_link_order=0",
	    1), 0);
	return true;
}

static bool
be_registry(void)
{
	assert_non_null(mkdtemp(modules));
	assert_int_equal(setenv("MODULES", modules, 1), 0);
	if (geteuid() == 0)
		return replace_system_folder();
	shell("mkdir -p \"$MODULES/pkcs11\" && "
	    "echo 'user-config: only' >\"$MODULES/pkcs11/pkcs11.conf\" && "
	    "mkdir \"$MODULES/pkcs11/modules\"");
	setenv("XDG_CONFIG_HOME", modules, 1);
	return true;
}

/* The file NAME.module, with its own copy of the fake module. */
static void
add_module(const char *name, const char *settings)
{
	setenv("NAME", name, 1);
	setenv("SETTINGS", settings, 1);
	shell("d=\"$MODULES\"; [ ! -d \"$d/pkcs11\" ] || "
	    "d=\"$d/pkcs11/modules\"; "
	    "cp \"$P11_TEST_MODULE\" \"$XDG_RUNTIME_DIR/$NAME.so\" && "
	    "printf 'module: %s\\n%b' \"$XDG_RUNTIME_DIR/$NAME.so\" "
	    "\"$SETTINGS\" >\"$d/$NAME.module\"");
}

static int
names_teardown(void **state)
{
	shell("find \"$MODULES\" -name '*.module' -delete");
	return script_teardown(state);
}

/* Until WIRE_DONE; copies, in p11-kit's order. */
struct names {
	struct buffer frames[MODULES_MAX];
	struct wire_registered m[MODULES_MAX];
	size_t n;
};

static void
ask(struct names *r)
{
	struct provider_process p;
	struct bytes body;
	uint8_t type;

	*r = (struct names){0};
	provider_start(&p, WIRE_ROLE_NAMES, "", NULL);
	while ((type = provider_receive(&p, &body)) == WIRE_REGISTERED) {
		struct buffer *copy = &r->frames[r->n];

		assert_true(r->n < MODULES_MAX);
		*copy = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
		buffer_put(copy, body);
		assert_int_equal(wire_registered_parse(buffer_bytes(copy),
		    &r->m[r->n++]), PARSE_OK);
	}
	assert_int_equal(type, WIRE_DONE);
	assert_int_equal(body.len, 0);
	provider_expect_end(&p);
	assert_int_equal(provider_end(&p), 0);
}

static void
names_clear(struct names *r)
{
	for (size_t i = 0; i < r->n; i++)
		buffer_clear(&r->frames[i]);
}

static const struct wire_registered *
find(const struct names *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (bytes_is(r->m[i].name, name))
			return &r->m[i];
	return NULL;
}

/* None of them is initialised: the module would write that down. */
static void
test_names(void **state)
{
	const struct wire_registered *m;
	char path[256];
	struct names r;

	(void)state;
	write_script("");
	add_module("plain", "");
	add_module("args", "x-init-reserved: a='b c' d=\\n");
	add_module("ca", "trust-policy: yes\\n");
	ask(&r);
	assert_int_equal(r.n, 3);
	m = find(&r, "plain");
	assert_non_null(m);
	snprintf(path, sizeof(path), "%s/plain.so", script_folder());
	assert_true(bytes_is(m->module, path));
	assert_int_equal(m->init_args.len, 0);
	assert_false(m->trust_policy);
	m = find(&r, "args");
	assert_non_null(m);
	assert_true(bytes_is(m->init_args, "a='b c' d="));
	m = find(&r, "ca");
	assert_non_null(m);
	assert_true(m->trust_policy);
	names_clear(&r);
	assert_int_not_equal(access(script_log(), F_OK), 0);
}

/* A command, which is not run for its name; ordinary users have no system's. */
static void
test_command(void **state)
{
	const struct wire_registered *m;
	char ran[128];
	struct names r;

	(void)state;
	write_script("");
	add_module("file", "");
	snprintf(ran, sizeof(ran), "%s/ran", script_folder());
	setenv("RAN", ran, 1);
	shell("d=\"$MODULES\"; [ ! -d \"$d/pkcs11\" ] || "
	    "d=\"$d/pkcs11/modules\"; "
	    "printf 'remote: |touch %s\\nx-init-reserved: a b\\n' \"$RAN\" "
	    ">\"$d/far.module\"");
	ask(&r);
	assert_int_equal(r.n, 2);
	m = find(&r, "far");
	assert_non_null(m);
	assert_int_equal(m->module.len, 0);
	assert_true(m->remote.len > 7 && memcmp(m->remote.p, "|touch ", 7) ==
	    0);
	assert_true(bytes_is(m->init_args, "a b"));
	assert_int_equal(m->of_system, geteuid() == 0);
	m = find(&r, "file");
	assert_non_null(m);
	assert_int_equal(m->remote.len, 0);
	names_clear(&r);
	assert_int_not_equal(access(ran, F_OK), 0);
}

/* We are p11-agent to p11-kit, whatever the process is called. */
static void
test_enabled(void **state)
{
	struct names r;

	(void)state;
	write_script("");
	add_module("in", "enable-in: p11-agent\\n");
	add_module("in-other", "enable-in: p11-agent-provider\\n");
	add_module("not-in", "disable-in: p11-agent\\n");
	add_module("not-in-other", "disable-in: p11-agent-provider\\n");
	ask(&r);
	assert_int_equal(r.n, 2);
	assert_non_null(find(&r, "in"));
	assert_non_null(find(&r, "not-in-other"));
	names_clear(&r);
}

/* What cannot be loaded does not hide the others, unless it is critical. */
static void
test_broken(void **state)
{
	struct provider_process p;
	struct wire_error err;
	struct names r;

	(void)state;
	write_script("");
	add_module("good", "");
	add_module("gone", "");
	shell("rm \"$XDG_RUNTIME_DIR/gone.so\"");
	ask(&r);
	assert_int_equal(r.n, 1);
	assert_non_null(find(&r, "good"));
	names_clear(&r);
	add_module("gone", "critical: yes\\n");
	shell("rm \"$XDG_RUNTIME_DIR/gone.so\"");
	provider_start(&p, WIRE_ROLE_NAMES, "", NULL);
	assert_int_equal(wire_failed_parse(provider_expect(&p, WIRE_FAILED),
	    &err), PARSE_OK);
	assert_true(err.text.len > 0);
	assert_int_equal(provider_end(&p), 0);
}

static void
test_none(void **state)
{
	struct names r;

	(void)state;
	write_script("");
	ask(&r);
	assert_int_equal(r.n, 0);
}

/* Is there such a line in the module's log? */
static bool
logged(const char *word, const char *value)
{
	char line[512];

	snprintf(line, sizeof(line), "%s %s\n", word, value);
	return count_calls(line) == 1;
}

static void
scan(struct wire_start *start)
{
	struct provider_process p;

	start->role = WIRE_ROLE_SCAN;
	start->module = bytes_str(fake_module());
	provider_start_with(&p, start);
	provider_expect(&p, WIRE_MODULE);
	provider_expect(&p, WIRE_DONE);
	provider_expect_end(&p);
	assert_int_equal(provider_end(&p), 0);
}

/* What C_Initialize gets, and where it gets it. */
static void
test_start(void **state)
{
	struct wire_start start = {
		.init_args = bytes_str("configdir='/x y'"),
		.provider = bytes_str("../a b"),
	};
	struct stat st;
	char path[256], cached[300];
	int fd;

	(void)state;
	write_script("");
	scan(&start);
	assert_true(logged("reserved", "configdir='/x y'"));
	snprintf(path, sizeof(path), "%s/p11-agent/provider-%%2E%%2E%%2Fa%%20b",
	    script_folder());
	assert_true(logged("folder", path));
	assert_true(logged("cache", path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	/* The second one uses the same, without what OpenSC cached there. */
	snprintf(cached, sizeof(cached), "%s/opensc", path);
	assert_int_equal(mkdir(cached, 0700), 0);
	snprintf(cached, sizeof(cached), "%s/opensc/serial_NODATE_2f00", path);
	fd = creat(cached, 0600);
	assert_true(fd >= 0);
	close(fd);
	start.init_args = BYTES_NONE;
	write_script("");
	scan(&start);
	assert_int_equal(count_calls("reserved"), 0);
	assert_true(logged("folder", path));
	assert_int_equal(stat(cached, &st), -1);
}

/* A folder that is not ours alone is not used; nor does it keep us. */
static void
test_folder_refused(void **state)
{
	struct wire_start start = {.provider = bytes_str("p")};
	char path[256];

	(void)state;
	write_script("");
	assert_int_equal(setenv("HOME", "relative", 1), 0);
	shell("mkdir -m 777 \"$XDG_RUNTIME_DIR/p11-agent\" && "
	    "chmod 777 \"$XDG_RUNTIME_DIR/p11-agent\"");
	unsetenv("XDG_CACHE_HOME");
	scan(&start);
	assert_true(logged("folder", "/"));
	/* The next one in order. */
	snprintf(path, sizeof(path), "%s/home", script_folder());
	assert_int_equal(setenv("HOME", path, 1), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	write_script("");
	scan(&start);
	snprintf(path, sizeof(path), "%s/home/.cache/p11-agent/provider-p",
	    script_folder());
	assert_true(logged("folder", path));
	assert_true(logged("cache", path));
	/* A link instead of a folder is not followed. */
	shell("cd \"$HOME/.cache/p11-agent\" && rmdir provider-p && "
	    "mkdir ../other && ln -s ../other provider-p");
	write_script("");
	scan(&start);
	assert_true(logged("folder", "/"));
}

#define NAMES_TEST(name) \
	cmocka_unit_test_setup_teardown(name, script_setup, names_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		NAMES_TEST(test_names),
		NAMES_TEST(test_command),
		NAMES_TEST(test_enabled),
		NAMES_TEST(test_broken),
		NAMES_TEST(test_none),
		NAMES_TEST(test_start),
		NAMES_TEST(test_folder_refused),
	};
	int failed;

	if (!be_registry()) {
		rmdir(modules);
		return SKIPPED;
	}
	failed = cmocka_run_group_tests_name(
	    "pkcs11/provider-names", tests, NULL, NULL);
	if (system("rm -r \"$MODULES\"") != 0)
		return 1;
	return failed;
}
