/* SPDX-License-Identifier: BSD-2-Clause */
/* Scripts for the fake module. */
#include "tests/pkcs11/fake-script.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Each test has a folder, with the script and a log of the calls. */
static char folder[64], script_path[128], log_path[128];

const struct token_id fake_id = {
	.manufacturer = {(const uint8_t *)"tests", 5},
	.model = {(const uint8_t *)"fake", 4},
	.serial = {(const uint8_t *)"0001", 4},
	.label = {(const uint8_t *)"fake", 4},
	.slot_description = {(const uint8_t *)"Fake reader 0", 13},
};

const char *
fake_module(void)
{
	return getenv("P11_TEST_MODULE");
}

const char *
script_folder(void)
{
	return folder;
}

const char *
script_log(void)
{
	return log_path;
}

int
script_setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/p11-agent-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(script_path, sizeof(script_path), "%s/script", folder);
	snprintf(log_path, sizeof(log_path), "%s/log", folder);
	assert_int_equal(setenv("P11_FAKE_SCRIPT", script_path, 1), 0);
	assert_int_equal(setenv("P11_FAKE_LOG", log_path, 1), 0);
	/* Where the provider makes its own folder. */
	assert_int_equal(setenv("XDG_RUNTIME_DIR", folder, 1), 0);
	return 0;
}

int
script_teardown(void **state)
{
	(void)state;
	return system("rm -r \"$XDG_RUNTIME_DIR\"");
}

void
write_script(const char *text)
{
	FILE *f = fopen(script_path, "w");

	assert_non_null(f);
	assert_int_not_equal(fputs(text, f), EOF);
	assert_int_equal(fclose(f), 0);
	unlink(log_path);
}

unsigned
count_calls(const char *start)
{
	FILE *f = fopen(log_path, "r");
	char line[256];
	unsigned n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strncmp(line, start, strlen(start)) == 0;
	fclose(f);
	return n;
}

void
serve(struct provider_process *p, const char *script, struct wire_token *ret)
{
	write_script(script);
	provider_start(p, WIRE_ROLE_TOKEN, fake_module(),
	    &fake_id);
	provider_expect_token(p, ret);
}

struct wire_sign_result
sign_p256(struct provider_process *p, const uint8_t *ref, const char *pin)
{
	static const uint8_t digest[32];

	return provider_sign(p, ref, SIGN_ECDSA,
	    bytes_of(digest, sizeof(digest)), pin);
}
