/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/token.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/allowlist.h"
#include "agent/login.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

enum {
	SETTLED = KEY_FROM_PUBLIC | KEY_HAS_PRIVATE | KEY_PRIVATE_SETTLED,
	WANTS_PIN = TOKEN_LOGIN_REQUIRED,
};

struct table {
	struct agent *agent;
	struct provider *provider;
};

static int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->agent = world_agent();
	t->provider = world_provider(t->agent, "soft", NULL);
	world_section(t->agent, "k")->has_uri = true;
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

/* The same token again, from a scan. */
static struct token *
scan(struct table *t, const char *label, const char *serial, uint32_t flags,
    const struct world_key *keys)
{
	struct buffer b = BUFFER_INIT(1024 * 1024);
	struct token_id id = world_token_id(label, serial);
	struct wire_token w;
	struct token *token;

	world_put_token(&b, &id, flags, keys);
	assert_int_equal(wire_token_parse(bytes_of(b.p + 5, b.len - 5), &w),
	    PARSE_OK);
	TAILQ_FOREACH(token, &t->agent->tokens, entry)
		token->scanned = false;
	token = token_report(t->provider, &w, TOKEN_VIEW_SCAN);
	allowlist_settle(t->agent);
	buffer_clear(&b);
	return token;
}

static size_t
tokens(const struct table *t)
{
	const struct token *token;
	size_t n = 0;

	TAILQ_FOREACH(token, &t->agent->tokens, entry)
		n++;
	return n;
}

static void
the_same_token_is_one(void **state)
{
	static const struct world_key keys[] = {{.number = 1}, {0}};
	struct table *t = *state;
	struct provider *other = world_provider(t->agent, "other", NULL);
	struct token *a = scan(t, "one", "1", 0, keys);

	assert_non_null(a);
	assert_ptr_equal(scan(t, "one", "1", 0, keys), a);
	assert_int_equal(tokens(t), 1);
	/* A changed label is a new token. */
	assert_ptr_not_equal(scan(t, "One", "1", 0, keys), a);
	assert_ptr_not_equal(scan(t, "one", "2", 0, keys), a);
	assert_ptr_not_equal(world_token(other, "one", "1", 0, keys), a);
	assert_int_equal(tokens(t), 4);
	/* The same keys in all of them are one identity. */
	assert_int_equal(t->agent->n_exposed, 1);
}

static void
names_are_fit_to_be_shown(void **state)
{
	struct table *t = *state;

	assert_string_equal(scan(t, "my\ntok\x1b[1men", "00\t1", 0,
	    NULL)->name, "my?tok?[1men (serial 00?1)");
	assert_string_equal(scan(t, "", "", 0, NULL)->name,
	    "token without a label (serial unknown)");
}

/* One serial for all of them, as with tpm2-pkcs11. */
static void
names_tell_tokens_apart(void **state)
{
	struct table *t = *state;
	struct token_id id = world_token_id("tpm", "0");
	struct token *a, *b, *other;

	a = world_report(t->provider, &id, 0, NULL);
	other = world_token(t->provider, "tpm", "1", 0, NULL);
	assert_string_equal(a->name, "tpm (serial 0)");
	id.slot_description = bytes_str("Reader\t01");
	b = world_report(t->provider, &id, 0, NULL);
	assert_string_equal(a->name, "tpm (serial 0, in Reader 00)");
	assert_string_equal(b->name, "tpm (serial 0, in Reader?01)");
	assert_string_equal(other->name, "tpm (serial 1)");
	token_free(a);
	assert_string_equal(b->name, "tpm (serial 0)");
}

static void
keys_are_taken_over(void **state)
{
	static const struct world_key keys[] = {
		{.number = 1, .id = "\1\2", .label = "la\nbel", .flags = 3},
		{.number = 2, .rsa = true},
		{.number = 3, .other = true, .reason = "no\tway"},
		{0},
	};
	struct table *t = *state;
	struct token *token = scan(t, "one", "1", 0, keys);
	const struct key *k = token->keys;

	assert_int_equal(token->n_keys, 3);
	assert_int_equal(k[0].type, SSH_KEY_ED25519);
	assert_int_equal(k[0].id_len, 2);
	assert_string_equal(k[0].label, "la?bel");
	assert_int_equal(k[0].flags, 3);
	assert_memory_equal(k[0].fingerprint, "SHA256:", 7);
	assert_int_equal(k[1].type, SSH_KEY_RSA);
	assert_int_equal(k[1].modulus_bytes, 256);
	assert_int_equal(k[2].type, SSH_KEY_UNKNOWN);
	assert_null(k[2].blob);
	assert_string_equal(k[2].reason, "no?way");
	assert_ptr_equal(token_key(token, k[1].ref), &k[1]);
	assert_null(token_key(token, (const uint8_t[KEY_REF_BYTES]){0}));
}

/* What is gone is gone, and what is new is seen. */
static void
a_report_replaces_keys(void **state)
{
	static const struct world_key before[] = {
		{.number = 1}, {.number = 2, .id = "\2"}, {0},
	};
	static const struct world_key after[] = {
		{.number = 3, .id = "\3"}, {.number = 2, .id = "\2"}, {0},
	};
	struct table *t = *state;
	struct token *token = scan(t, "one", "1", 0, before);
	uint8_t ref[KEY_REF_BYTES];

	memcpy(ref, token->keys[1].ref, sizeof(ref));
	token->keys[1].hidden = true;
	assert_int_equal(t->agent->n_exposed, 2);
	allowlist_update(t->agent);
	assert_int_equal(t->agent->n_exposed, 1);
	scan(t, "one", "1", 0, after);
	assert_int_equal(token->n_keys, 2);
	/* ssh-add -d still holds. */
	assert_true(token_key(token, ref)->hidden);
	assert_int_equal(t->agent->n_exposed, 1);
	scan(t, "one", "1", 0, NULL);
	assert_int_equal(token->n_keys, 0);
	assert_int_equal(t->agent->n_exposed, 0);
}

/* A public view knows less than the one after the login. */
static void
what_a_login_settled_stays(void **state)
{
	static const struct world_key before[] = {
		{.number = 1, .flags = KEY_FROM_PUBLIC},
		{.number = 2, .id = "\2", .flags = KEY_FROM_PUBLIC},
		{0},
	};
	static const struct world_key inside[] = {
		{.number = 1, .flags = SETTLED},
		{.number = 2, .id = "\2",
		    .flags = KEY_FROM_PUBLIC | KEY_PRIVATE_SETTLED,
		    .reason = "no private key with it"},
		{.number = 3, .id = "\3", .flags = SETTLED,
		    .other_label = "of its private key"},
		{0},
	};
	struct table *t = *state;
	struct token *token = scan(t, "one", "1", WANTS_PIN, before);

	assert_int_equal(t->agent->n_exposed, 2);
	world_token(t->provider, "one", "1", WANTS_PIN | TOKEN_LOGGED_IN,
	    inside);
	assert_int_equal(token->n_keys, 3);
	assert_int_equal(t->agent->n_exposed, 2);
	assert_string_equal(token->keys[1].reason, "no private key with it");
	for (int i = 0; i < 2; i++) {
		scan(t, "one", "1", WANTS_PIN, before);
		assert_int_equal(token->n_keys, 3);
		assert_int_equal(token->keys[0].flags, SETTLED);
		assert_string_equal(token->keys[1].reason,
		    "no private key with it");
		assert_string_equal(token->keys[2].other_labels[0],
		    "of its private key");
		assert_int_equal(t->agent->n_exposed, 2);
	}
	/* Logged in, the token has the last word. */
	world_token(t->provider, "one", "1", WANTS_PIN | TOKEN_LOGGED_IN,
	    before);
	assert_int_equal(token->n_keys, 2);
}

/*
 * A key that shows only after a login stays exposed when a view before one
 * comes, also until the allowlist has looked at that.
 */
static void
what_a_login_showed_stays_exposed(void **state)
{
	static const struct world_key inside[] = {
		{.number = 1, .flags = SETTLED}, {0},
	};
	static const struct world_key other[] = {
		{.number = 2, .flags = SETTLED}, {0},
	};
	struct table *t = *state;
	struct token *token = world_token(t->provider, "one", "1",
	    WANTS_PIN | TOKEN_LOGGED_IN, inside);
	struct token *gone = world_token(t->provider, "two", "2", 0, other);
	struct token_id id = world_token_id("one", "1");
	struct buffer b = BUFFER_INIT(1024 * 1024);
	struct wire_token w;

	allowlist_settle(t->agent);
	assert_int_equal(t->agent->n_exposed, 2);
	world_put_token(&b, &id, WANTS_PIN, NULL);
	assert_int_equal(wire_token_parse(bytes_of(b.p + 5, b.len - 5), &w),
	    PARSE_OK);
	assert_ptr_equal(token_report(t->provider, &w, TOKEN_VIEW_SCAN),
	    token);
	buffer_clear(&b);
	/* The end of that scan. */
	token_free(gone);
	assert_int_equal(t->agent->n_exposed, 1);
	assert_int_equal(token->n_keys, 1);
	assert_ptr_equal(t->agent->exposed[0].key, &token->keys[0]);
	assert_int_equal(token->keys[0].position, 1);
}

/* An answer of a call is a fact, until something changes. */
static void
a_key_that_was_refused_stays_so(void **state)
{
	static const struct world_key keys[] = {
		{.number = 1, .flags = SETTLED}, {0},
	};
	struct table *t = *state;
	struct token *token = scan(t, "one", "1", 0, keys);

	token_key_unusable(token, &token->keys[0], "CKR_MECHANISM_INVALID");
	for (int i = 0; i < 2; i++) {
		world_token(t->provider, "one", "1", 0, keys);
		assert_string_equal(token->keys[0].reason,
		    "CKR_MECHANISM_INVALID");
		assert_int_equal(t->agent->n_exposed, 0);
	}
	token_try_again(token);
	assert_null(token->keys[0].reason);
	assert_int_equal(t->agent->n_exposed, 1);
}

/* Where no login is needed, every view is a whole one. */
static void
without_a_login_every_view_is_whole(void **state)
{
	static const struct world_key before[] = {
		{.number = 1, .flags = SETTLED},
		{.number = 2, .id = "\2", .flags = SETTLED}, {0},
	};
	static const struct world_key after[] = {
		{.number = 1, .flags = SETTLED}, {0},
	};
	struct table *t = *state;
	struct token *token = scan(t, "one", "1", 0, before);

	scan(t, "one", "1", 0, after);
	assert_int_equal(token->n_keys, 1);
}

static void
a_scan_knows_nothing_of_our_login(void **state)
{
	struct table *t = *state;
	struct token *token = world_token(t->provider, "one", "1",
	    WANTS_PIN | TOKEN_LOGGED_IN, NULL);

	scan(t, "one", "1", WANTS_PIN | TOKEN_PIN_COUNT_LOW, NULL);
	assert_int_equal(token->flags,
	    WANTS_PIN | TOKEN_LOGGED_IN | TOKEN_PIN_COUNT_LOW);
	world_token(t->provider, "one", "1", WANTS_PIN, NULL);
	assert_int_equal(token->flags, WANTS_PIN);
}

static void
the_need_of_a_login(void **state)
{
	struct table *t = *state;
	struct token *token = scan(t, "one", "1", 0, NULL);

	assert_false(token_needs_login(token));
	token->flags = WANTS_PIN;
	assert_true(token_needs_login(token));
	/* Whoever was logged in, it was another process. */
	token->flags |= TOKEN_LOGGED_IN;
	assert_true(token_needs_login(token));
}

static void
a_token_that_goes_takes_its_keys(void **state)
{
	static const struct world_key keys[] = {{.number = 1}, {0}};
	struct table *t = *state;
	struct token *token = scan(t, "one", "1", 0, keys);

	assert_int_equal(t->agent->n_exposed, 1);
	token_set_error(token, "an error");
	token_set_error(token, "another");
	assert_string_equal(token->last_error, "another");
	token_set_error(token, NULL);
	assert_null(token->last_error);
	assert_null(token_free(token));
	assert_int_equal(t->agent->n_exposed, 0);
	assert_int_equal(tokens(t), 0);
	assert_null(token_free(NULL));
}

/* A new scan begins. */
static void
begin_scan(struct table *t)
{
	struct token *token;

	t->provider->n_dropped = 0;
	TAILQ_FOREACH(token, &t->agent->tokens, entry)
		token->scanned = false;
}

/* Report one slot of the scan that is under way. */
static struct token *
scan_slot(struct table *t, const char *serial, uint32_t at, uint32_t of,
    const struct world_key *keys)
{
	struct buffer b = BUFFER_INIT(1024 * 1024);
	struct token_id id = world_token_id("alike", serial);
	struct wire_token w;
	struct token *token;

	world_put_token(&b, &id, WANTS_PIN, keys);
	assert_int_equal(wire_token_parse(bytes_of(b.p + 5, b.len - 5), &w),
	    PARSE_OK);
	w.place = (struct slot_place){at, of};
	token = token_report(t->provider, &w, TOKEN_VIEW_SCAN);
	allowlist_settle(t->agent);
	buffer_clear(&b);
	return token;
}

static const struct world_key KEY_A[] = {{.number = 1}, {0}};
static const struct world_key KEY_B[] = {{.number = 2}, {0}};
static const struct world_key KEY_C[] = {{.number = 3}, {0}};

/* Tokens with the same four texts, and slotDescription, both serve. */
static void
alike_tokens_are_two(void **state)
{
	struct table *t = *state;
	struct token *a, *b;

	a = scan_slot(t, "1", 0, 2, KEY_A);
	b = scan_slot(t, "1", 1, 2, KEY_B);
	assert_ptr_not_equal(a, b);
	assert_int_equal(tokens(t), 2);
	assert_int_equal(t->agent->n_exposed, 2);
	assert_string_equal(a->name,
	    "alike (serial 1, in Reader 00, by soft, slot 1)");
	assert_string_equal(b->name,
	    "alike (serial 1, in Reader 00, by soft, slot 2)");
	/* Told apart by their keys, in whatever order they come. */
	begin_scan(t);
	assert_ptr_equal(scan_slot(t, "1", 0, 2, KEY_B), b);
	assert_ptr_equal(scan_slot(t, "1", 1, 2, KEY_A), a);
	/* A new one comes before both. */
	begin_scan(t);
	assert_ptr_not_equal(scan_slot(t, "1", 0, 3, KEY_C), a);
	assert_ptr_equal(scan_slot(t, "1", 1, 3, KEY_B), b);
	assert_ptr_equal(scan_slot(t, "1", 2, 3, KEY_A), a);
	assert_int_equal(tokens(t), 3);
	assert_int_equal(t->agent->n_exposed, 3);
	/* A wrong PIN of one is not sent to the other: it may be the same. */
	assert_true(login_is_shared(a->login, b->login));
	token_leave(a, "away");
	/* In its place, other keys: the same token, which got new ones. */
	begin_scan(t);
	assert_ptr_equal(scan_slot(t, "1", 1, 3, KEY_A), b);
}

/* Before the login they show nothing: then by their places. */
static void
alike_tokens_that_hide_all(void **state)
{
	struct table *t = *state;
	struct token *a = scan_slot(t, "1", 0, 2, NULL);
	struct token *b = scan_slot(t, "1", 1, 2, NULL);

	assert_ptr_not_equal(a, b);
	begin_scan(t);
	assert_ptr_equal(scan_slot(t, "1", 1, 2, NULL), b);
	assert_ptr_equal(scan_slot(t, "1", 0, 2, NULL), a);
	assert_int_equal(tokens(t), 2);
}

/* All of 70 tokens, each with one key. */
static void
scan_70(struct table *t)
{
	enum { TOKENS = 70 };
	struct world_key keys[2] = {{0}};
	char serial[16];

	begin_scan(t);
	for (uint8_t i = 0; i < TOKENS; i++) {
		snprintf(serial, sizeof(serial), "%u", i);
		keys[0].number = (uint8_t)(i + 1);
		keys[0].label = serial;
		scan_slot(t, serial, i, TOKENS, keys);
	}
	assert_int_equal(tokens(t) + t->provider->n_dropped, TOKENS);
	assert_int_equal(t->agent->n_exposed, tokens(t));
}

/* Tokens that a section names are among those that are kept. */
static void
a_named_token_is_never_too_many(void **state)
{
	struct table *t = *state;
	struct config_key *s;

	scan_70(t);
	assert_int_equal(tokens(t), TOKENS_PER_PROVIDER_MAX);
	s = world_section(t->agent, "by serial");
	s->has_uri = true;
	s->uri.serial = world_copy("69");
	scan_70(t);
	assert_int_equal(tokens(t), TOKENS_PER_PROVIDER_MAX + 1);
	s = world_section(t->agent, "by its key");
	s->has_uri = true;
	s->uri.object = world_copy("68");
	scan_70(t);
	assert_int_equal(tokens(t), TOKENS_PER_PROVIDER_MAX + 2);
	assert_int_equal(t->provider->n_dropped, 4);
}

/* Of more keys than are kept, those that a section names as well. */
static void
a_named_key_is_never_too_many(void **state)
{
	enum { KEYS = 312 };
	struct table *t = *state;
	struct world_key *keys = calloc(KEYS + 1, sizeof(*keys));
	char (*labels)[16] = calloc(KEYS, sizeof(*labels));
	struct config_key *s;
	struct token *token;

	assert_true(keys != NULL && labels != NULL);
	for (unsigned i = 0; i < KEYS; i++) {
		snprintf(labels[i], sizeof(labels[i]), "key-%u", i);
		keys[i] = (struct world_key){.number = (uint8_t)(1 + i % 255),
		    .rsa = i >= 255, .label = labels[i]};
	}
	token = scan(t, "many", "1", 0, keys);
	assert_int_equal(token->n_keys, KEYS_PER_TOKEN_MAX);
	assert_int_equal(token->n_dropped, KEYS - KEYS_PER_TOKEN_MAX);
	s = world_section(t->agent, "named");
	s->has_uri = true;
	s->uri.object = world_copy("key-311");
	token = scan(t, "many", "1", 0, keys);
	assert_int_equal(token->n_keys, KEYS_PER_TOKEN_MAX + 1);
	assert_int_equal(token->n_dropped, KEYS - KEYS_PER_TOKEN_MAX - 1);
	assert_string_equal(token->keys[KEYS_PER_TOKEN_MAX].label, "key-311");
	assert_int_equal(t->agent->n_exposed, KEYS_PER_TOKEN_MAX + 1);
	free(keys);
	free(labels);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_same_token_is_one),
		TEST(names_are_fit_to_be_shown),
		TEST(names_tell_tokens_apart),
		TEST(keys_are_taken_over),
		TEST(a_report_replaces_keys),
		TEST(what_a_login_settled_stays),
		TEST(what_a_login_showed_stays_exposed),
		TEST(a_key_that_was_refused_stays_so),
		TEST(without_a_login_every_view_is_whole),
		TEST(a_scan_knows_nothing_of_our_login),
		TEST(the_need_of_a_login),
		TEST(a_token_that_goes_takes_its_keys),
		TEST(alike_tokens_are_two),
		TEST(alike_tokens_that_hide_all),
		TEST(a_named_token_is_never_too_many),
		TEST(a_named_key_is_never_too_many),
	};

	return cmocka_run_group_tests_name("agent/token", tests, NULL, NULL);
}
