/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/frame.h"

#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tests/cmocka-all.h"

static void
peek_states(void **state)
{
	static const struct {
		const char *name, *in;
		size_t in_len;
		enum frame_state want;
	} cases[] = {
		{"empty", "", 0, FRAME_MORE},
		{"half a length", "\0\0", 2, FRAME_MORE},
		{"half a body", "\0\0\0\2x", 5, FRAME_MORE},
		{"whole", "\0\0\0\2xy", 6, FRAME_READY},
		{"whole and more", "\0\0\0\2xyz", 7, FRAME_READY},
		{"length 0", "\0\0\0\0", 4, FRAME_BAD},
		{"over the limit", "\0\0\0\11", 4, FRAME_BAD},
		{"huge", "\xff\xff\xff\xff", 4, FRAME_BAD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(64);
		struct bytes body = BYTES_NONE;

		buffer_put(&b, bytes_of(cases[i].in, cases[i].in_len));
		if (frame_peek(&b, 8, &body) != cases[i].want)
			fail_msg("%s", cases[i].name);
		if (cases[i].want == FRAME_READY) {
			assert_true(bytes_is(body, "xy"));
			frame_drop(&b, body);
			assert_int_equal(b.len, cases[i].in_len - 6);
		}
	}
}

static void
over_a_socket(void **state)
{
	CLEANUP(buffer_cleanup) struct buffer out = BUFFER_INIT(1 << 20);
	CLEANUP(buffer_cleanup) struct buffer in = BUFFER_INIT(1 << 20);
	static const uint8_t big[20000];
	struct bytes body;
	size_t mark;
	int sv[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	buffer_put_string(&out, bytes_str("one"));
	mark = buffer_begin(&out);
	buffer_put(&out, bytes_of(big, sizeof(big)));
	buffer_end(&out, mark);
	assert_true(frame_write(sv[0], &out));
	assert_int_equal(frame_read(sv[1], &in, 1 << 18, &body), 1);
	assert_true(bytes_is(body, "one"));
	frame_drop(&in, body);
	assert_int_equal(frame_read(sv[1], &in, 1 << 18, &body), 1);
	assert_int_equal(body.len, sizeof(big));
	frame_drop(&in, body);
	close(sv[0]);
	assert_int_equal(frame_read(sv[1], &in, 1 << 18, &body), 0);
	assert_false(frame_write(sv[1], &out));
	close(sv[1]);
}

static void
end_inside_a_frame(void **state)
{
	CLEANUP(buffer_cleanup) struct buffer in = BUFFER_INIT(1 << 20);
	struct bytes body;
	int sv[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(write(sv[0], "\0\0\0\5ab", 6), 6);
	close(sv[0]);
	assert_int_equal(frame_read(sv[1], &in, 64, &body), -1);
	close(sv[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peek_states),
		cmocka_unit_test(over_a_socket),
		cmocka_unit_test(end_inside_a_frame),
	};

	return cmocka_run_group_tests_name("common/frame", tests, NULL, NULL);
}
