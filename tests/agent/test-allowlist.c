/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/allowlist.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

/* Two tokens with three keys each; key 13 is on both. */
static const struct world_key FIRST[] = {
	{.number = 12, .id = "\2", .label = "b"},
	{.number = 11, .id = "\1", .label = "a"},
	{.number = 13, .id = "\3", .label = "both"},
	{0},
};
static const struct world_key SECOND[] = {
	{.number = 21, .id = "\1", .label = "a"},
	{.number = 13, .id = "\3", .label = "both"},
	{.number = 22, .id = "\2", .label = "c"},
	{0},
};

struct table {
	struct agent *agent;
	struct token *first, *second;
};

static int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));
	struct provider *p;

	assert_non_null(t);
	t->agent = world_agent();
	p = world_provider(t->agent, "soft", NULL);
	t->second = world_token(p, "two", "0002", 0, SECOND);
	t->first = world_token(p, "one", "0001", 0, FIRST);
	t->agent->config->max_identities = 3;
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct table *t = *state;

	agent_free(t->agent);
	free(t);
	return 0;
}

/* A section that matches every key, to be narrowed. */
static struct config_key *
allow(struct table *t, const char *name)
{
	struct config_key *s = world_section(t->agent, name);

	s->has_uri = true;
	return s;
}

static void
set_id(struct config_key *s, uint8_t id)
{
	size_t len;

	assert_true(bytes_dup(bytes_of(&id, 1), &s->uri.id, &len));
	s->uri.id_len = len;
}

static uint8_t
number_of(const struct key *k)
{
	/* Behind the type's name and a length: the public half. */
	return k->blob[k->blob_len - 1];
}

/* These keys are exposed, in this order: "1:11 2:21". */
static void
assert_exposed(struct table *t, const char *want)
{
	char have[256] = "";
	size_t n = 0;

	allowlist_update(t->agent);
	for (size_t i = 0; i < t->agent->n_exposed; i++) {
		const struct exposed *e = &t->agent->exposed[i];

		assert_int_equal(e->key->position, i + 1);
		n += (size_t)snprintf(have + n, sizeof(have) - n, "%s%d:%d",
		    i == 0 ? "" : " ", e->token == t->first ? 1 : 2,
		    number_of(e->key));
	}
	assert_string_equal(have, want);
}

static struct key *
key_of(struct token *token, uint8_t number)
{
	for (size_t i = 0; i < token->n_keys; i++)
		if (number_of(&token->keys[i]) == number)
			return &token->keys[i];
	fail_msg("no key %d", number);
	return NULL;
}

static void
assert_reason(struct table *t, struct token *token, uint8_t number,
    const char *want)
{
	char out[256];

	allowlist_reason(t->agent, token, key_of(token, number), out,
	    sizeof(out));
	if (strstr(out, want) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", want, out);
}

static void
nothing_is_exposed_by_itself(void **state)
{
	struct table *t = *state;

	assert_exposed(t, "");
	assert_reason(t, t->first, 11, "no key section");
	/* A section that names nothing names no key, not every key. */
	world_section(t->agent, "empty");
	assert_exposed(t, "");
	assert_false(allowlist_matches(&t->agent->config->keys[0], t->first,
	    key_of(t->first, 11)));
}

/* Serial, then CKA_ID, whatever the order in which they were found. */
static void
order_inside_a_section(void **state)
{
	struct table *t = *state;

	allow(t, "all");
	assert_exposed(t, "1:11 1:12 1:13 2:21 2:22");
	assert_reason(t, t->second, 13, "exposed from one (serial 0001)");
	assert_reason(t, t->first, 11, "allowed by key \"all\"");
}

static void
sections_come_in_config_order(void **state)
{
	struct table *t = *state;

	allow(t, "two")->uri.token = world_copy("two");
	allow(t, "one")->uri.token = world_copy("one");
	assert_exposed(t, "2:21 2:22 2:13 1:11 1:12");
	assert_reason(t, t->first, 13, "exposed from two (serial 0002)");
	assert_string_equal(key_of(t->first, 13)->section->name, "one");
}

static void
the_first_match_names_a_key(void **state)
{
	struct table *t = *state;

	set_id(allow(t, "narrow"), 1);
	allow(t, "wide");
	assert_exposed(t, "1:11 2:21 1:12 1:13 2:22");
	assert_string_equal(key_of(t->first, 11)->section->name, "narrow");
	assert_string_equal(key_of(t->first, 12)->section->name, "wide");
}

static void
deny_wins_wherever_it_stands(void **state)
{
	struct table *t = *state;
	struct config_key *s;

	allow(t, "all");
	s = allow(t, "not this");
	s->uri.serial = world_copy("0001");
	s->deny = true;
	assert_exposed(t, "2:21 2:22 2:13");
	assert_reason(t, t->first, 11, "denied by key \"not this\" (a.conf:2)");
	s = allow(t, "but this");
	set_id(s, 1);
	assert_exposed(t, "2:21 2:22 2:13");
	/* A deny by fingerprint reaches the key on every token. */
	s = world_section(t->agent, "never");
	s->fingerprint = world_copy(key_of(t->second, 13)->fingerprint);
	s->deny = true;
	assert_exposed(t, "2:21 2:22");
}

static void
every_part_of_a_uri_counts(void **state)
{
	enum { PARTS = 6 };
	static const struct {
		const char *name, *good, *bad;
		const char *want;
	} cases[PARTS] = {
		{"manufacturer", "maker", "make",
		    "1:11 1:12 1:13 2:21 2:22"},
		{"model", "model", "model2", "1:11 1:12 1:13 2:21 2:22"},
		{"serial", "0001", "001", "1:11 1:12 1:13"},
		{"token", "two", "TWO", "2:21 2:22 2:13"},
		{"slot-description", "Reader 00", "Reader",
		    "1:11 1:12 1:13 2:21 2:22"},
		{"object", "a", "", "1:11 2:21"},
	};
	struct table *t = *state;
	struct config_key *s = allow(t, "k");
	char **parts[PARTS] = {&s->uri.manufacturer, &s->uri.model,
	    &s->uri.serial, &s->uri.token, &s->uri.slot_description,
	    &s->uri.object};

	for (size_t i = 0; i < PARTS; i++) {
		*parts[i] = world_copy(cases[i].good);
		assert_exposed(t, cases[i].want);
		free(*parts[i]);
		*parts[i] = world_copy(cases[i].bad);
		assert_exposed(t, "");
		free(*parts[i]);
		*parts[i] = NULL;
	}
	set_id(s, 2);
	assert_exposed(t, "1:12 2:22");
	s->uri.serial = world_copy("0002");
	assert_exposed(t, "2:22");
	/* An id that is a start of another one is not that one. */
	s->uri.id_len = 0;
	assert_exposed(t, "");
}

static void
fingerprints_and_files(void **state)
{
	struct table *t = *state;
	struct config_key *s = world_section(t->agent, "k");
	const struct key *k = key_of(t->second, 22);

	s->fingerprint = world_copy(k->fingerprint);
	assert_exposed(t, "2:22");
	/* Both are asked for, so both have to hold. */
	assert_true(bytes_dup(bytes_of(k->blob, k->blob_len - 1),
	    &s->public_key, &s->public_key_len));
	assert_exposed(t, "");
	free(s->public_key);
	assert_true(bytes_dup(bytes_of(k->blob, k->blob_len), &s->public_key,
	    &s->public_key_len));
	assert_exposed(t, "2:22");
	free(s->fingerprint);
	s->fingerprint = NULL;
	assert_exposed(t, "2:22");
	s->has_uri = true;
	s->uri.serial = world_copy("0001");
	assert_exposed(t, "");
}

static void
what_a_connection_sees(void **state)
{
	struct table *t = *state;

	allow(t, "all");
	allowlist_update(t->agent);
	for (uint32_t max = 1; max <= 3; max++) {
		t->agent->config->max_identities = max;
		assert_int_equal(allowlist_shown(t->agent), max);
	}
	assert_reason(t, t->second, 21, "number 4, and a connection sees 3");
	t->agent->config->max_identities = 3;
	t->first->hidden = true;
	allowlist_update(t->agent);
	assert_int_equal(allowlist_shown(t->agent), 3);
	t->second->hidden = true;
	allowlist_update(t->agent);
	assert_int_equal(allowlist_shown(t->agent), 0);
}

/* Each takes a key's place away, and gives it to the next. */
static void
reasons_to_leave(void **state)
{
	struct table *t = *state;
	struct key *k;

	allow(t, "all");
	allowlist_update(t->agent);
	k = key_of(t->first, 11);
	k->hidden = true;
	assert_exposed(t, "1:12 1:13 2:21 2:22");
	assert_reason(t, t->first, 11, "hidden by ssh-add");
	k->hidden = false;
	token_key_unusable(t->first, k, "CKA_SIGN is false");
	assert_exposed(t, "1:12 1:13 2:21 2:22");
	assert_reason(t, t->first, 11, "CKA_SIGN is false");
	t->first->flags |= TOKEN_PIN_LOCKED;
	assert_exposed(t, "2:21 2:22 2:13");
	assert_reason(t, t->first, 12, "locked");
	t->first->flags = 0;
	t->first->hidden = true;
	assert_exposed(t, "2:21 2:22 2:13");
	assert_reason(t, t->first, 12, "hidden by ssh-add");
	t->first = token_free(t->first);
	assert_exposed(t, "2:21 2:22 2:13");
}

static void
a_key_that_ssh_does_not_have(void **state)
{
	static const struct world_key other[] = {
		{.number = 31, .id = "\1", .other = true,
		    .reason = "no SSH algorithm"},
		{.number = 32, .id = "\2", .reason = "1024 bits are too few"},
		{.number = 33, .id = "\3", .rsa = true},
		{0},
	};
	struct table *t = *state;
	struct token *token = world_token(t->first->provider, "three",
	    "0003", 0, other);
	char out[128];

	allow(t, "k")->uri.serial = world_copy("0003");
	allowlist_update(t->agent);
	assert_int_equal(t->agent->n_exposed, 1);
	assert_ptr_equal(t->agent->exposed[0].key, &token->keys[2]);
	allowlist_reason(t->agent, token, &token->keys[0], out, sizeof(out));
	assert_string_equal(out, "no SSH algorithm");
}

static void
finding_by_blob(void **state)
{
	struct table *t = *state;
	const struct key *k = key_of(t->second, 13);
	struct bytes blob = bytes_of(k->blob, k->blob_len);
	struct exposed *e;

	assert_null(allowlist_find(t->agent, blob));
	allow(t, "all");
	allowlist_update(t->agent);
	e = allowlist_find(t->agent, blob);
	assert_non_null(e);
	assert_ptr_equal(e->token, t->first);
	assert_null(allowlist_find(t->agent, bytes_of(k->blob,
	    k->blob_len - 1)));
	assert_null(allowlist_find(t->agent, BYTES_NONE));
}

/* A token may show its keys only after a login. */
static void
wanted_tokens(void **state)
{
	struct table *t = *state;
	struct config_key *s;

	assert_false(allowlist_wants_token(t->agent, t->first));
	s = allow(t, "no");
	s->deny = true;
	assert_false(allowlist_wants_token(t->agent, t->first));
	s = allow(t, "one");
	s->uri.serial = world_copy("0001");
	s->uri.object = world_copy("not seen yet");
	assert_true(allowlist_wants_token(t->agent, t->first));
	assert_false(allowlist_wants_token(t->agent, t->second));
	t->first->hidden = true;
	assert_false(allowlist_wants_token(t->agent, t->first));
	/* Which token has this key is not known before. */
	world_section(t->agent, "f")->fingerprint = world_copy("SHA256:x");
	assert_true(allowlist_wants_token(t->agent, t->second));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_exposed_by_itself),
		TEST(order_inside_a_section),
		TEST(sections_come_in_config_order),
		TEST(the_first_match_names_a_key),
		TEST(deny_wins_wherever_it_stands),
		TEST(every_part_of_a_uri_counts),
		TEST(fingerprints_and_files),
		TEST(what_a_connection_sees),
		TEST(reasons_to_leave),
		TEST(a_key_that_ssh_does_not_have),
		TEST(finding_by_blob),
		TEST(wanted_tokens),
	};

	return cmocka_run_group_tests_name("agent/allowlist", tests, NULL,
	    NULL);
}
