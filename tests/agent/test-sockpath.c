/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/sockpath.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/serve.h"
#include "tests/cmocka-all.h"

struct table {
	char folder[64];
	char path[256];
	char why[SOCK_WHY_BYTES];
};

static int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	snprintf(t->folder, sizeof(t->folder), "/tmp/sock-test-XXXXXX");
	assert_non_null(mkdtemp(t->folder));
	snprintf(t->path, sizeof(t->path), "%s/agent.sock", t->folder);
	*state = t;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	struct table *t = *state;

	chmod(t->folder, 0700);
	assert_int_equal(nftw(t->folder, remove_one, 8,
	    FTW_DEPTH | FTW_PHYS), 0);
	free(t);
	return 0;
}

static bool
is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static struct sockaddr_un
address_of(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	assert_true(strlen(path) < sizeof(addr.sun_path));
	memcpy(addr.sun_path, path, strlen(path));
	return addr;
}

/* A connection, or -1. */
static int
connect_to(const char *path)
{
	struct sockaddr_un addr = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	close(fd);
	return -1;
}

static struct listen_socket
listen_well(struct table *t)
{
	struct listen_socket s = LISTEN_SOCKET_NONE;

	if (sock_listen(t->path, &s, t->why) != SOCK_OK)
		fail_msg("%s", t->why);
	assert_true(s.fd >= 0);
	assert_string_equal(s.path, t->path);
	return s;
}

/* It fails like this, and leaves what stands there alone. */
static void
listen_badly(struct table *t, const char *path, enum sock_result result,
    const char *why)
{
	struct listen_socket s = LISTEN_SOCKET_NONE;

	t->why[0] = '\0';
	assert_int_equal(sock_listen(path, &s, t->why), result);
	assert_int_equal(s.fd, -1);
	if (strstr(t->why, why) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", why, t->why);
	listen_socket_close(&s);
}

static void
made_and_removed(void **state)
{
	struct table *t = *state;
	struct listen_socket s = listen_well(t);
	struct stat st;
	pid_t pid;
	int fd;

	assert_int_equal(lstat(t->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true((fd = connect_to(t->path)) >= 0);
	close(fd);
	assert_int_equal(serve_pid_at(t->path, &pid, t->why), TRUST_OURS);
	assert_int_equal(pid, getpid());
	listen_socket_close(&s);
	assert_int_equal(s.fd, -1);
	assert_false(is_there(t->path));
	assert_int_equal(serve_pid_at(t->path, &pid, t->why), TRUST_NOBODY);
	/* Closing what is closed does nothing. */
	listen_socket_close(&s);
}

static void
a_stale_file_is_taken_over(void **state)
{
	struct table *t = *state;
	struct listen_socket s = listen_well(t), again;
	int fd;

	/* As after a crash. */
	close(s.fd);
	free(s.path);
	assert_true(is_there(t->path));
	assert_int_equal(connect_to(t->path), -1);
	again = listen_well(t);
	fd = connect_to(t->path);
	assert_true(fd >= 0);
	close(fd);
	listen_socket_close(&again);
}

static void
a_live_agent_keeps_its_own(void **state)
{
	struct table *t = *state;
	struct listen_socket s = listen_well(t);
	int fd;

	listen_badly(t, t->path, SOCK_IN_USE, "another agent");
	assert_true((fd = connect_to(t->path)) >= 0);
	close(fd);
	listen_socket_close(&s);
}

/* Nobody accepts, and nobody else could connect: it is there all the same. */
static void
a_busy_agent_is_alive(void **state)
{
	struct table *t = *state;
	struct sockaddr_un addr = address_of(t->path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), client;

	assert_int_equal(bind(fd, (const struct sockaddr *)&addr,
	    sizeof(addr)), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_true((client = connect_to(t->path)) >= 0);
	listen_badly(t, t->path, SOCK_IN_USE, "another agent");
	assert_true(is_there(t->path));
	close(client);
	close(fd);
}

static void
other_files_are_not_touched(void **state)
{
	struct table *t = *state;
	FILE *f = fopen(t->path, "w");
	struct stat st;

	assert_non_null(f);
	fputs("mine", f);
	fclose(f);
	listen_badly(t, t->path, SOCK_ERROR, "not an old socket");
	assert_int_equal(lstat(t->path, &st), 0);
	assert_int_equal(st.st_size, 4);
	assert_int_equal(unlink(t->path), 0);
	/* Not through a link either, wherever it points. */
	assert_int_equal(symlink("/nonexistent/x", t->path), 0);
	listen_badly(t, t->path, SOCK_ERROR, "not an old socket");
	assert_true(is_there(t->path));
	assert_int_equal(unlink(t->path), 0);
	assert_int_equal(mkdir(t->path, 0700), 0);
	listen_badly(t, t->path, SOCK_ERROR, "not an old socket");
	assert_true(is_there(t->path));
}

static void
folders(void **state)
{
	static const struct {
		mode_t mode;
		bool ok;
	} cases[] = {
		{0700, true}, {0755, true}, {0770, false}, {0707, false},
		{0777, false}, {01777, true}, {01770, true},
	};
	struct table *t = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(chmod(t->folder, cases[i].mode), 0);
		if (cases[i].ok) {
			struct listen_socket s = listen_well(t);

			listen_socket_close(&s);
		} else {
			listen_badly(t, t->path, SOCK_ERROR, "chmod 700");
			assert_false(is_there(t->path));
		}
	}
	listen_badly(t, "/nonexistent/agent.sock", SOCK_ERROR,
	    "/nonexistent");
}

/* Whoever may read the folder may do this, for ever. */
static void
a_locked_folder(void **state)
{
	struct table *t = *state;
	int other = open(t->folder, O_RDONLY | O_DIRECTORY);

	assert_int_equal(flock(other, LOCK_EX), 0);
	listen_badly(t, t->path, SOCK_LOCKED, "another program holds its lock");
	assert_non_null(strstr(t->why, t->folder));
	assert_null(strstr(t->why, "agent.sock"));
	assert_false(is_there(t->path));
	close(other);
	struct listen_socket s = listen_well(t);
	listen_socket_close(&s);
}

/* Somebody else's folder, for which one has to be root here. */
static void
a_strangers_folder_is_refused(void **state)
{
	struct table *t = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(t->folder, 12345, 12345), 0);
	listen_badly(t, t->path, SOCK_ERROR, "must be yours");
	/* A sticky folder's owner may still replace what is in it. */
	assert_int_equal(chmod(t->folder, 01777), 0);
	listen_badly(t, t->path, SOCK_ERROR, "must be yours");
	assert_int_equal(chown(t->folder, 0, 0), 0);
	struct listen_socket s = listen_well(t);
	listen_socket_close(&s);
}

static void
a_path_may_be_too_long(void **state)
{
	struct table *t = *state;
	char path[256];
	size_t n = (size_t)snprintf(path, sizeof(path), "%s/", t->folder);

	memset(path + n, 'x', sizeof(path) - n - 1);
	path[sizeof(path) - 1] = '\0';
	listen_badly(t, path, SOCK_ERROR, "too long");
	path[sizeof(((struct sockaddr_un *)NULL)->sun_path)] = '\0';
	listen_badly(t, path, SOCK_ERROR, "too long");
	path[sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1] = '\0';
	memcpy(t->path, path, strlen(path) + 1);
	struct listen_socket s = listen_well(t);
	listen_socket_close(&s);
	assert_false(is_there(path));
}

/* Whoever took the path over keeps it. */
static void
only_our_own_file_is_removed(void **state)
{
	struct table *t = *state;
	struct listen_socket s = listen_well(t), other;
	char moved[sizeof(t->path) + 8];

	/* Still there, so that its inode is not given out again. */
	snprintf(moved, sizeof(moved), "%s.old", t->path);
	assert_int_equal(rename(t->path, moved), 0);
	other = listen_well(t);
	listen_socket_close(&s);
	assert_true(is_there(t->path));
	listen_socket_close(&other);
	assert_false(is_there(t->path));
}

static void
the_default_path(void **state)
{
	struct table *t = *state;
	char want[256], *path;
	struct stat st;

	assert_int_equal(setenv("XDG_RUNTIME_DIR", t->folder, 1), 0);
	for (int i = 0; i < 2; i++) {
		path = sock_default_path(t->why);
		assert_non_null(path);
		snprintf(want, sizeof(want), "%s/p11-agent/agent.sock",
		    t->folder);
		assert_string_equal(path, want);
		free(path);
	}
	snprintf(want, sizeof(want), "%s/p11-agent", t->folder);
	assert_int_equal(lstat(want, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0700);
	snprintf(want, sizeof(want), "%s/none", t->folder);
	assert_int_equal(setenv("XDG_RUNTIME_DIR", want, 1), 0);
	assert_null(sock_default_path(t->why));
	assert_non_null(strstr(t->why, "No such file"));
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
}

/* As under sudo -E: a folder of ours would lock him out. */
static void
a_strangers_base(void **state)
{
	struct table *t = *state;
	char why[SOCK_WHY_BYTES], below[128], *folder = NULL, *path;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(t->folder, 12345, 12345), 0);
	assert_int_equal(setenv("XDG_RUNTIME_DIR", t->folder, 1), 0);
	assert_null(sock_default_path(why));
	assert_non_null(strstr(why, "belongs to user 12345"));
	snprintf(below, sizeof(below), "%s/p11-agent", t->folder);
	assert_false(is_there(below));
	/* A command's goes where temporary files go. */
	assert_int_equal(setenv("TMPDIR", "/tmp/", 1), 0);
	path = sock_private_path(&folder, why);
	assert_non_null(path);
	assert_memory_equal(path, "/tmp//p11-agent-", 16);
	assert_int_equal(rmdir(folder), 0);
	free(folder);
	free(path);
	assert_int_equal(unsetenv("TMPDIR"), 0);
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
}

static void
the_private_path(void **state)
{
	struct table *t = *state;
	char why[SOCK_WHY_BYTES], *folder = NULL, *path;
	struct stat st;

	assert_int_equal(setenv("XDG_RUNTIME_DIR", t->folder, 1), 0);
	path = sock_private_path(&folder, why);
	assert_non_null(path);
	assert_memory_equal(folder, t->folder, strlen(t->folder));
	assert_memory_equal(path, folder, strlen(folder));
	assert_string_equal(path + strlen(folder), "/agent.sock");
	assert_int_equal(lstat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	free(folder);
	free(path);
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(made_and_removed),
		TEST(a_stale_file_is_taken_over),
		TEST(a_live_agent_keeps_its_own),
		TEST(a_busy_agent_is_alive),
		TEST(other_files_are_not_touched),
		TEST(folders),
		TEST(a_locked_folder),
		TEST(a_strangers_folder_is_refused),
		TEST(a_path_may_be_too_long),
		TEST(only_our_own_file_is_removed),
		TEST(the_default_path),
		TEST(a_strangers_base),
		TEST(the_private_path),
	};

	return cmocka_run_group_tests_name("agent/sockpath", tests, NULL,
	    NULL);
}
