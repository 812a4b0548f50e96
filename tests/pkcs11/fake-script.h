/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agent-provider with the fake module and a script for it; see
 * fake-module.c for what a script may say. One script a test.
 */
#ifndef P11_AGENT_TESTS_PKCS11_FAKE_SCRIPT_H
#define P11_AGENT_TESTS_PKCS11_FAKE_SCRIPT_H

#include "pkcs11/public-key.h"
#include "tests/cmocka-all.h"
#include "tests/pkcs11/provider-process.h"

/* Points that are on their curves: the generators of P-256 and secp256k1. */
#define P256_PARAMS "06082a8648ce3d030107"
#define P256_POINT                                                     \
	"046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d8" \
	"98c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb640" \
	"6837bf51f5"
/* The same x, the other y. */
#define P256_OTHER                                                     \
	"046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d8" \
	"98c296b01cbd1c01e58065711814b583f061e9d431cca994cea1313449bf" \
	"97c840ae0a"
#define K1_PARAMS "06052b8104000a"
#define P256 "key_type=3 params=" P256_PARAMS " point=" P256_POINT
#define P256_B "key_type=3 params=" P256_PARAMS " point=" P256_OTHER
#define ED25519                                        \
	"key_type=0x40 params=06032b6570 point="       \
	"00112233445566778899aabbccddeeff"             \
	"00112233445566778899aabbccddeeff"
#define PUBLIC "object class=2 "
#define PRIVATE "object class=3 private=1 "

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)

/* The module's file. */
const char *fake_module(void);

/* The id of the script's first token. */
extern const struct token_id fake_id;

int script_setup(void **state);
int script_teardown(void **state);

/* What the module does from now on; its log starts anew. */
void write_script(const char *text);

/* Calls in its log that start so: "C_Login", "C_Login 2". */
unsigned count_calls(const char *start);

/* The test's own folder, which is $XDG_RUNTIME_DIR as well. */
const char *script_folder(void);

/* The path of the log. */
const char *script_log(void);

/* Start it as a token's process; the keys it shows, in *ret. */
void serve(struct provider_process *p, const char *script,
    struct wire_token *ret);

/* ECDSA over 32 zeros. */
struct wire_sign_result sign_p256(struct provider_process *p,
    const uint8_t *ref, const char *pin);

#endif
