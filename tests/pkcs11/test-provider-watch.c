/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agent-provider in the role "watch". */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/pkcs11/fake-script.h"

static void
watch(struct provider_process *p, const char *script)
{
	write_script(script);
	provider_start(p, WIRE_ROLE_WATCH, fake_module(), NULL);
}

/* The next picture has tokens of these labels; NULL ends them. */
static void
expect_picture(struct provider_process *p, const char *const *labels)
{
	struct wire_token t;

	for (; *labels != NULL; labels++) {
		assert_int_equal(wire_token_parse(
		    provider_expect(p, WIRE_TOKEN), &t), PARSE_OK);
		assert_true(bytes_is(t.id.label, *labels));
		assert_int_equal(t.n_keys, 0);
	}
	assert_int_equal(provider_expect(p, WIRE_DONE).len, 0);
}
#define EXPECT(p, ...) \
	expect_picture(p, (const char *const[]){__VA_ARGS__, NULL})

static void
wait_for_calls(const char *call, unsigned n)
{
	for (int i = 0; i < 1000; i++) {
		if (access(script_log(), F_OK) == 0 && count_calls(call) >= n)
			return;
		usleep(20 * 1000);
	}
	fail_msg("no %u calls of %s", n, call);
}

/* Looks that find the same say nothing; each asks the module from its start. */
static void
test_changes_only(void **state)
{
	struct provider_process p;

	(void)state;
	watch(&p, "slot label=a\nslot label=b\nslot label=c initialized=0\n"
	    "slot label=d present=0\n");
	EXPECT(&p, "a", "b");
	wait_for_calls("C_Initialize", 2);
	write_script("slot label=b\n");
	EXPECT(&p, "b");
	assert_int_equal(count_calls("C_OpenSession"), 0);
	assert_int_equal(provider_end(&p), 0);
}

/* No picture of a module that fails or dies; what comes next is news. */
static void
test_failures(void **state)
{
	static const char *const failures[] = {
		"call C_Initialize rv=0x5\n",
		"slot\ncall C_GetSlotList rv=0x5\n",
		"call C_Initialize crash=1\n",
	};
	struct provider_process p;

	(void)state;
	watch(&p, "slot label=a\n");
	EXPECT(&p, "a");
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		write_script(failures[i]);
		wait_for_calls("C_Initialize", 1);
		write_script("slot label=a\n");
		EXPECT(&p, "a");
	}
	/* A token that fails is not there; the others are. */
	write_script("slot label=a\nslot label=b\n"
	    "call C_GetTokenInfo rv=0xe1\n");
	EXPECT(&p, "b");
	assert_int_equal(provider_end(&p), 0);
}

/* A module that can wait is looked at by one process for as long as it does. */
static void
test_events(void **state)
{
	struct provider_process p;

	(void)state;
	watch(&p, "slot label=a\nslot label=b\nevents 2\n"
	    "call C_GetTokenInfo skip=2 rv=0xe0\n"
	    "call C_WaitForSlotEvent ms=100\n"
	    "call C_WaitForSlotEvent ms=600000\n");
	EXPECT(&p, "a", "b");
	EXPECT(&p, "b");
	wait_for_calls("C_WaitForSlotEvent", 2);
	assert_int_equal(count_calls("C_Initialize"), 1);
	/* The end of the daemon ends it beside a call that hangs. */
	assert_int_equal(provider_end(&p), 0);
}

/*
 * A command that the module has run, as p11-kit does for `remote`, may go on
 * when its input has ended: each look would leave one behind.
 */
static void
test_end_of_a_command(void **state)
{
	struct provider_process p;
	struct pollfd fifo = {.events = POLLIN};
	char path[512], byte;

	(void)state;
	snprintf(path, sizeof(path), "%s.child", script_log());
	assert_int_equal(mkfifo(path, 0600), 0);
	fifo.fd = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(fifo.fd >= 0);
	watch(&p, "slot label=a\ncall C_Initialize child=1\n");
	EXPECT(&p, "a");
	assert_int_equal(poll(&fifo, 1, 10000), 1);
	write_script("slot label=b\n");
	EXPECT(&p, "b");
	do {
		assert_int_equal(poll(&fifo, 1, 10000), 1);
	} while (read(fifo.fd, &byte, 1) > 0);
	assert_int_equal(provider_end(&p), 0);
	close(fifo.fd);
	assert_int_equal(unlink(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_changes_only),
		TEST(test_failures),
		TEST(test_events),
		TEST(test_end_of_a_command),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
