/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agent-readers without PC/SC says so, once. */
#include <sys/socket.h>
#include <unistd.h>

#include "common/frame.h"
#include "pkcs11/readers-wire.h"
#include "pkcs11/readers.h"
#include "tests/cmocka-all.h"

static void
says_so(void **unused)
{
	struct buffer in = BUFFER_INIT(READERS_MSG_MAX_BYTES);
	struct readers_state got;
	struct bytes body;
	struct readers_watch *w;
	int ends[2];

	(void)unused;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	w = readers_watch_new(ends[0]);
	assert_non_null(w);
	assert_true(readers_watch_run(w));
	readers_watch_asked(w);
	assert_null(readers_watch_free(w));
	close(ends[0]);
	assert_int_equal(
	    frame_read(ends[1], &in, READERS_MSG_MAX_BYTES, &body), 1);
	assert_int_equal(body.p[0], READERS_STATE);
	assert_int_equal(
	    readers_state_parse(bytes_of(body.p + 1, body.len - 1), &got),
	    PARSE_OK);
	assert_int_equal(got.service, READERS_UNSUPPORTED);
	assert_true(got.text.len > 0);
	frame_drop(&in, body);
	assert_int_equal(
	    frame_read(ends[1], &in, READERS_MSG_MAX_BYTES, &body), 0);
	buffer_clear(&in);
	close(ends[1]);
}

static void
nobody_there(void **unused)
{
	struct readers_watch *w;
	int ends[2];

	(void)unused;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	close(ends[1]);
	w = readers_watch_new(ends[0]);
	assert_non_null(w);
	assert_false(readers_watch_run(w));
	readers_watch_free(w);
	close(ends[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_so),
		cmocka_unit_test(nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
