/* SPDX-License-Identifier: BSD-2-Clause */
#include "pkcs11/pcsc-socket.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/cmocka-all.h"

enum {
	/* Longer than any event takes, shorter than a test may. */
	LONG_MS = 20 * 1000,
	SHORT_MS = 50,
};

struct place {
	char top[32];
	char folder[48];
	char socket[64];
	struct pcsc_socket s;
};

static int
make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	snprintf(p->top, sizeof(p->top), "/tmp/p11-test-XXXXXX");
	assert_non_null(mkdtemp(p->top));
	snprintf(p->folder, sizeof(p->folder), "%s/pcscd", p->top);
	snprintf(p->socket, sizeof(p->socket), "%s/comm", p->folder);
	assert_int_equal(setenv("PCSCLITE_CSOCK_NAME", p->socket, 1), 0);
	pcsc_socket_init(&p->s);
	*state = p;
	return 0;
}

static int
remove_place(void **state)
{
	struct place *p = *state;

	pcsc_socket_disarm(&p->s);
	unlink(p->socket);
	rmdir(p->folder);
	assert_int_equal(rmdir(p->top), 0);
	free(p);
	return 0;
}

static void
touch(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* How long a wait took. */
static long
wait_ms(struct place *p, int first_ms)
{
	long start = now_ms();

	pcsc_socket_wait(&p->s, first_ms);
	return now_ms() - start;
}

static void
looks(void **state)
{
	struct place *p = *state;

	assert_int_equal(pcsc_socket_look(&p->s), PCSC_SOCKET_ABSENT);
	assert_int_equal(mkdir(p->folder, 0700), 0);
	assert_int_equal(pcsc_socket_look(&p->s), PCSC_SOCKET_ABSENT);
	touch(p->socket);
	assert_int_equal(pcsc_socket_look(&p->s), PCSC_SOCKET_THERE);
	if (geteuid() == 0)
		return; /* root may open it whatever its mode */
	assert_int_equal(chmod(p->socket, 0), 0);
	assert_int_equal(pcsc_socket_look(&p->s), PCSC_SOCKET_FORBIDDEN);
}

/* Each step on the way to a socket ends a wait, if it came before it too. */
static void
appears(void **state)
{
	struct place *p = *state;

	pcsc_socket_arm(&p->s);
	assert_int_equal(mkdir(p->folder, 0700), 0);
	assert_true(wait_ms(p, LONG_MS) < LONG_MS / 2);

	pcsc_socket_arm(&p->s);
	touch(p->socket);
	assert_true(wait_ms(p, LONG_MS) < LONG_MS / 2);

	pcsc_socket_arm(&p->s);
	assert_int_equal(chmod(p->socket, 0666), 0);
	assert_true(wait_ms(p, LONG_MS) < LONG_MS / 2);

	/* Its folder goes away with it. */
	pcsc_socket_arm(&p->s);
	assert_int_equal(unlink(p->socket), 0);
	assert_int_equal(rmdir(p->folder), 0);
	assert_true(wait_ms(p, LONG_MS) < LONG_MS / 2);
}

/* Another file beside it is no news; the pause goes on. */
static void
others(void **state)
{
	struct place *p = *state;
	char other[80];

	assert_int_equal(mkdir(p->folder, 0700), 0);
	touch(p->socket);
	pcsc_socket_arm(&p->s);
	snprintf(other, sizeof(other), "%s.pid", p->socket);
	touch(other);
	assert_int_equal(unlink(other), 0);
	assert_true(wait_ms(p, 10 * SHORT_MS) >= 10 * SHORT_MS - 1);
}

/* Without inotify; each pause is twice as long, until it worked. */
static void
pauses(void **state)
{
	struct place *p = *state;

	assert_int_equal(mkdir(p->folder, 0700), 0);
	touch(p->socket);
	for (int ms = SHORT_MS; ms <= 4 * SHORT_MS; ms *= 2)
		assert_true(wait_ms(p, SHORT_MS) >= ms - 1);
	assert_int_equal(p->s.pause_ms, 8 * SHORT_MS);
	pcsc_socket_worked(&p->s);
	assert_true(wait_ms(p, 1) < 8 * SHORT_MS);

	/* News makes it short again. */
	p->s.pause_ms = 59 * 1000;
	pcsc_socket_arm(&p->s);
	assert_int_equal(chmod(p->socket, 0666), 0);
	assert_true(wait_ms(p, 1) < LONG_MS);
	assert_true(p->s.pause_ms < 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    looks, make_place, remove_place),
		cmocka_unit_test_setup_teardown(
		    appears, make_place, remove_place),
		cmocka_unit_test_setup_teardown(
		    others, make_place, remove_place),
		cmocka_unit_test_setup_teardown(
		    pauses, make_place, remove_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
