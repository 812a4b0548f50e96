/* SPDX-License-Identifier: BSD-2-Clause */
/* One card that two modules show. */
#include "agent/device.h"

#include <stdlib.h>

#include "agent/allowlist.h"
#include "agent/login.h"
#include "agent/pin-memory.h"
#include "agent/process.h"
#include "agent/startup.h"
#include "proto/message.h"
#include "tests/agent/world.h"
#include "tests/cmocka-all.h"

enum { CARD = TOKEN_REMOVABLE | TOKEN_LOGIN_REQUIRED };

static const struct world_key SEVEN[] = {{.number = 7}, {0}};
static const struct world_key EIGHT[] = {{.number = 8, .id = "\2"}, {0}};
static const struct world_key BOTH[] = {
	{.number = 7}, {.number = 8, .id = "\2"}, {0},
};

/* Two providers; the second one's token would be the first by its serial. */
struct table {
	struct agent *agent;
	struct provider *first, *second;
};

static int
setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->agent = world_agent();
	t->first = world_provider(t->agent, "opensc", "P11_FAKE=");
	t->second = world_provider(t->agent, "ykcs11", "P11_FAKE=");
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

static struct token *
card(struct provider *p, const char *serial, const char *reader,
    uint32_t flags, const struct world_key *keys)
{
	struct token_id id = world_token_id("card", serial);

	id.slot_description = bytes_str(reader);
	return world_report(p, &id, flags, keys);
}

static struct config_key *
allow_all(struct table *t)
{
	struct config_key *s = world_section(t->agent, "k");

	s->has_uri = true;
	allowlist_update(t->agent);
	return s;
}

static void
assert_reason(const struct table *t, const struct token *token,
    const char *want)
{
	char out[256];

	allowlist_reason(t->agent, token, &token->keys[0], out, sizeof(out));
	assert_string_equal(out, want);
}

/* Whatever was found first, and whatever the serials say. */
static void
the_provider_named_first_serves(void **state)
{
	struct table *t = *state;
	struct token *b = card(t->second, "1", "Reader", CARD, BOTH);
	struct token *a;
	uintptr_t tried;

	allow_all(t);
	assert_int_equal(t->agent->n_exposed, 2);
	assert_true(token_is_exposed(b));
	assert_null(device_server(b));
	a = card(t->first, "2", "Reader", CARD, BOTH);
	assert_int_equal(t->agent->n_exposed, 2);
	assert_true(token_is_exposed(a));
	assert_false(token_is_exposed(b));
	assert_ptr_equal(device_server(b), a);
	assert_null(device_server(a));
	assert_true(allowlist_wants_token(t->agent, a));
	assert_false(allowlist_wants_token(t->agent, b));
	assert_reason(t, b, "the same card is served by provider opensc");
	tried = (uintptr_t)a;
	assert_null(allowlist_other(t->agent, a->keys[0].ref, &tried, 1));
	/* The card leaves both; comes back to one, as if the other failed. */
	token_leave(a, "gone");
	allowlist_settle(t->agent);
	assert_true(token_is_exposed(b));
	assert_null(device_server(b));
}

/* What the first does not show, has ruled out, or is not allowed to sign. */
static void
the_second_serves_what_the_first_cannot(void **state)
{
	struct table *t = *state;
	struct token *a = card(t->first, "2", "Reader", CARD, SEVEN);
	struct token *b = card(t->second, "1", "Reader", CARD, BOTH);
	struct config_key *s = allow_all(t);

	assert_int_equal(t->agent->n_exposed, 2);
	assert_int_equal(a->keys[0].position, 2);
	assert_int_equal(b->keys[0].position, 0);
	assert_int_equal(b->keys[1].position, 1);
	assert_null(device_server(b));
	token_key_unusable(a, &a->keys[0], "no mechanism");
	assert_int_equal(b->keys[0].position, 1);
	assert_false(token_is_exposed(a));
	/* A section about the second one's token alone. */
	a = card(t->first, "2", "Reader", CARD, BOTH);
	s->uri.serial = world_copy("1");
	allowlist_update(t->agent);
	assert_false(token_is_exposed(a));
	assert_int_equal(t->agent->n_exposed, 2);
	assert_true(allowlist_wants_token(t->agent, b));
	/* Also while it shows nothing, as before a login. */
	b = card(t->second, "1", "Reader", CARD | TOKEN_LOGGED_IN, NULL);
	assert_true(allowlist_wants_token(t->agent, b));
	assert_null(device_server(b));
}

static void
what_is_not_one_card(void **state)
{
	static const struct {
		const char *reader;
		uint32_t flags;
	} cases[] = {
		/* As "SoftHSM slot ID 0x1", or as a box on the network says. */
		{"Reader", TOKEN_LOGIN_REQUIRED},
		{"Reader 1", CARD},
		{"Reade", CARD},
		{"", CARD},
	};
	struct table *t = *state;
	struct token *a = card(t->first, "2", "Reader", CARD, SEVEN), *b;

	allow_all(t);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		b = card(t->second, "1", cases[i].reader, cases[i].flags,
		    EIGHT);
		assert_false(device_same(a, b));
		assert_null(device_server(b));
		assert_true(token_is_exposed(b));
		token_free(b);
	}
	b = card(t->first, "3", "Reader", CARD, EIGHT);
	assert_false(device_same(a, b));
	a = card(t->first, "4", "", CARD, NULL);
	b = card(t->second, "5", "", CARD, NULL);
	assert_false(device_same(a, b));
}

/* As of a module and p11-kit-proxy, which shows it as well. */
static void
equal_in_every_text(void **state)
{
	struct table *t = *state;
	struct token *a = card(t->first, "1", "SoftHSM slot 1", 0, SEVEN);
	struct token *b = card(t->second, "1", "SoftHSM slot 1", 0, SEVEN);

	allow_all(t);
	assert_true(device_same(a, b));
	assert_ptr_equal(device_server(b), a);
	assert_string_equal(a->name,
	    "card (serial 1, in SoftHSM slot 1, by opensc)");
	assert_string_equal(b->name,
	    "card (serial 1, in SoftHSM slot 1, by ykcs11)");
}

static void
they_have_one_pin(void **state)
{
	struct table *t = *state;
	struct token *a = card(t->first, "2", "Reader", CARD, SEVEN);
	struct pin_record *old = pin_record_get(t->agent, &a->id);
	struct token *b;

	old->wrong = 1;
	allow_all(t);
	b = card(t->second, "1", "Reader", CARD, EIGHT);
	assert_true(login_is_shared(a->login, b->login));
	assert_ptr_equal(pin_record_get(t->agent, &a->id),
	    pin_record_get(t->agent, &b->id));
	assert_string_equal(login_pin_state(b->login), "few tries left");
	a->flags |= TOKEN_PIN_FINAL_TRY;
	assert_true(login_final_try(b->login));
	a->flags |= TOKEN_PIN_LOCKED;
	allowlist_update(t->agent);
	assert_string_equal(login_pin_state(b->login), "locked");
	assert_int_equal(t->agent->n_exposed, 0);
	assert_reason(t, b, "the PIN of its token is locked");
	device_pin_good(b);
	assert_string_equal(login_pin_state(a->login), "few tries left");
	/* Also when only one of them sees the card the next time. */
	token_free(a);
	b->login = login_free(b->login);
	assert_non_null(b->login = login_new(b));
	assert_string_equal(login_pin_state(b->login), "few tries left");
}

/* OpenSC makes a slot for each PIN of a card; the key tells which it is. */
static void
each_pin_of_a_card_is_its_own(void **state)
{
	struct table *t = *state;
	struct token *one = card(t->first, "1", "Reader", CARD, SEVEN);
	struct token *two = card(t->first, "2", "Reader", CARD, EIGHT);
	struct token *b = card(t->second, "3", "Reader", CARD, EIGHT);
	struct token *c = card(t->second, "4", "Reader", CARD, NULL);

	assert_false(login_is_shared(one->login, two->login));
	assert_true(login_is_shared(two->login, b->login));
	assert_false(login_is_shared(one->login, b->login));
	assert_false(login_is_shared(one->login, c->login));
	two->flags |= TOKEN_PIN_LOCKED;
	assert_string_equal(login_pin_state(b->login), "locked");
	assert_string_equal(login_pin_state(one->login), "ok");
	assert_string_equal(login_pin_state(c->login), "ok");
}

static bool
process_runs(void *arg)
{
	const struct token *t = arg;

	return t->process != NULL && process_is_ready(t->process);
}

/* A PIN that one module refused is not sent through the other one. */
static void
a_refused_pin_stays_refused(void **state)
{
	struct table *t = *state;
	struct token *a = card(t->first, "2", "Reader", CARD, SEVEN);
	struct token *b = card(t->second, "1", "Reader", CARD, SEVEN);
	struct buffer out = BUFFER_INIT(1024);
	struct world_peer peer;

	setenv("P11_FAKE_PIN", "1111", 1);
	allow_all(t);
	world_client(t->agent, &peer);
	world_put_sign(&out, &a->keys[0], "x", 0);
	assert_true(world_send(t->agent, &peer, buffer_bytes(&out)));
	assert_int_equal(world_signed(t->agent, &peer), -1);
	assert_int_equal(pin_record_get(t->agent, &b->id)->wrong, 1);
	token_key_unusable(a, &a->keys[0], "no mechanism");
	assert_true(world_send(t->agent, &peer, buffer_bytes(&out)));
	assert_int_equal(world_signed(t->agent, &peer), -1);
	assert_true(process_runs(b));
	assert_int_equal(pin_record_get(t->agent, &b->id)->wrong, 1);
	buffer_clear(&out);
	world_hang_up(&peer);
}

/* The first one's scan ended later. */
static void
an_idle_process_makes_room(void **state)
{
	struct table *t = *state;
	struct token *b = card(t->second, "1", "Reader", CARD, BOTH);
	struct token *a;

	allow_all(t);
	t->first->state = PROVIDER_SCANNING;
	assert_true(device_is_open(b));
	assert_true(process_start(b));
	assert_true(world_run(t->agent, process_runs, b));
	b->flags |= TOKEN_REMOVABLE; /* which the fake does not say */
	assert_true(device_is_busy(b));
	device_settle(t->agent);
	assert_non_null(b->process);
	a = card(t->first, "2", "Reader", CARD, BOTH);
	assert_true(device_is_busy(a));
	t->first->state = PROVIDER_READY;
	assert_false(device_is_open(b));
	device_settle(t->agent);
	assert_null(b->process);
	assert_false(device_is_busy(a));
}

/* Nobody is asked for a PIN by the module that happened to be faster. */
static void
a_list_waits_for_both(void **state)
{
	struct table *t = *state;
	struct buffer out = BUFFER_INIT(1024);
	struct world_peer peer;
	struct token *a;

	allow_all(t);
	t->agent->config->start_wait_ms = 1000 * 1000;
	world_client(t->agent, &peer);
	t->first->state = PROVIDER_SCANNING;
	startup_inserted(t->agent);
	card(t->second, "1", "Reader", CARD, SEVEN);
	world_put_list(&out);
	assert_true(world_send(t->agent, &peer, buffer_bytes(&out)));
	buffer_clear(&out);
	assert_true(world_quiet(t->agent, &peer));
	/* A scan that was begun before the card came: another one follows. */
	t->first->again = true;
	provider_ready(t->first);
	assert_true(world_quiet(t->agent, &peer));
	t->first->again = false;
	a = card(t->first, "2", "Reader", CARD, SEVEN);
	provider_ready(t->first);
	assert_int_equal(world_receive(t->agent, &peer).p[0],
	    SSH_AGENT_IDENTITIES_ANSWER);
	assert_true(token_is_exposed(a));
	world_hang_up(&peer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_provider_named_first_serves),
		TEST(the_second_serves_what_the_first_cannot),
		TEST(what_is_not_one_card),
		TEST(equal_in_every_text),
		TEST(they_have_one_pin),
		TEST(each_pin_of_a_card_is_its_own),
		TEST(a_refused_pin_stays_refused),
		TEST(an_idle_process_makes_room),
		TEST(a_list_waits_for_both),
	};

	return cmocka_run_group_tests_name("agent/device", tests, NULL, NULL);
}
