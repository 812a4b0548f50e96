/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/trust.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/place.h"
#include "tests/cmocka-all.h"

enum { STRANGER = 12345 };

struct table {
	char folder[32];
	char path[64];
	char link[64];
	char why[TRUST_WHY_BYTES];
	int listener;
};

/* -1 when it cannot be bound or, with a backlog, listened to. */
static int
listen_at(const char *path, int backlog)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(addr.sun_path, path, strlen(path) + 1);
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    (backlog >= 0 && listen(fd, backlog) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	strcpy(t->folder, "/tmp/trust-XXXXXX");
	assert_non_null(mkdtemp(t->folder));
	snprintf(t->path, sizeof(t->path), "%s/sock", t->folder);
	snprintf(t->link, sizeof(t->link), "%s.link", t->folder);
	assert_int_equal(symlink(t->path, t->link), 0);
	assert_true((t->listener = listen_at(t->path, 8)) >= 0);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct table *t = *state;

	close(t->listener);
	unlink(t->link);
	unlink(t->path);
	assert_int_equal(rmdir(t->folder), 0);
	free(t);
	return 0;
}

static void
check(struct table *t, const char *path, enum trust want, const char *why)
{
	struct peer peer = {0};
	int fd = -1;

	t->why[0] = '\0';
	if (trust_connect(path, &fd, &peer, t->why) != want ||
	    strstr(t->why, why) == NULL)
		fail_msg("%s: \"%s\", not \"%s\"", path, t->why, why);
	if (want != TRUST_OURS) {
		assert_int_equal(fd, -1);
		return;
	}
	assert_int_equal(peer.uid, geteuid());
	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	close(fd);
}

static void
ours(void **state)
{
	struct table *t = *state;

	check(t, t->path, TRUST_OURS, "");
	/* A link of ours in a sticky folder leads to it as well. */
	check(t, t->link, TRUST_OURS, "");
}

static void
nobody(void **state)
{
	struct table *t = *state;

	close(t->listener);
	t->listener = -1;
	check(t, t->path, TRUST_NOBODY, "refused");
	unlink(t->path);
	check(t, t->path, TRUST_NOBODY, "No such file");
	check(t, t->link, TRUST_NOBODY, "No such file");
	check(t, "/nonexistent/sock", TRUST_NOBODY, "No such file");
}

static void
folders(void **state)
{
	static const struct {
		mode_t mode;
		bool ok;
	} cases[] = {
		{0700, true}, {0755, true}, {0770, false}, {0702, false},
		{0777, false}, {01777, true},
	};
	struct table *t = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(chmod(t->folder, cases[i].mode), 0);
		check(t, t->path, cases[i].ok ? TRUST_OURS : TRUST_NOT,
		    cases[i].ok ? "" : "others may replace");
		check(t, t->link, cases[i].ok ? TRUST_OURS : TRUST_NOT,
		    cases[i].ok ? "" : "others may replace");
	}
}

static void
things_that_are_no_socket(void **state)
{
	struct table *t = *state;
	char path[256];

	check(t, "/dev/null", TRUST_NOT, "no socket");
	check(t, t->folder, TRUST_NOT, "no socket");
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	check(t, path, TRUST_NOT, "too long");
}

/* A stopped one, which has no room for one more. */
static void
full_queue(void **state)
{
	struct table *t = *state;
	struct peer peer;
	int fds[2];

	close(t->listener);
	unlink(t->path);
	assert_true((t->listener = listen_at(t->path, 0)) >= 0);
	assert_int_equal(trust_connect(t->path, &fds[0], &peer, t->why),
	    TRUST_OURS);
	check(t, t->path, TRUST_NOT, "answers nobody");
	close(fds[0]);
}

/* The three that belong to others, for which one has to be root here. */
static void
strangers(void **state)
{
	struct table *t = *state;
	int ends[2], status;
	pid_t pid;
	char byte;

	if (geteuid() != 0)
		skip();
	assert_int_equal(lchown(t->path, STRANGER, 0), 0);
	check(t, t->path, TRUST_NOT, "belongs to user 12345");
	assert_int_equal(lchown(t->path, 0, 0), 0);
	assert_int_equal(chown(t->folder, STRANGER, 0), 0);
	check(t, t->path, TRUST_NOT, "others may replace");
	/* A stranger who may write there has put his own in its place. */
	close(t->listener);
	unlink(t->path);
	assert_int_equal(pipe(ends), 0);
	if ((pid = fork()) == 0) {
		t->listener = setuid(STRANGER) == 0 ?
		    listen_at(t->path, 8) : -1;
		close(ends[0]);
		if (t->listener >= 0 && write(ends[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	assert_int_equal(chown(t->folder, 0, 0), 0);
	check(t, t->path, TRUST_NOT, "belongs to user 12345");
	assert_int_equal(lchown(t->path, 0, 0), 0);
	check(t, t->path, TRUST_NOT, "another user listens");
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	t->listener = -1;
}

static void
the_base(void **state)
{
	struct table *t = *state;
	char base[PATH_MAX_BYTES], why[TRUST_WHY_BYTES];

	assert_int_equal(setenv("XDG_RUNTIME_DIR", t->folder, 1), 0);
	assert_int_equal(setenv("HOME", t->folder, 1), 0);
	assert_true(place_base(base, why));
	assert_string_equal(base, t->folder);
	assert_int_equal(chmod(t->folder, 0770), 0);
	assert_false(place_base(base, why));
	assert_non_null(strstr(why, "others may write to /tmp/trust-"));
	assert_int_equal(chmod(t->folder, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(t->folder, STRANGER, 0), 0);
		assert_false(place_base(base, why));
		assert_non_null(strstr(why, "belongs to user 12345"));
	}
	assert_int_equal(setenv("XDG_RUNTIME_DIR", "/nonexistent", 1), 0);
	assert_int_equal(setenv("HOME", "/nonexistent", 1), 0);
	assert_false(place_base(base, why));
	assert_non_null(strstr(why, "/nonexistent: No such file"));
	assert_int_equal(setenv("XDG_RUNTIME_DIR", "/dev/null", 1), 0);
	assert_int_equal(setenv("HOME", "/dev/null", 1), 0);
	assert_false(place_base(base, why));
	assert_non_null(strstr(why, "no folder"));
}

/* Without variables, or with such as do not count. */
static void
the_usual_base(void **state)
{
	static const char *const values[] = {"", "run"};
	char base[PATH_MAX_BYTES], usual[64], why[TRUST_WHY_BYTES];
	struct stat st;
	bool there;

	(void)state;
	snprintf(usual, sizeof(usual), "/run/user/%lu",
	    (unsigned long)geteuid());
	there = stat(usual, &st) == 0 && st.st_uid == geteuid();
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		assert_int_equal(setenv("XDG_RUNTIME_DIR", values[i], 1), 0);
		assert_int_equal(setenv("HOME", values[i], 1), 0);
		assert_int_equal(place_base(base, why), there);
		if (there)
			assert_string_equal(base, usual);
		else
			assert_non_null(strstr(why, "is not set"));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ours),
		TEST(nobody),
		TEST(folders),
		TEST(things_that_are_no_socket),
		TEST(full_queue),
		TEST(strangers),
		TEST(the_base),
		TEST(the_usual_base),
	};

	return cmocka_run_group_tests_name("common/trust", tests, NULL, NULL);
}
