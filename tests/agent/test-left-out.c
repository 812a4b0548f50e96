/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/left-out.h"

#include <string.h>

#include "agent/clock.h"
#include "agent/token.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

static int64_t now_ms;

int64_t __wrap_clock_life_ms(void);

int64_t
__wrap_clock_life_ms(void)
{
	return now_ms;
}

static struct wire_slot
slot(uint32_t at, uint32_t of, const char *label)
{
	struct wire_slot w = {.place = {at, of}};

	if (label != NULL)
		w.id = world_token_id(label, "1");
	return w;
}

/* Check what a scan is told now: "at+" is looked at when all is done. */
static void
assert_put(const struct left_out *l, const char *want)
{
	struct wire_start start = {.n_left_out = 0};
	char have[256] = "";
	size_t n = 0;

	left_out_put(l, &start);
	for (uint32_t i = 0; i < start.n_left_out; i++)
		n += (size_t)snprintf(have + n, sizeof(have) - n, "%s%u%s",
		    i == 0 ? "" : " ", start.left_out[i].place.at,
		    start.left_out[i].last ? "+" : "");
	assert_string_equal(have, want);
}

static void
rests_get_longer(void **state)
{
	struct left_out l = {0};
	struct wire_slot bad = slot(1, 3, NULL);

	(void)state;
	assert_int_equal(left_out_rest_ms(&l), -1);
	for (int64_t ms = 1000; ms <= 32000; ms *= 2) {
		assert_true(left_out_add(&l, &bad, "crash"));
		assert_int_equal(left_out_rest_ms(&l), ms);
		assert_put(&l, "1");
		now_ms += ms;
		assert_put(&l, "1+");
	}
	assert_true(left_out_add(&l, &bad, "crash"));
	assert_int_equal(left_out_rest_ms(&l), 60000);
	/* After so many it waits for a change. */
	assert_true(left_out_add(&l, &bad, "crash"));
	assert_int_equal(left_out_rest_ms(&l), -1);
	now_ms += 1000000;
	assert_put(&l, "1");
	assert_true(left_out_passed(&l, &bad));
	assert_put(&l, "");
	left_out_clear(&l);
}

/* Known by its place, or by what it said of itself. */
static void
which_slot(void **state)
{
	struct left_out l = {0};
	struct wire_slot place = slot(1, 3, NULL), other = slot(2, 3, NULL),
	    texts = slot(1, 3, "bad"), moved = slot(0, 2, "bad");

	(void)state;
	assert_true(left_out_add(&l, &place, "crash"));
	assert_true(left_out_add(&l, &other, "crash"));
	assert_put(&l, "1 2");
	/* The scan went further this time: the slot's count goes on. */
	assert_true(left_out_add(&l, &texts, "hang"));
	assert_put(&l, "2 1");
	now_ms += 1000;
	assert_put(&l, "2+ 1");
	/* The slot hangs later: to say who it is was no wonder. */
	assert_false(left_out_passed(&l, &place));
	assert_true(left_out_passed(&l, &other));
	assert_put(&l, "1");
	/* Another slot went away: it is known by its texts. */
	assert_true(left_out_passed(&l, &moved));
	assert_put(&l, "");
	left_out_clear(&l);
}

/* A slot has gone when a scan that had to look at it saw nothing of it. */
static void
a_slot_that_has_gone(void **state)
{
	struct left_out l = {0};
	struct wire_slot one = slot(0, 3, "one"), two = slot(1, 3, "two"),
	    three = slot(2, 3, "three");
	int64_t began;

	(void)state;
	assert_true(left_out_add(&l, &one, "crash"));
	assert_true(left_out_add(&l, &two, "crash"));
	assert_true(left_out_add(&l, &three, "crash"));
	assert_true(left_out_add(&l, &two, "crash"));
	assert_false(left_out_survived(&l, now_ms));
	now_ms += 1000;
	began = now_ms;
	assert_put(&l, "0+ 2+ 1");
	/* The third one's rest is over meanwhile: it is the next scan's. */
	now_ms += 1000;
	assert_true(left_out_survived(&l, began));
	assert_put(&l, "1+");
	assert_true(left_out_survived(&l, now_ms));
	assert_put(&l, "");
	assert_int_equal(left_out_rest_ms(&l), -1);
	left_out_clear(&l);
}

static void
limits_and_words(void **state)
{
	struct left_out l = {0};
	struct wire_slot w;
	json_t *words;

	(void)state;
	for (uint32_t i = 0; i < SLOTS_LEFT_OUT_MAX; i++) {
		w = slot(i, 100, i == 0 ? "bad\a" : NULL);
		assert_true(left_out_add(&l, &w, "killed"));
	}
	w = slot(99, 100, NULL);
	assert_false(left_out_add(&l, &w, "killed"));
	words = left_out_json(&l);
	assert_int_equal(json_array_size(words), SLOTS_LEFT_OUT_MAX);
	assert_non_null(strstr(json_string_value(json_array_get(words, 0)),
	    "slot 1 of 100 (token bad?, serial 1) is left out: the scan died "
	    "there (killed); it is looked at again in 1 s"));
	assert_non_null(strstr(json_string_value(json_array_get(words, 1)),
	    "slot 2 of 100 is left out"));
	json_decref(words);
	left_out_clear(&l);
}

/* A token that serves is not gone because a scan cannot look at it. */
static void
tokens_in_it_stay(void **state)
{
	struct agent *a = world_agent();
	struct provider *p = world_provider(a, "soft", NULL);
	struct token *bad = world_token(p, "bad", "1", 0, NULL);
	struct token *good = world_token(p, "good", "1", 0, NULL);
	struct wire_slot w = slot(0, 2, NULL);

	(void)state;
	bad->place = (struct slot_place){0, 2};
	good->place = (struct slot_place){1, 2};
	assert_true(left_out_add(&p->left_out, &w, "crash"));
	assert_true(left_out_hides(&p->left_out, bad));
	assert_false(left_out_hides(&p->left_out, good));
	provider_leave_none_out(p);
	assert_false(left_out_hides(&p->left_out, bad));
	w = slot(5, 9, "good");
	assert_true(left_out_add(&p->left_out, &w, "crash"));
	assert_true(left_out_hides(&p->left_out, good));
	assert_false(left_out_hides(&p->left_out, bad));
	agent_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rests_get_longer),
		cmocka_unit_test(which_slot),
		cmocka_unit_test(a_slot_that_has_gone),
		cmocka_unit_test(limits_and_words),
		cmocka_unit_test(tokens_in_it_stay),
	};

	now_ms = 1;
	return cmocka_run_group_tests_name("agent/left-out", tests, NULL,
	    NULL);
}
