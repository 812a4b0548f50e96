/* SPDX-License-Identifier: BSD-2-Clause */
/* Wrong PINs that outlive the daemon: the form, and the file. */
#include "agent/config-state.h"
#include "tests/agent/config-files.h"

enum { FULL = PIN_STORE_ENTRIES_MAX };

static struct pin_entry
entry_of(unsigned number, uint32_t wrong, bool off)
{
	struct pin_entry e = {.wrong = wrong, .unattended_off = off};

	e.token[0] = (uint8_t)(number >> 8);
	e.token[31] = (uint8_t)number;
	return e;
}

static void
entries_stay_in_order(void **state)
{
	static const unsigned numbers[] = {300, 2, 299, 1, 600, 3};
	struct pin_store s = {.n = 0};
	struct pin_entry e;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		e = entry_of(numbers[i], numbers[i], false);
		assert_true(pin_store_set(&s, &e));
	}
	e = entry_of(2, 1, true);
	assert_true(pin_store_set(&s, &e));
	assert_int_equal(s.n, 6);
	assert_int_equal(s.entries[0].wrong, 1);
	assert_true(s.entries[1].wrong == 1 && s.entries[1].unattended_off);
	assert_int_equal(s.entries[2].wrong, 3);
	assert_int_equal(s.entries[5].wrong, 600);
	/* A good PIN leaves nothing behind. */
	e = entry_of(1, 0, false);
	assert_true(pin_store_set(&s, &e));
	e = entry_of(77, 0, false);
	assert_true(pin_store_set(&s, &e));
	assert_int_equal(s.n, 5);
	assert_int_equal(s.entries[0].token[31], 2);
	/* But that persons alone may try, does. */
	e = entry_of(78, 0, true);
	assert_true(pin_store_set(&s, &e));
	assert_int_equal(s.n, 6);
	/* And so does a PIN of which no answer said what it was. */
	e = entry_of(79, 0, false);
	e.doubt = 1;
	assert_true(pin_store_set(&s, &e));
	assert_int_equal(s.n, 7);
}

static void
it_is_full_some_day(void **state)
{
	struct pin_store *s = calloc(1, sizeof(*s));
	struct buffer b = BUFFER_INIT(PIN_STORE_MAX_BYTES);
	struct pin_entry e;

	(void)state;
	assert_non_null(s);
	for (unsigned i = 0; i < FULL; i++) {
		e = entry_of(i, 1, false);
		assert_true(pin_store_set(s, &e));
	}
	e = entry_of(FULL, 1, false);
	assert_false(pin_store_set(s, &e));
	e = entry_of(7, 2, false);
	assert_true(pin_store_set(s, &e));
	pin_store_put(&b, s);
	assert_false(b.failed);
	assert_int_equal(b.len, PIN_STORE_MAX_BYTES);
	assert_int_equal(pin_store_parse(buffer_bytes(&b), s), PARSE_OK);
	assert_int_equal(s->entries[7].wrong, 2);
	buffer_clear(&b);
	free(s);
}

static void
only_its_own_form_is_taken(void **state)
{
	struct buffer b = BUFFER_INIT(PIN_STORE_MAX_BYTES);
	struct pin_store s = {.n = 0}, got = {.n = 9};
	uint8_t copy[128];

	(void)state;
	for (unsigned i = 1; i < 3; i++) {
		struct pin_entry e = entry_of(i, i, i == 2);

		e.doubt = 7 * i;
		assert_true(pin_store_set(&s, &e));
	}
	pin_store_put(&b, &s);
	assert_true(b.len < sizeof(copy));
	for (size_t len = 0; len < b.len; len++)
		assert_int_not_equal(pin_store_parse(bytes_of(b.p, len),
		    &got), PARSE_OK);
	assert_int_equal(got.n, 9);
	assert_int_equal(pin_store_parse(buffer_bytes(&b), &got), PARSE_OK);
	assert_int_equal(got.n, 2);
	assert_true(got.entries[1].unattended_off);
	assert_int_equal(got.entries[1].doubt, 14);
	/* Any other magic, count or bool; the order; bytes behind the end. */
	for (size_t i = 0; i < 5; i++) {
		static const size_t at[] = {0, 11, 52, 12 + 31, 12 + 41 + 31};
		static const uint8_t to[] = {'q', 3, 2, 2, 1};

		memcpy(copy, b.p, b.len);
		copy[at[i]] = to[i];
		assert_int_not_equal(pin_store_parse(bytes_of(copy, b.len),
		    &got), PARSE_OK);
	}
	memcpy(copy, b.p, b.len);
	copy[b.len] = 0;
	assert_int_equal(pin_store_parse(bytes_of(copy, b.len + 1), &got),
	    PARSE_TRAILING);
	memcpy(copy + 8, "\1\0\0\0", 4);
	assert_int_equal(pin_store_parse(bytes_of(copy, b.len), &got),
	    PARSE_LIMIT);
	buffer_clear(&b);
}

/* Of those who had an agent before PINs could be in doubt. */
static void
an_older_form_is_read(void **state)
{
	static const uint8_t head[] = "p11pins1\0\0\0\1";
	struct buffer b = BUFFER_INIT(PIN_STORE_MAX_BYTES);
	const struct pin_entry e = entry_of(5, 2, true);
	struct pin_store got = {.n = 9};

	(void)state;
	buffer_put(&b, bytes_of(head, sizeof(head) - 1));
	buffer_put(&b, bytes_of(e.token, sizeof(e.token)));
	buffer_put_u32(&b, e.wrong);
	buffer_put_bool(&b, e.unattended_off);
	for (size_t len = 0; len < b.len; len++)
		assert_int_not_equal(pin_store_parse(bytes_of(b.p, len),
		    &got), PARSE_OK);
	assert_int_equal(pin_store_parse(buffer_bytes(&b), &got), PARSE_OK);
	assert_int_equal(got.n, 1);
	assert_memory_equal(got.entries[0].token, e.token, sizeof(e.token));
	assert_int_equal(got.entries[0].wrong, 2);
	assert_int_equal(got.entries[0].doubt, 0);
	assert_true(got.entries[0].unattended_off);
	buffer_clear(&b);
}

static void
words_of_a_command_line(void **state)
{
	static const struct {
		const char *hash, *wrong, *doubt, *off;
	} bad[] = {
		{"00", "1", "0", "0"},
		{"0x", "1", "0", "0"},
		{NULL, "", "0", "0"},
		{NULL, "-1", "0", "0"},
		{NULL, " 1", "0", "0"},
		{NULL, "1x", "0", "0"},
		{NULL, "4294967296", "0", "0"},
		{NULL, "99999999999999999999999", "0", "0"},
		{NULL, "1", "", "0"},
		{NULL, "1", "-1", "0"},
		{NULL, "1", "1x", "0"},
		{NULL, "1", "4294967296", "0"},
		{NULL, "1", "0", ""},
		{NULL, "1", "0", "2"},
		{NULL, "1", "0", "true"},
	};
	char w[PIN_ENTRY_WORDS][PIN_ENTRY_WORD_BYTES];
	char *words[] = {w[0], w[1], w[2], w[3]};
	struct pin_entry e = entry_of(0x8ff, UINT32_MAX, true), got;

	(void)state;
	e.doubt = 3;
	pin_entry_words(&e, w);
	assert_true(pin_entry_from_words(words, &got));
	assert_memory_equal(got.token, e.token, sizeof(e.token));
	assert_true(got.wrong == UINT32_MAX && got.unattended_off);
	assert_int_equal(got.doubt, 3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pin_entry_words(&e, w);
		if (bad[i].hash != NULL)
			memcpy(w[0], bad[i].hash, 2);
		if (i == 0)
			w[0][2] = '\0';
		snprintf(w[1], sizeof(w[1]), "%s", bad[i].wrong);
		snprintf(w[2], sizeof(w[2]), "%s", bad[i].doubt);
		snprintf(w[3], sizeof(w[3]), "%s", bad[i].off);
		if (pin_entry_from_words(words, &got))
			fail_msg("case %zu", i);
	}
}

static void
a_token_has_one_name(void **state)
{
	struct token_id a = {.manufacturer = bytes_str("m"),
	    .model = bytes_str("o"), .serial = bytes_str("12"),
	    .label = bytes_str("l"), .slot_description = bytes_str("a")};
	uint8_t one[PIN_STORE_HASH_BYTES], two[PIN_STORE_HASH_BYTES];

	(void)state;
	assert_true(pin_store_hash(&a, one));
	a.slot_description = bytes_str("another reader");
	assert_true(pin_store_hash(&a, two));
	assert_memory_equal(one, two, sizeof(one));
	a.serial = bytes_str("1");
	a.label = bytes_str("2l");
	assert_true(pin_store_hash(&a, two));
	assert_memory_not_equal(one, two, sizeof(one));
}

/* What the file says; "" or what is wrong with it. */
static const char *
read_back(struct pin_store *ret)
{
	static char words[CONFIG_STATE_WORDS];
	struct buffer b = BUFFER_INIT(PIN_STORE_MAX_BYTES);
	const char *wrong = config_state_pins(&b, words);

	ret->n = 99;
	if (wrong == NULL)
		wrong = pin_store_parse(buffer_bytes(&b), ret) == PARSE_OK ?
		    "" : "no sense";
	buffer_clear(&b);
	return wrong;
}

static const char *
set(unsigned number, uint32_t wrong)
{
	static char words[CONFIG_STATE_WORDS];
	const struct pin_entry e = entry_of(number, wrong, false);
	char *path = NULL;
	const char *fault = config_state_set_pins(&e, &path, words);

	assert_int_equal(fault == NULL, path != NULL);
	free(path);
	return fault == NULL ? "" : fault;
}

static int
state_setup(void **state)
{
	struct files *f;

	files_setup(state);
	f = *state;
	assert_int_equal(setenv("XDG_STATE_HOME", files_path(f, "a/b"), 1),
	    0);
	return 0;
}

static unsigned
mode_of(struct files *f, const char *name)
{
	struct stat st;

	assert_int_equal(lstat(files_path(f, name), &st), 0);
	return st.st_mode & 07777;
}

static void
a_file_that_outlives_us(void **state)
{
	struct pin_store s;

	assert_string_equal(read_back(&s), "");
	assert_int_equal(s.n, 0);
	umask(0);
	assert_string_equal(set(1, 2), "");
	umask(022);
	assert_string_equal(set(2, 1), "");
	assert_string_equal(read_back(&s), "");
	assert_int_equal(s.n, 2);
	assert_int_equal(s.entries[0].wrong, 2);
	assert_int_equal(mode_of(*state, "a/b/p11-agent"), 0700);
	assert_int_equal(mode_of(*state, "a/b/p11-agent/pins"), 0600);
	assert_string_equal(set(1, 0), "");
	assert_string_equal(read_back(&s), "");
	assert_int_equal(s.n, 1);
	/* One that makes no sense is told, and replaced by what is known. */
	files_write(*state, "a/b/p11-agent/pins", "p11pins1\n");
	assert_string_equal(read_back(&s), "no sense");
	assert_string_equal(set(5, 3), "");
	assert_string_equal(read_back(&s), "");
	assert_int_equal(s.n, 1);
	files_write(*state, "a/b/p11-agent/pins", "");
	assert_non_null(strstr(read_back(&s), "is empty"));
	assert_string_equal(set(5, 3), "");
}

static void
links_are_not_followed(void **state)
{
	struct files *f = *state;
	char victim[PATH_MAX];
	struct pin_store s;

	files_write(f, "victim", "keep me");
	snprintf(victim, sizeof(victim), "%s", files_path(f, "victim"));
	assert_string_equal(set(1, 2), "");
	assert_int_equal(unlink(files_path(f, "a/b/p11-agent/pins")), 0);
	assert_int_equal(symlink(victim, f->path), 0);
	assert_non_null(strstr(read_back(&s), "is a link"));
	assert_non_null(strstr(set(1, 2), "is a link"));
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_non_null(strstr(read_back(&s), "regular"));
	assert_int_equal(unlink(f->path), 0);
	/* Nor that of the folder, nor one that others may write. */
	assert_int_equal(rename(files_path(f, "a/b/p11-agent"), victim), -1);
	assert_int_equal(chmod(f->path, 0777), 0);
	assert_non_null(strstr(set(1, 2), "yours alone"));
	assert_int_equal(rmdir(f->path), 0);
	assert_int_equal(symlink(f->folder, f->path), 0);
	assert_non_null(strstr(set(1, 2), "not a folder"));
	assert_non_null(strstr(read_back(&s), "not a folder"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_stay_in_order),
		cmocka_unit_test(it_is_full_some_day),
		cmocka_unit_test(only_its_own_form_is_taken),
		cmocka_unit_test(an_older_form_is_read),
		cmocka_unit_test(words_of_a_command_line),
		cmocka_unit_test(a_token_has_one_name),
		cmocka_unit_test_setup_teardown(a_file_that_outlives_us,
		    state_setup, files_teardown),
		cmocka_unit_test_setup_teardown(links_are_not_followed,
		    state_setup, files_teardown),
	};

	return cmocka_run_group_tests_name("pin-store", tests, NULL, NULL);
}
