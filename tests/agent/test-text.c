/* SPDX-License-Identifier: BSD-2-Clause */
/* What the daemon writes for people: words, URIs, names; and digests. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/hasher.h"
#include "agent/peer.h"
#include "agent/uri.h"
#include "agent/words.h"
#include "common/text.h"
#include "tests/cmocka-all.h"

#define LITERAL(s) bytes_of(s, sizeof(s) - 1)

static void
errors_in_words(void **state)
{
	const struct {
		struct wire_error error;
		const char *words;
	} cases[] = {
		{{LITERAL("C_Sign"), 0x30, LITERAL("CKR_DEVICE_ERROR"),
		    LITERAL("")}, "C_Sign: CKR_DEVICE_ERROR"},
		{{LITERAL("C_Sign"), 0x30, LITERAL("CKR_DEVICE_ERROR"),
		    LITERAL("no answer")},
		    "C_Sign: CKR_DEVICE_ERROR (no answer)"},
		{{LITERAL("C_Sign"), 0, LITERAL(""), LITERAL("it is wrong")},
		    "C_Sign: it is wrong"},
		{{LITERAL(""), 0, LITERAL(""), LITERAL("no such module")},
		    "no such module"},
		{{LITERAL(""), 0, LITERAL(""), LITERAL("")},
		    "no reason was given"},
		{{LITERAL("a\nb"), 0, LITERAL("c\x1b"), LITERAL("d\0e")},
		    "a?b: c? (d?e)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *words = wire_error_words(&cases[i].error);

		assert_non_null(words);
		assert_string_equal(words, cases[i].words);
		free(words);
	}
}

/* Each outcome says at least what the module said. */
static void
outcomes_in_words(void **state)
{
	const struct wire_error e = {bytes_str("C_Sign"), 1,
	    bytes_str("CKR_WHAT"), BYTES_NONE};
	const struct wire_error none = {.rv = 0};

	(void)state;
	for (int outcome = WIRE_OK; outcome <= WIRE_ERROR; outcome++) {
		char *words = wire_outcome_words((enum wire_outcome)outcome,
		    &e);

		assert_non_null(words);
		assert_memory_equal(words, "C_Sign: CKR_WHAT", 16);
		free(words);
		words = wire_outcome_words((enum wire_outcome)outcome, &none);
		assert_non_null(words);
		assert_int_not_equal(words[0], ';');
		free(words);
	}
}

static void
long_words_are_cut(void **state)
{
	char text[5000], *words;
	struct wire_error e = {.text = bytes_of(text, sizeof(text))};

	(void)state;
	memset(text, 'x', sizeof(text));
	words = wire_error_words(&e);
	assert_non_null(words);
	assert_true(strlen(words) > 500);
	assert_true(strlen(words) < sizeof(text));
	free(words);
	memset(text, 0xff, sizeof(text));
	words = words_copy(bytes_of(text, sizeof(text)));
	assert_non_null(words);
	assert_int_equal(strlen(words), sizeof(text));
	assert_int_equal(strspn(words, "?"), sizeof(text));
	free(words);
}

static void
key_uris(void **state)
{
	static const struct {
		const char *label, *serial, *id, *object;
		const char *uri;
	} cases[] = {
		{"work", "0001", "\1\xff", "key",
		    "pkcs11:serial=0001;id=%01%FF"},
		/* Another token has this serial number, too. */
		{"work", "0002", "\1\xff", "key",
		    "pkcs11:token=work;serial=0002;id=%01%FF"},
		{"twin", "0002", "\1\xff", "key",
		    "pkcs11:serial=0002;id=%01%FF"},
		{"a b;c=d", "", "A", "",
		    "pkcs11:token=a%20b%3Bc%3Dd;id=%41"},
		{"", "0001", "", "my \"key\"",
		    "pkcs11:serial=0001;object=my%20%22key%22"},
		{"", "", "", "x-._~y", "pkcs11:object=x-._~y"},
		{"\xc3\xa4%\n", "", "\n", "",
		    "pkcs11:token=%C3%A4%25%0A;id=%0A"},
		{"", "", "", "", "pkcs11:"},
	};

	struct agent agent = {.n_clients = 0};
	struct token twin = {.id = {
		.label = bytes_str("twin"),
		.serial = bytes_str("0002"),
	}};

	(void)state;
	TAILQ_INIT(&agent.tokens);
	TAILQ_INSERT_TAIL(&agent.tokens, &twin, entry);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct token t = {.agent = &agent, .id = {
			.label = bytes_str(cases[i].label),
			.serial = bytes_str(cases[i].serial),
			.manufacturer = bytes_str("not named"),
		}};
		struct key k = {.id_len = strlen(cases[i].id)};
		size_t len;
		char *uri;

		k.label = strdup(cases[i].object);
		assert_non_null(k.label);
		assert_true(bytes_dup(bytes_str(cases[i].id), &k.id, &len));
		uri = key_uri(&t, &k);
		assert_non_null(uri);
		assert_string_equal(uri, cases[i].uri);
		free(uri);
		free(k.label);
		free(k.id);
	}
}

/* FIPS 180-4 has them for "abc". */
static void
digests(void **state)
{
	static const struct {
		enum ssh_signature algorithm;
		const char *hex; /* NULL: the message itself */
	} cases[] = {
		{SSH_SIG_RSA_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a3"
		    "96177a9cb410ff61f20015ad"},
		{SSH_SIG_ECDSA_P256, "ba7816bf8f01cfea414140de5dae2223b00361a3"
		    "96177a9cb410ff61f20015ad"},
		{SSH_SIG_ECDSA_P384, "cb00753f45a35e8bb5a03d699ac65007272c32ab"
		    "0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
		{SSH_SIG_RSA_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e"
		    "89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
		    "454d4423643ce80e2a9ac94fa54ca49f"},
		{SSH_SIG_ECDSA_P521, "ddaf35a193617abacc417349ae20413112e6fa4e"
		    "89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
		    "454d4423643ce80e2a9ac94fa54ca49f"},
		{SSH_SIG_ED25519, NULL},
	};
	struct hasher *h = hasher_new();
	uint8_t out[DIGEST_MAX_BYTES];
	char hex[2 * DIGEST_MAX_BYTES + 1];
	struct bytes got;

	(void)state;
	assert_non_null(h);
	/* Twice: one context is used again and again. */
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		size_t at = i % (sizeof(cases) / sizeof(cases[0]));

		assert_true(hasher_digest(h, cases[at].algorithm,
		    bytes_str("abc"), out, &got));
		if (cases[at].hex == NULL)
			assert_true(bytes_is(got, "abc"));
		else
			assert_string_equal(text_hex(got, hex, sizeof(hex)),
			    cases[at].hex);
	}
	assert_true(hasher_digest(h, SSH_SIG_ECDSA_P256, BYTES_NONE, out,
	    &got));
	assert_memory_equal(text_hex(got, hex, sizeof(hex)), "e3b0c442", 8);
	assert_null(hasher_free(h));
	assert_null(hasher_free(NULL));
}

static void
peers(void **state)
{
	char name[PEER_NAME_BYTES], want[PEER_NAME_BYTES];
	struct peer peer = {.uid = (uid_t)-1};
	int sv[2], fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_true(peer_get(sv[0], &peer));
	assert_int_equal(peer.uid, getuid());
	assert_int_equal(peer.pid, getpid());
	close(sv[0]);
	close(sv[1]);
	assert_int_equal(pipe(fd), 0);
	assert_false(peer_get(fd[0], &peer));
	close(fd[0]);
	close(fd[1]);
	/* A process names itself, with what it likes. */
	assert_int_equal(prctl(PR_SET_NAME, "evil\n\x1b[1m"), 0);
	snprintf(want, sizeof(want), "evil??[1m (pid %ld)", (long)getpid());
	assert_string_equal(peer_name(getpid(), name), want);
	assert_string_equal(peer_name(0, name), "pid 0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_in_words),
		cmocka_unit_test(outcomes_in_words),
		cmocka_unit_test(long_words_are_cut),
		cmocka_unit_test(key_uris),
		cmocka_unit_test(digests),
		cmocka_unit_test(peers),
	};

	return cmocka_run_group_tests_name("agent/text", tests, NULL, NULL);
}
