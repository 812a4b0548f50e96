/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

enum { CLIENTS = 60, STRANGER = 12345 };

static struct {
	char folder[64];
	struct sockaddr_un addr;
	struct agent *agent;
	int fd;
	int accepted[CLIENTS];
	unsigned n_accepted;
	struct peer peer;
} table;

static void
accepted(struct agent *agent, int fd, const struct peer *peer)
{
	assert_ptr_equal(agent, table.agent);
	assert_true(table.n_accepted < CLIENTS);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	table.accepted[table.n_accepted++] = fd;
	table.peer = *peer;
}

static int
setup(void **state)
{
	(void)state;
	memset(&table, 0, sizeof(table));
	snprintf(table.folder, sizeof(table.folder), "/tmp/listen-XXXXXX");
	assert_non_null(mkdtemp(table.folder));
	table.addr.sun_family = AF_UNIX;
	snprintf(table.addr.sun_path, sizeof(table.addr.sun_path), "%s/s",
	    table.folder);
	table.agent = world_agent();
	table.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(table.fd, (const struct sockaddr *)&table.addr,
	    sizeof(table.addr)), 0);
	assert_int_equal(listen(table.fd, CLIENTS), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < table.n_accepted; i++)
		close(table.accepted[i]);
	close(table.fd);
	agent_free(table.agent);
	unlink(table.addr.sun_path);
	assert_int_equal(rmdir(table.folder), 0);
	return 0;
}

static int
connect_one(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&table.addr,
	    sizeof(table.addr)), 0);
	return fd;
}

static bool
some_came(void *arg)
{
	return table.n_accepted >= *(const unsigned *)arg;
}

static void
all_are_handed_over(void **state)
{
	struct listener *l = listener_new(table.agent, table.fd,
	    LISTENER_OWN_ONLY, accepted);
	unsigned want = CLIENTS;
	int fds[CLIENTS];

	(void)state;
	assert_non_null(l);
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = connect_one();
	assert_true(world_run(table.agent, some_came, &want));
	assert_int_equal(table.peer.uid, getuid());
	assert_int_equal(table.peer.pid, getpid());
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	/* The socket stays the caller's. */
	assert_null(listener_free(l));
	assert_true(fcntl(table.fd, F_GETFD) >= 0);
	assert_null(listener_free(NULL));
}

static void
who_may_connect(void **state)
{
	static const struct {
		const char *name;
		bool ours; /* else the peer is root, and we are not */
		enum listener_peers peers;
		bool allow_root, ok;
	} cases[] = {
		{"own", true, LISTENER_OWN_AND_ROOT, false, true},
		{"own, control", true, LISTENER_OWN_ONLY, false, true},
		{"root", false, LISTENER_OWN_AND_ROOT, true, true},
		{"root, not allowed", false, LISTENER_OWN_AND_ROOT, false,
		    false},
		{"root, control", false, LISTENER_OWN_ONLY, true, false},
	};

	(void)state;
	if (getuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct listener *l;
		unsigned before = table.n_accepted;
		char byte;
		int fd;

		table.agent->uid = cases[i].ours ? 0 : STRANGER;
		table.agent->config->allow_root = cases[i].allow_root;
		l = listener_new(table.agent, table.fd, cases[i].peers,
		    accepted);
		fd = connect_one();
		world_spin(table.agent);
		if (table.n_accepted != before + cases[i].ok)
			fail_msg("%s", cases[i].name);
		/* The others are hung up on. */
		assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT),
		    cases[i].ok ? -1 : 0);
		close(fd);
		listener_free(l);
	}
}

/* Another user, in whose name a child connects. */
static void
a_stranger_is_refused(void **state)
{
	struct listener *l;
	char byte;
	int fd;

	(void)state;
	if (getuid() != 0)
		skip();
	l = listener_new(table.agent, table.fd, LISTENER_OWN_AND_ROOT,
	    accepted);
	assert_int_equal(chmod(table.folder, 0711), 0);
	assert_int_equal(chmod(table.addr.sun_path, 0666), 0);
	assert_int_equal(seteuid(STRANGER), 0);
	fd = connect_one();
	assert_int_equal(seteuid(0), 0);
	world_spin(table.agent);
	assert_int_equal(table.n_accepted, 0);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
	close(fd);
	listener_free(l);
}

/* Not a busy loop, and not the end: others may give descriptors back. */
static void
without_descriptors_it_waits(void **state)
{
	struct listener *l = listener_new(table.agent, table.fd,
	    LISTENER_OWN_ONLY, accepted);
	struct rlimit limit, none;
	unsigned want = 1;
	int fd = connect_one(), lowest = dup(fd);

	(void)state;
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = (rlim_t)lowest;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	world_spin(table.agent);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	world_spin(table.agent);
	assert_int_equal(table.n_accepted, 0);
	assert_true(world_run(table.agent, some_came, &want));
	close(fd);
	listener_free(l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_are_handed_over),
		TEST(who_may_connect),
		TEST(a_stranger_is_refused),
		TEST(without_descriptors_it_waits),
	};

	return cmocka_run_group_tests_name("agent/listener", tests, NULL,
	    NULL);
}
