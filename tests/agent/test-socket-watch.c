/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/socket-watch.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/sockpath.h"
#include "tests/cmocka-all.h"

struct table {
	struct event_base *base;
	char top[32];	 /* … */
	char folder[64]; /* …/folder */
	char path[96];	 /* …/folder/sock */
	char other[96];	 /* …/folder/other */
	struct listen_socket socket;
	struct socket_watch *watch;
	const char *told;
	int times;
};

static void
gone(void *arg, const char *words)
{
	struct table *t = arg;

	t->told = words;
	t->times++;
}

static void
begin(struct table *t)
{
	t->watch = socket_watch_new(t->base, t->path, t->socket.dev,
	    t->socket.ino, gone, t);
	assert_non_null(t->watch);
}

static int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));
	char why[SOCK_WHY_BYTES];

	assert_non_null(t->base = event_base_new());
	strcpy(t->top, "/tmp/watch-XXXXXX");
	assert_non_null(mkdtemp(t->top));
	snprintf(t->folder, sizeof(t->folder), "%s/folder", t->top);
	assert_int_equal(mkdir(t->folder, 0700), 0);
	snprintf(t->path, sizeof(t->path), "%s/sock", t->folder);
	snprintf(t->other, sizeof(t->other), "%s/other", t->folder);
	if (sock_listen(t->path, &t->socket, why) != SOCK_OK)
		fail_msg("%s", why);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct table *t = *state;

	socket_watch_free(t->watch);
	listen_socket_close(&t->socket);
	event_base_free(t->base);
	unlink(t->path);
	unlink(t->other);
	rmdir(t->folder);
	assert_int_equal(rmdir(t->top), 0);
	free(t);
	return 0;
}

/* Check what the system has told by now. */
static void
check(struct table *t, const char *words)
{
	assert_true(event_base_loop(t->base, EVLOOP_NONBLOCK) >= 0);
	assert_int_equal(t->times, words == NULL ? 0 : 1);
	if (words != NULL)
		assert_string_equal(t->told, words);
	/* Once is enough. */
	event_base_loop(t->base, EVLOOP_NONBLOCK);
	assert_int_equal(t->times, words == NULL ? 0 : 1);
}

static void
make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void
removed(void **state)
{
	struct table *t = *state;

	begin(t);
	check(t, NULL);
	assert_int_equal(unlink(t->path), 0);
	check(t, "is gone");
}

static void
moved_away(void **state)
{
	struct table *t = *state;

	begin(t);
	check(t, NULL);
	assert_int_equal(rename(t->path, t->other), 0);
	check(t, "is gone");
}

static void
replaced(void **state)
{
	struct table *t = *state;

	begin(t);
	check(t, NULL);
	make_file(t->other);
	assert_int_equal(rename(t->other, t->path), 0);
	check(t, "is another one by now");
}

static void
folder_moved_away(void **state)
{
	struct table *t = *state;
	char moved[64];

	begin(t);
	check(t, NULL);
	snprintf(moved, sizeof(moved), "%s/moved", t->top);
	assert_int_equal(rename(t->folder, moved), 0);
	check(t, "is gone");
	assert_int_equal(rename(moved, t->folder), 0);
}

/* In the moment before it is watched. */
static void
removed_before(void **state)
{
	struct table *t = *state;

	make_file(t->other);
	assert_int_equal(rename(t->other, t->path), 0);
	begin(t);
	check(t, "is another one by now");
}

/* Changes that are not about our file, or do not take it away. */
static void
still_there(void **state)
{
	struct table *t = *state;

	begin(t);
	check(t, NULL);
	make_file(t->other);
	assert_int_equal(unlink(t->other), 0);
	assert_int_equal(chmod(t->path, 0666), 0);
	assert_int_equal(chmod(t->folder, 0755), 0);
	assert_int_equal(link(t->path, t->other), 0);
	check(t, NULL);
	/* The watch waits for the system, and for no time. */
	assert_int_equal(event_base_get_num_events(t->base,
	    EVENT_BASE_COUNT_ADDED), 1);
}

static void
no_such_file(void **state)
{
	struct table *t = *state;

	assert_null(socket_watch_new(t->base, "/nonexistent/sock", 1, 1, gone,
	    t));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(removed),
		TEST(moved_away),
		TEST(replaced),
		TEST(folder_moved_away),
		TEST(removed_before),
		TEST(still_there),
		TEST(no_such_file),
	};

	return cmocka_run_group_tests_name("agent/socket-watch", tests, NULL,
	    NULL);
}
