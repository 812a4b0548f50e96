/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/config-flat.h"

#include "common/cleanup.h"
#include "common/limits.h"
#include "tests/cmocka-all.h"
#include "tests/proto/every-cut.h"

DEFINE_PARSE_FN(parse_config, struct config *, config_parse(body, &m))

/* The parser of every-cut.h keeps what it made; this one frees it. */
static enum parse_err
parse_and_free(struct bytes body)
{
	struct config *c = NULL;
	enum parse_err err = config_parse(body, &c);

	if (err != PARSE_OK)
		return parse_config(body);
	config_free(c);
	return err;
}

static char *
copy(const char *s)
{
	char *p = strdup(s);

	assert_non_null(p);
	return p;
}

static char **
list_of(const char *a, const char *b)
{
	char **list = calloc(3, sizeof(*list));

	assert_non_null(list);
	list[0] = a == NULL ? NULL : copy(a);
	list[1] = a == NULL || b == NULL ? NULL : copy(b);
	return list;
}

static void *
one_of(size_t size)
{
	void *p = calloc(1, size);

	assert_non_null(p);
	return p;
}

static void
fill_provider(struct config *c)
{
	struct config_provider *p = one_of(sizeof(*p));

	p->name = copy("opensc");
	p->module = copy("/usr/lib/opensc-pkcs11.so");
	p->init_args = copy("");
	p->env = list_of("A=1", "B=2");
	p->place = (struct config_place){copy("a.conf"), 3};
	c->providers = p;
	c->n_providers = 1;
}

static void
fill_token(struct config *c)
{
	struct config_token *t = one_of(sizeof(*t));

	t->name = copy("yubikey");
	t->uri.serial = copy("12345678");
	t->login = LOGIN_SECONDS;
	t->login_sec = 60;
	t->keep_pin_sec = UINT32_MAX;
	t->release_sec = 10;
	t->forget_on = FORGET_ON_SLEEP | FORGET_ON_REMOVAL;
	t->pin_sources = list_of("askpass", NULL);
	t->place = (struct config_place){copy("a.conf"), 9};
	c->tokens = t;
	c->n_tokens = 1;
}

static void
fill_key(struct config *c)
{
	struct config_key *k = one_of(sizeof(*k));

	k->name = copy("work");
	k->has_uri = true;
	k->uri.manufacturer = copy("m");
	k->uri.model = copy("n");
	k->uri.token = copy("label");
	k->uri.slot_description = copy("reader");
	k->uri.object = copy("object");
	assert_true(bytes_dup(bytes_of("\0\1", 2), &k->uri.id, &k->uri.id_len));
	k->fingerprint = copy("SHA256:x");
	assert_true(
	    bytes_dup(bytes_str("blob"), &k->public_key, &k->public_key_len));
	k->deny = true;
	k->place = (struct config_place){copy("b.conf"), 1};
	c->keys = k;
	c->n_keys = 1;
}

/* One of everything. */
static struct config *
full_config(void)
{
	struct config *c = config_new();

	assert_non_null(c);
	c->max_identities = 2;
	c->start_wait_ms = 500;
	c->allow_root = false;
	fill_provider(c);
	fill_token(c);
	fill_key(c);
	c->files = list_of("a.conf", "b.conf");
	c->warnings = list_of("a.conf:1: hardly meant", NULL);
	return c;
}

static void
full_one_comes_back(void **state)
{
	CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(1 << 16);
	CLEANUP(config_freep) struct config *in = full_config();
	CLEANUP(config_freep) struct config *c = NULL;

	(void)state;
	config_put(&b, in);
	assert_int_equal(config_parse(buffer_bytes(&b), &c), PARSE_OK);
	assert_int_equal(c->max_identities, 2);
	assert_int_equal(c->start_wait_ms, 500);
	assert_false(c->allow_root);
	assert_int_equal(c->n_providers, 1);
	assert_string_equal(c->providers[0].init_args, "");
	assert_string_equal(c->warnings[0], "a.conf:1: hardly meant");
	assert_null(c->warnings[1]);
	assert_string_equal(c->providers[0].env[1], "B=2");
	assert_null(c->providers[0].env[2]);
	assert_int_equal(c->n_tokens, 1);
	assert_string_equal(c->tokens[0].uri.serial, "12345678");
	assert_null(c->tokens[0].uri.model);
	assert_int_equal(c->tokens[0].login, LOGIN_SECONDS);
	assert_int_equal(c->tokens[0].keep_pin_sec, UINT32_MAX);
	assert_int_equal(c->tokens[0].release_sec, 10);
	assert_int_equal(c->tokens[0].forget_on,
	    FORGET_ON_SLEEP | FORGET_ON_REMOVAL);
	assert_int_equal(c->tokens[0].place.line, 9);
	assert_int_equal(c->n_keys, 1);
	assert_string_equal(c->keys[0].uri.slot_description, "reader");
	assert_int_equal(c->keys[0].uri.id_len, 2);
	assert_memory_equal(c->keys[0].uri.id, "\0\1", 2);
	assert_int_equal(c->keys[0].public_key_len, 4);
	assert_true(c->keys[0].deny);
	assert_string_equal(c->keys[0].place.file, "b.conf");
	assert_string_equal(c->files[1], "b.conf");
	assert_null(c->files[2]);
}

static void
empty_one_comes_back(void **state)
{
	CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(1 << 16);
	CLEANUP(config_freep) struct config *in = config_new();
	CLEANUP(config_freep) struct config *c = NULL;

	(void)state;
	config_put(&b, in);
	assert_int_equal(config_parse(buffer_bytes(&b), &c), PARSE_OK);
	assert_int_equal(c->max_identities, IDENTITIES_MAX);
	assert_true(c->allow_root);
	assert_int_equal(c->n_keys, 0);
	assert_null(c->files);
}

static void
every_cut_is_refused(void **state)
{
	CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(1 << 16);
	CLEANUP(config_freep) struct config *in = full_config();

	(void)state;
	config_put(&b, in);
	check_every_cut("full", parse_and_free, buffer_bytes(&b), b.len, false);
}

/* The head is: version, max-identities, start-wait, allow-root, providers. */
static void
values_out_of_range(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
		enum parse_err want;
	} cases[] = {
	    {"as it is", 0, 2, PARSE_OK},
	    {"another version", 0, 1, PARSE_VALUE},
	    {"no identities", 4, 0, PARSE_VALUE},
	    {"one more identity", 4, IDENTITIES_MAX + 1, PARSE_VALUE},
	    {"neither yes nor no", 9, 2, PARSE_VALUE},
	    {"many providers", 10, 1, PARSE_LIMIT},
	    {"more providers than bytes", 13, PROVIDERS_MAX, PARSE_TRUNCATED},
	    {"many tokens", 14, 1, PARSE_LIMIT},
	    {"many keys", 18, 1, PARSE_LIMIT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(1 << 16);
		CLEANUP(config_freep) struct config *in = config_new();
		enum parse_err got;

		config_put(&b, in);
		assert_int_equal(b.len, 24);
		b.p[cases[i].at] = cases[i].value;
		got = parse_copy(parse_and_free, buffer_bytes(&b));
		if (got != cases[i].want)
			fail_msg("%s: %s", cases[i].name, parse_err_text(got));
	}
}

static void
nul_in_a_text(void **state)
{
	CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(1 << 16);
	CLEANUP(config_freep) struct config *in = full_config();
	uint8_t *name;

	(void)state;
	config_put(&b, in);
	name = memmem(b.p, b.len, "yubikey", 7);
	assert_non_null(name);
	name[3] = '\0';
	assert_int_equal(
	    parse_copy(parse_and_free, buffer_bytes(&b)), PARSE_VALUE);
}

static void
too_large_a_config_fails(void **state)
{
	CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(64);
	CLEANUP(config_freep) struct config *in = full_config();

	(void)state;
	config_put(&b, in);
	assert_true(b.failed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(full_one_comes_back),
	    cmocka_unit_test(empty_one_comes_back),
	    cmocka_unit_test(every_cut_is_refused),
	    cmocka_unit_test(values_out_of_range),
	    cmocka_unit_test(nul_in_a_text),
	    cmocka_unit_test(too_large_a_config_fails),
	};

	return cmocka_run_group_tests_name(
	    "agent/config-flat", tests, NULL, NULL);
}
