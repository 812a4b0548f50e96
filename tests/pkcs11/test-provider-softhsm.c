/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agent-provider with a real SoftHSM token: what it shows, and that its
 * signatures verify. Skipped where SoftHSM or pkcs11-tool is not installed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "pkcs11/module-path.h"
#include "pkcs11/public-key.h"
#include "tests/cmocka-all.h"
#include "tests/pkcs11/provider-process.h"

enum { KEYS = 5, SKIPPED = 77, AT_ONCE = 200 };

static const char module[] = "libsofthsm2.so";

static void
shell(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

static bool
have_tools(void)
{
	CLEANUP(cleanup_free) char *path = NULL;
	struct p11_err err;

	path = module_path_resolve(module, &err);
	return path != NULL && setenv("SOFTHSM", path, 1) == 0 &&
	    system("command -v softhsm2-util >/dev/null && "
	    "command -v pkcs11-tool >/dev/null") == 0;
}

/* One key of each kind that SSH has. */
static int
make_token(void **state)
{
	char folder[] = "/tmp/p11-agent-test-XXXXXX";
	char conf[sizeof(folder) + 16];

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(setenv("FOLDER", folder, 1), 0);
	assert_int_equal(setenv("XDG_RUNTIME_DIR", folder, 1), 0);
	shell("mkdir \"$FOLDER/tokens\" && "
	    "echo \"directories.tokendir = $FOLDER/tokens\" "
	    ">\"$FOLDER/softhsm2.conf\"");
	snprintf(conf, sizeof(conf), "%s/softhsm2.conf", folder);
	assert_int_equal(setenv("SOFTHSM2_CONF", conf, 1), 0);
	shell("softhsm2-util --init-token --free --label test "
	    "--so-pin 12345678 --pin 1234 >/dev/null");
	shell("n=1; for type in rsa:2048 EC:prime256v1 EC:secp384r1 "
	    "EC:secp521r1 EC:edwards25519; do pkcs11-tool --module "
	    "\"$SOFTHSM\" --login --pin 1234 --keypairgen --key-type $type "
	    "--id 0$n --label key-$n >/dev/null 2>&1 || exit 1; "
	    "n=$((n + 1)); done");
	return 0;
}

static int
remove_token(void **state)
{
	(void)state;
	shell("rm -r \"$FOLDER\"");
	return 0;
}

/* The keys of a view, copied. */
struct view {
	struct buffer frame;
	struct wire_token token;
	struct wire_key keys[KEYS];
};

static void
view_take(struct view *v, struct provider_process *p)
{
	struct bytes body;

	body = provider_expect(p, WIRE_TOKEN);
	v->frame = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	buffer_put(&v->frame, body);
	assert_int_equal(wire_token_parse(buffer_bytes(&v->frame), &v->token),
	    PARSE_OK);
	assert_int_equal(v->token.n_keys, KEYS);
	for (size_t i = 0; i < KEYS; i++)
		assert_true(wire_key_next(&v->token, &v->keys[i]));
}

/* What the daemon does first. */
static void
scan(struct view *v)
{
	struct provider_process p;

	provider_start(&p, WIRE_ROLE_SCAN, module, NULL);
	provider_expect(&p, WIRE_MODULE);
	view_take(v, &p);
	assert_int_equal(provider_expect(&p, WIRE_DONE).len, 0);
	provider_expect_end(&p);
	assert_int_equal(provider_end(&p), 0);
}

static void
test_scan(void **state)
{
	struct view v;

	(void)state;
	scan(&v);
	assert_true(bytes_is(v.token.id.label, "test"));
	assert_int_equal(v.token.flags, TOKEN_LOGIN_REQUIRED);
	assert_int_equal(v.token.pin_min, 4);
	for (size_t i = 0; i < KEYS; i++) {
		assert_int_equal(v.keys[i].flags, KEY_FROM_PUBLIC);
		assert_int_equal(v.keys[i].reason.len, 0);
		assert_int_equal(v.keys[i].id.len, 1);
	}
	buffer_clear(&v.frame);
}

static enum sign_algorithm
algorithm_of(enum key_kind kind)
{
	return kind == KEY_RSA ? SIGN_RSA_SHA512 :
	    kind == KEY_ED25519 ? SIGN_ED25519 : SIGN_ECDSA;
}

static void
check_signature(const struct wire_key *k, struct bytes data,
    const struct wire_sign_result *r)
{
	if (r->outcome != WIRE_OK || !public_key_verify(&k->key,
	    algorithm_of(k->key.kind), data, r->signature))
		fail_msg("key %.*s: outcome %d %.*s", (int)k->label.len,
		    (const char *)k->label.p, r->outcome,
		    (int)r->error.text.len, (const char *)r->error.text.p);
}

static void
token_start(struct provider_process *p, const struct view *v)
{
	struct wire_token t;

	provider_start(p, WIRE_ROLE_TOKEN, module, &v->token.id);
	provider_expect_token(p, &t);
	assert_true(token_id_same(&t.id, &v->token.id));
	provider_expect(p, WIRE_DONE);
}

static void
test_sign(void **state)
{
	uint8_t data[64];
	struct bytes d = bytes_of(data, sizeof(data));
	struct wire_login_result login;
	struct wire_sign_result r;
	struct provider_process p;
	struct view v;

	(void)state;
	memset(data, 0x77, sizeof(data));
	scan(&v);
	token_start(&p, &v);
	r = provider_sign(&p, v.keys[0].ref, algorithm_of(v.keys[0].key.kind),
	    d, "");
	assert_int_equal(r.outcome, WIRE_NEED_LOGIN);
	login = provider_login(&p, "4321");
	assert_int_equal(login.outcome, WIRE_PIN_REFUSED);
	assert_int_equal(login.flags,
	    TOKEN_LOGIN_REQUIRED | TOKEN_PIN_COUNT_LOW);
	assert_true(bytes_is(login.error.call, "C_Login"));
	assert_true(bytes_is(login.error.rv_name, "CKR_PIN_INCORRECT"));
	login = provider_login(&p, "1234");
	assert_int_equal(login.flags, TOKEN_LOGIN_REQUIRED | TOKEN_LOGGED_IN);
	for (size_t i = 0; i < KEYS; i++) {
		r = provider_sign(&p, v.keys[i].ref,
		    algorithm_of(v.keys[i].key.kind), d, "");
		check_signature(&v.keys[i], d, &r);
	}
	assert_int_equal(provider_end(&p), 0);
	buffer_clear(&v.frame);
}

/* Many in flight, behind a login that none of them may overtake. */
static void
test_pipelined(void **state)
{
	struct provider_process p;
	struct bytes body;
	struct view v;
	uint32_t first;

	(void)state;
	scan(&v);
	token_start(&p, &v);
	first = provider_send_login(&p, "1234") + 1;
	for (uint32_t i = 0; i < AT_ONCE; i++) {
		uint8_t data[64];
		const struct wire_key *k = &v.keys[i % KEYS];

		memset(data, (int)(i & 0xff), sizeof(data));
		provider_send_sign(&p, k->ref, algorithm_of(k->key.kind),
		    bytes_of(data, sizeof(data)), "");
	}
	provider_expect(&p, WIRE_TOKEN);
	provider_login_result(&p, first - 1);
	for (uint32_t i = 0; i < AT_ONCE; i++) {
		struct wire_sign_result r;
		uint8_t data[64];

		body = provider_expect(&p, WIRE_SIGN_RESULT);
		assert_int_equal(wire_sign_result_parse(body, &r), PARSE_OK);
		assert_in_range(r.id, first, first + AT_ONCE - 1);
		memset(data, (int)((r.id - first) & 0xff), sizeof(data));
		check_signature(&v.keys[(r.id - first) % KEYS],
		    bytes_of(data, sizeof(data)), &r);
	}
	assert_int_equal(provider_end(&p), 0);
	buffer_clear(&v.frame);
}

/* Another label, another token; and what it says of it. */
static void
test_not_there(void **state)
{
	struct provider_process p;
	struct wire_error err;
	struct token_id id;
	struct view v;

	(void)state;
	scan(&v);
	id = v.token.id;
	id.serial = bytes_str("other");
	provider_start(&p, WIRE_ROLE_TOKEN, module, &id);
	provider_expect(&p, WIRE_MODULE);
	assert_int_equal(wire_failed_parse(provider_expect(&p, WIRE_FAILED),
	    &err), PARSE_OK);
	assert_true(bytes_is(err.rv_name, "CKR_TOKEN_NOT_PRESENT"));
	assert_int_equal(provider_end(&p), 0);
	buffer_clear(&v.frame);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_sign),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_not_there),
	};

	if (!have_tools())
		return SKIPPED;
	return cmocka_run_group_tests_name("provider-softhsm", tests,
	    make_token, remove_token);
}
