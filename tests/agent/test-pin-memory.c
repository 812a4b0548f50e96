/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiters for the file of wrong PINs; p11-agent-config is played. */
#include "agent/pin-memory.h"

#include <event2/event.h>
#include <stdio.h>

#include "agent/config-run.h"
#include "common/limits.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

static struct {
	struct agent *agent;
	unsigned runs;
	bool fails; /* none can be started */
	bool read;
	char words[4][PIN_ENTRY_WORD_BYTES]; /* behind the command */
	config_run_done done;
	void *arg;
} play;

struct config_run *__wrap_config_run_start(struct agent *agent,
    const char *const *args, config_run_done done, void *arg);
struct config_run *__wrap_config_run_free(struct config_run *r);

struct config_run *
__wrap_config_run_start(struct agent *agent, const char *const *args,
    config_run_done done, void *arg)
{
	assert_non_null(agent);
	/* Processes run one at a time. */
	assert_null(play.done);
	if (play.fails)
		return NULL;
	for (unsigned i = 0; i < 4 && args[i + 1] != NULL; i++)
		snprintf(play.words[i], sizeof(play.words[i]), "%s",
		    args[i + 1]);
	play.runs++;
	play.done = done;
	play.arg = arg;
	return (struct config_run *)&play;
}

struct config_run *
__wrap_config_run_free(struct config_run *r)
{
	if (r != NULL)
		play.done = NULL;
	return NULL;
}

/* The process under way ends. */
static void
run_ends(struct bytes answer, const char *error)
{
	config_run_done done = play.done;

	assert_non_null(done);
	play.done = NULL;
	done(play.arg, answer, error);
}

static void
run_fails(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	run_ends(BYTES_NONE, "its folder hangs");
}

static void
was_read(void *arg)
{
	(void)arg;
	play.read = true;
}

/* The file says this of the token "one": how many wrong ones. */
static void
read_file(uint32_t wrong)
{
	struct buffer b = BUFFER_INIT(PIN_STORE_MAX_BYTES);
	const struct token_id id = world_token_id("one", "1");
	struct pin_store s = {.n = 0};
	struct pin_entry e = {.wrong = wrong};

	assert_true(pin_store_hash(&id, e.token));
	assert_true(pin_store_set(&s, &e));
	pin_store_put(&b, &s);
	pin_file_read(play.agent->pin_file, was_read, NULL);
	run_ends(buffer_bytes(&b), NULL);
	assert_true(play.read);
	buffer_clear(&b);
}

static struct pin_record *
record(const char *label)
{
	const struct token_id id = world_token_id(label, "1");
	struct pin_record *r = pin_record_get(play.agent, &id);

	assert_non_null(r);
	return r;
}

struct waiter {
	struct pin_waiter w;
	struct pin_record *r;
	bool again; /* stores once more when it is told */
	unsigned told;
	const char *fault;
};

static enum pin_stored store(struct waiter *w, struct pin_record *r);

static void
told(void *arg, const char *fault)
{
	struct waiter *w = arg;

	assert_null(w->w.file);
	w->told++;
	w->fault = fault;
	if (w->again) {
		w->again = false;
		assert_int_equal(store(w, w->r), PIN_STORING);
	}
}

static enum pin_stored
store(struct waiter *w, struct pin_record *r)
{
	w->w.done = told;
	w->w.arg = w;
	w->r = r;
	pin_record_try(r);
	return pin_file_store(play.agent->pin_file, r, &w->w);
}

/* Check what the process under way is to write. */
static void
assert_writes(const char *wrong, const char *doubt, const char *off)
{
	assert_non_null(play.done);
	assert_string_equal(play.words[1], wrong);
	assert_string_equal(play.words[2], doubt);
	assert_string_equal(play.words[3], off);
}

static void
a_try_is_stored_and_corrected(void **state)
{
	struct pin_file *f = play.agent->pin_file;
	struct pin_record *r;
	struct waiter w = {0};

	(void)state;
	read_file(1);
	r = record("one");
	assert_int_equal(pin_record_spent(r), 1);
	assert_int_equal(store(&w, r), PIN_STORING);
	/* Until the answer comes: in doubt, and for persons only. */
	assert_writes("1", "1", "1");
	assert_int_equal(pin_record_spent(r), 1);
	assert_int_equal(w.told, 0);
	run_ends(BYTES_NONE, NULL);
	assert_int_equal(w.told, 1);
	assert_null(w.fault);
	assert_null(play.done);
	pin_record_end(r, PIN_END_WRONG);
	pin_file_save(f);
	assert_writes("2", "0", "0");
	run_ends(BYTES_NONE, NULL);
	/* The next one never comes back. */
	assert_int_equal(store(&w, r), PIN_STORING);
	assert_writes("2", "1", "1");
	run_ends(BYTES_NONE, NULL);
	r->unattended_off = true;
	pin_record_end(r, PIN_END_DOUBT);
	pin_file_save(f);
	/* The file says that, too. */
	assert_null(play.done);
	assert_int_equal(pin_record_spent(r), 3);
	pin_record_try(r);
	pin_record_end(r, PIN_END_GOOD);
	pin_file_save(f);
	assert_writes("0", "0", "0");
	run_ends(BYTES_NONE, NULL);
	assert_null(play.done);
}

/* A proven PIN is not stored, but nor is it left out when others are. */
static void
a_proven_one_runs_nothing(void **state)
{
	struct pin_record *r;

	(void)state;
	read_file(0);
	r = record("one");
	pin_record_try(r);
	pin_record_end(r, PIN_END_GOOD);
	pin_file_save(play.agent->pin_file);
	assert_int_equal(play.runs, 1);
}

static void
tries_of_two_tokens_take_turns(void **state)
{
	struct waiter one = {0}, two = {0}, three = {0};
	struct pin_record *late;

	(void)state;
	read_file(0);
	late = record("late");
	assert_int_equal(store(&one, record("one")), PIN_STORING);
	/* Nobody waits for this, so that it comes last. */
	pin_record_try(late);
	pin_record_end(late, PIN_END_WRONG);
	pin_file_save(play.agent->pin_file);
	assert_int_equal(store(&two, record("two")), PIN_STORING);
	assert_int_equal(store(&three, record("three")), PIN_STORING);
	run_ends(BYTES_NONE, NULL);
	assert_int_equal(one.told, 1);
	assert_int_equal(two.told + three.told, 0);
	assert_writes("0", "1", "1");
	/* Whoever leaves is not told. */
	pin_waiter_leave(&three.w);
	run_ends(BYTES_NONE, NULL);
	assert_int_equal(two.told, 1);
	assert_writes("1", "0", "0");
	run_ends(BYTES_NONE, NULL);
	assert_writes("0", "1", "1");
	run_ends(BYTES_NONE, NULL);
	assert_int_equal(three.told, 0);
	assert_null(play.done);
}

/* Another token's is being written, and this one's try is in the file. */
static void
what_is_in_the_file_waits_for_no_other(void **state)
{
	struct waiter one = {0}, two = {0};
	struct pin_record *r;

	(void)state;
	read_file(0);
	r = record("one");
	assert_int_equal(store(&one, r), PIN_STORING);
	run_ends(BYTES_NONE, NULL);
	assert_int_equal(store(&two, record("two")), PIN_STORING);
	/* The try was not sent, and a person types it again. */
	pin_record_end(r, PIN_END_UNSENT);
	pin_file_save(play.agent->pin_file);
	assert_int_equal(store(&one, r), PIN_STORED);
	run_ends(BYTES_NONE, NULL);
	assert_int_equal(two.told, 1);
	assert_int_equal(one.told, 1);
	assert_null(play.done);
}

/* A count that is being written may not get there. */
static void
what_is_being_written_is_waited_for(void **state)
{
	struct waiter w = {0};
	struct pin_record *r;

	(void)state;
	read_file(0);
	r = record("one");
	assert_int_equal(store(&w, r), PIN_STORING);
	pin_waiter_leave(&w.w);
	pin_record_end(r, PIN_END_UNSENT);
	assert_int_equal(store(&w, r), PIN_STORING);
	assert_int_equal(play.runs, 2);
	run_ends(BYTES_NONE, "the disk is full");
	assert_int_equal(w.told, 1);
	assert_string_equal(w.fault, "the disk is full");
	assert_null(play.done);
}

static void
what_cannot_be_stored(void **state)
{
	struct pin_record *r, *other;
	struct waiter w = {0};

	(void)state;
	read_file(0);
	r = record("one");
	other = record("two");
	assert_int_equal(store(&w, r), PIN_STORING);
	run_ends(BYTES_NONE, "the disk is full");
	assert_int_equal(w.told, 1);
	assert_string_equal(w.fault, "the disk is full");
	assert_false(pin_record_is_sure(r));
	assert_true(pin_record_is_sure(other));
	play.fails = true;
	assert_int_equal(store(&w, other), PIN_NOT_STORED);
	assert_int_equal(w.told, 1);
	assert_false(pin_record_is_sure(other));
	/* A second store puts no more into the file than before. */
	assert_int_equal(pin_file_store(play.agent->pin_file, other, &w.w),
	    PIN_NOT_STORED);
	/* Until one is. */
	play.fails = false;
	assert_int_equal(store(&w, other), PIN_STORING);
	run_ends(BYTES_NONE, NULL);
	assert_true(pin_record_is_sure(other));
	assert_false(pin_record_is_sure(r));
	assert_int_equal(w.told, 2);
}

static void
what_cannot_be_read(void **state)
{
	struct pin_record *before, *after;

	(void)state;
	before = record("one");
	pin_file_read(play.agent->pin_file, was_read, NULL);
	run_ends(BYTES_NONE, "it is a FIFO");
	assert_true(play.read);
	after = record("two");
	assert_false(pin_record_is_sure(before));
	assert_false(pin_record_is_sure(after));
	/* A good PIN begins a count that is known. */
	pin_record_try(before);
	pin_record_end(before, PIN_END_GOOD);
	assert_true(pin_record_is_sure(before));
	assert_false(pin_record_is_sure(after));
}

/* A card that two modules show has two entries, and is one. */
static void
a_device_s_entries_are_written_both(void **state)
{
	struct pin_record *one, *two;
	struct waiter w = {0};
	char first[PIN_ENTRY_WORD_BYTES];

	(void)state;
	read_file(0);
	one = record("one");
	two = record("two");
	two->doubt = 1;
	pin_record_join(one, two);
	assert_ptr_equal(record("two"), one);
	assert_int_equal(pin_record_spent(one), 1);
	assert_int_equal(store(&w, one), PIN_STORING);
	assert_writes("0", "2", "1");
	memcpy(first, play.words[0], sizeof(first));
	run_ends(BYTES_NONE, NULL);
	assert_int_equal(w.told, 0);
	assert_writes("0", "2", "1");
	assert_string_not_equal(play.words[0], first);
	run_ends(BYTES_NONE, NULL);
	assert_int_equal(w.told, 1);
	assert_null(play.done);
}

static void
who_stores_when_told_waits_anew(void **state)
{
	struct waiter w = {.again = true};
	struct pin_record *r;

	(void)state;
	read_file(0);
	r = record("one");
	assert_int_equal(store(&w, r), PIN_STORING);
	run_ends(BYTES_NONE, "the disk is full");
	assert_int_equal(w.told, 1);
	assert_writes("0", "2", "1");
	run_ends(BYTES_NONE, NULL);
	assert_int_equal(w.told, 2);
	assert_null(w.fault);
}

/* A file may say anything; one more is not none. */
static void
counts_do_not_run_over(void **state)
{
	struct pin_record *r;

	(void)state;
	read_file(UINT32_MAX);
	r = record("one");
	assert_int_equal(r->wrong, PIN_COUNT_MAX);
	for (int i = 0; i < 2; i++) {
		pin_record_try(r);
		pin_record_end(r, PIN_END_WRONG);
	}
	assert_int_equal(r->wrong, PIN_COUNT_MAX);
	run_ends(BYTES_NONE, NULL);
}

/* Of a file that hangs, the end of the daemon has seen enough. */
static void
a_fault_ends_it_when_the_daemon_ends(void **state)
{
	const struct timeval at_once = {0};
	struct pin_record *r;

	(void)state;
	read_file(0);
	for (int i = 0; i < 2; i++) {
		r = record(i == 0 ? "one" : "two");
		pin_record_try(r);
		pin_record_end(r, PIN_END_WRONG);
	}
	pin_file_save(play.agent->pin_file);
	/* The fault comes while agent_free waits for the first one. */
	assert_int_equal(event_base_once(play.agent->base, -1, EV_TIMEOUT,
	    run_fails, NULL, &at_once), 0);
	play.agent = agent_free(play.agent);
	assert_int_equal(play.runs, 2);
	play.agent = world_agent();
}

/* An agent made by hand has none. */
static void
without_a_file_nothing_waits(void **state)
{
	struct waiter w = {0};

	(void)state;
	assert_int_equal(store(&w, record("one")), PIN_STORED);
	assert_int_equal(play.runs, 0);
}

static int
setup(void **state)
{
	(void)state;
	memset(&play, 0, sizeof(play));
	play.agent = world_agent();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_null(play.done);
	agent_free(play.agent);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_try_is_stored_and_corrected),
		TEST(a_proven_one_runs_nothing),
		TEST(tries_of_two_tokens_take_turns),
		TEST(what_is_in_the_file_waits_for_no_other),
		TEST(what_is_being_written_is_waited_for),
		TEST(what_cannot_be_stored),
		TEST(what_cannot_be_read),
		TEST(a_device_s_entries_are_written_both),
		TEST(who_stores_when_told_waits_anew),
		TEST(counts_do_not_run_over),
		TEST(a_fault_ends_it_when_the_daemon_ends),
		TEST(without_a_file_nothing_waits),
	};

	return cmocka_run_group_tests_name("agent/pin-memory", tests, NULL,
	    NULL);
}
