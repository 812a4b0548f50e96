/* SPDX-License-Identifier: BSD-2-Clause */
/* 64 tokens with 256 keys each, all allowed: the work of one scan. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/allowlist.h"
#include "agent/announce.h"
#include "agent/device.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

enum { TOKENS = TOKENS_PER_PROVIDER_MAX, KEYS = KEYS_PER_TOKEN_MAX };

/* How often the whole list was made, and tokens were compared for it. */
static size_t lists, compared;

void __real_announce_change(struct agent *agent);
void __wrap_announce_change(struct agent *agent);
bool __real_device_is_before(const struct token *a, const struct token *b);
bool __wrap_device_is_before(const struct token *a, const struct token *b);

void
__wrap_announce_change(struct agent *agent)
{
	lists++;
	__real_announce_change(agent);
}

bool
__wrap_device_is_before(const struct token *a, const struct token *b)
{
	compared++;
	return __real_device_is_before(a, b);
}

static void
put_key(struct buffer *b, unsigned token, unsigned key)
{
	uint8_t number[32] = {1, (uint8_t)token, (uint8_t)key,
	    (uint8_t)(key >> 8)};
	uint8_t id[] = {(uint8_t)(key >> 8), (uint8_t)key};
	struct wire_key w = {
		.key = {KEY_ED25519, bytes_of(number, 32), BYTES_NONE},
		.id = bytes_of(id, sizeof(id)),
		.label = bytes_str("label"),
		.flags = KEY_FROM_PUBLIC,
	};

	assert_true(key_ref(&w.key, w.ref));
	wire_key_put(b, &w);
}

static struct token *
report(struct provider *p, unsigned token)
{
	struct buffer b = BUFFER_INIT(4 * 1024 * 1024);
	struct wire_token w = {.n_keys = KEYS};
	char serial[16];
	struct token *t;
	size_t mark;

	snprintf(serial, sizeof(serial), "%04u", token);
	w.id = world_token_id("many", serial);
	mark = wire_token_begin(&b, &w);
	for (unsigned i = 0; i < KEYS; i++)
		put_key(&b, token, i);
	wire_token_end(&b, mark);
	assert_int_equal(wire_token_parse(bytes_of(b.p + 5, b.len - 5), &w),
	    PARSE_OK);
	t = token_report(p, &w, TOKEN_VIEW_SCAN);
	assert_non_null(t);
	buffer_clear(&b);
	return t;
}

/* Each message has what is its own to do; the list is made once for all. */
static void
a_scan_makes_one_list(void **state)
{
	struct agent *a = world_agent();
	struct provider *p = world_provider(a, "soft", NULL);

	(void)state;
	world_section(a, "all")->has_uri = true;
	for (int scan = 0; scan < 2; scan++) {
		struct token *t;

		TAILQ_FOREACH(t, &a->tokens, entry)
			t->scanned = false;
		lists = compared = 0;
		for (unsigned i = 0; i < TOKENS; i++)
			report(p, i);
		assert_int_equal(lists, 0);
		/* Keys listed before still are, and can be looked at. */
		assert_int_equal(a->n_exposed, scan * TOKENS * KEYS);
		for (size_t i = 0; i < a->n_exposed; i++)
			assert_ptr_equal(token_key(a->exposed[i].token,
			    a->exposed[i].key->ref), a->exposed[i].key);
		world_spin(a);
		assert_int_equal(lists, 1);
		assert_int_equal(a->n_exposed, TOKENS * KEYS);
		assert_in_range(compared, 0, TOKENS * TOKENS);
	}
	agent_free(a);
}

/* Whoever looks meanwhile sees how it is. */
static void
who_looks_sees_all(void **state)
{
	struct agent *a = world_agent();
	struct provider *p = world_provider(a, "soft", NULL);
	struct token *t;

	(void)state;
	world_section(a, "all")->has_uri = true;
	t = report(p, 1);
	allowlist_settle(a);
	assert_int_equal(a->n_exposed, KEYS);
	lists = 0;
	allowlist_settle(a);
	assert_int_equal(lists, 0);
	/* A token that goes is off the list before anybody looks. */
	report(p, 2);
	token_leave(t, "away");
	assert_int_equal(a->n_exposed, 0);
	allowlist_settle(a);
	assert_int_equal(a->n_exposed, KEYS);
	agent_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scan_makes_one_list),
		cmocka_unit_test(who_looks_sees_all),
	};

	return cmocka_run_group_tests_name("agent/many-tokens", tests, NULL,
	    NULL);
}
