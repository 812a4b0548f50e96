/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/token.h"

#include <stdlib.h>

#include "agent/allowlist.h"
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

/* What a call answered is a fact, until something changes. */
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
		TEST(a_key_that_was_refused_stays_so),
		TEST(without_a_login_every_view_is_whole),
		TEST(a_scan_knows_nothing_of_our_login),
		TEST(the_need_of_a_login),
		TEST(a_token_that_goes_takes_its_keys),
	};

	return cmocka_run_group_tests_name("agent/token", tests, NULL, NULL);
}
