/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/wipe.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/frame.h"
#include "common/reader.h"
#include "common/secret.h"
#include "tests/cmocka-all.h"

enum {
	PIN_MAX_BYTES = 100,
	/* Fewer bytes of a PIN are no PIN. */
	PIECE_BYTES = 5,
	STACK_BYTES = 64 * 1024,
};

/* A signal's stack: the kernel writes every register there. */
static volatile uint8_t signal_stack[STACK_BYTES];
static volatile uint8_t pin[PIN_MAX_BYTES];
static uint8_t copy[2 * PIN_MAX_BYTES];

static void
on_signal(int number)
{
	(void)number;
}

static int
set_up(void **state)
{
	const struct sigaction action = {
		.sa_handler = on_signal,
		.sa_flags = SA_ONSTACK,
	};
	const stack_t stack = {
		.ss_sp = (void *)(uintptr_t)signal_stack,
		.ss_size = sizeof(signal_stack),
	};

	(void)state;
	for (size_t i = 0; i < PIN_MAX_BYTES; i++)
		pin[i] = (uint8_t)(33 + i * 37 % 89);
	return sigaltstack(&stack, NULL) != 0 ||
	    sigaction(SIGUSR1, &action, NULL) != 0;
}

static struct bytes
pin_of(size_t len)
{
	return bytes_of((const uint8_t *)(uintptr_t)pin, len);
}

/* Is this piece of the PIN on the signal's stack? */
static bool
stack_holds(size_t from)
{
	for (size_t i = 0; i + PIECE_BYTES <= sizeof(signal_stack); i++) {
		size_t n = 0;

		while (n < PIECE_BYTES && signal_stack[i + n] == pin[from + n])
			n++;
		if (n == PIECE_BYTES)
			return true;
	}
	return false;
}

static void
by_memcpy(size_t len)
{
	memcpy(copy, pin_of(len).p, len);
}

static void
by_copy(size_t len)
{
	copy_bytewise(copy, pin_of(len).p, len);
}

static void
by_secret(size_t len)
{
	struct secret *a = secret_new(pin_of(len));
	struct secret *b = secret_new(secret_bytes(a));

	assert_true(secret_equal(a, b));
	secret_free(a);
	secret_free(b);
}

/* Put behind something else, so that it grows, and consumed. */
static void
by_buffer(size_t len)
{
	CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(1000);

	for (int i = 0; i < 30; i++)
		buffer_put_u64(&b, 0);
	buffer_put_string(&b, pin_of(len));
	buffer_put(&b, bytes_of(copy, sizeof(copy)));
	buffer_consume(&b, 20);
	assert_false(b.failed);
}

/* A PIN behind words that are looked at and copied themselves. */
static void
by_frame(size_t len)
{
	CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(1000);
	struct reader r;
	struct bytes body;
	size_t mark;
	char *word;

	mark = buffer_begin(&b);
	buffer_put_string(&b, bytes_str("unlock"));
	buffer_put_string(&b, pin_of(len));
	buffer_end(&b, mark);
	assert_int_equal(frame_peek(&b, 1000, &body), FRAME_READY);
	r = reader_of(body);
	word = bytes_strdup(reader_string(&r));
	reader_string(&r);
	assert_int_equal(reader_finish(&r), PARSE_OK);
	frame_drop(&b, body);
	free(word);
}

static void
by_line(size_t len)
{
	struct bytes line = bytes_until(pin_of(len), '\n');

	assert_int_equal(line.len, len);
}

/* Wiping leaves none either, wherever the compiler kept a part of it. */
static void
by_wipe(size_t len)
{
	copy_bytewise(copy, pin_of(len).p, len);
	wipe(copy, sizeof(copy));
}

/* How many pieces of a PIN of this length a signal would write down. */
static size_t
pieces_seen(void (*handle)(size_t len), size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof(signal_stack); i++)
		signal_stack[i] = 0;
	handle(len);
	raise(SIGUSR1);
	for (size_t i = 0; i + PIECE_BYTES <= len; i++)
		n += stack_holds(i);
	return n;
}

static const size_t lengths[] = {5, 6, 8, 11, 16, 24, 33, 64, PIN_MAX_BYTES};

enum { N_LENGTHS = sizeof(lengths) / sizeof(lengths[0]) };

/* The other test can fail: a signal does write down what memcpy moved. */
static void
a_signal_writes_registers_down(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < N_LENGTHS; i++)
		n += pieces_seen(by_memcpy, lengths[i]);
	assert_true(n > 0);
}

static void
no_register_holds_a_pin(void **state)
{
	static const struct {
		const char *name;
		void (*handle)(size_t len);
	} cases[] = {
		{"copy_bytewise", by_copy},
		{"a secret", by_secret},
		{"a buffer", by_buffer},
		{"a frame", by_frame},
		{"a line", by_line},
		{"wipe", by_wipe},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t j = 0; j < N_LENGTHS; j++)
			if (pieces_seen(cases[i].handle, lengths[j]) > 0)
				fail_msg("%s: %zu bytes", cases[i].name,
				    lengths[j]);
}

static void
copies_and_moves(void **state)
{
	uint8_t text[] = "0123456789";

	(void)state;
	copy_bytewise(text, text + 2, 9);
	assert_string_equal((char *)text, "23456789");
	copy_bytewise(text + 1, "ab", 2);
	copy_bytewise(text, NULL, 0);
	assert_string_equal((char *)text, "2ab56789");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_writes_registers_down),
		cmocka_unit_test(no_register_holds_a_pin),
		cmocka_unit_test(copies_and_moves),
	};

	return cmocka_run_group_tests_name("common/wipe", tests, set_up, NULL);
}
