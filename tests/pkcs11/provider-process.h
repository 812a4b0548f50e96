/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real p11-agent-provider at the other end of a socketpair, for tests.
 * Whatever does not go as a call says fails the test.
 */
#ifndef P11_AGENT_TESTS_PKCS11_PROVIDER_PROCESS_H
#define P11_AGENT_TESTS_PKCS11_PROVIDER_PROCESS_H

#include <sys/types.h>

#include "pkcs11/wire.h"

struct provider_process {
	pid_t pid;
	int fd;
	struct buffer in;
	struct bytes frame; /* of the last message, in `in` */
	uint32_t next_id;
	bool renew; /* signatures that are lost may be tried anew */
};

/* Run the program that $P11_TEST_PROVIDER names, and send it WIRE_START. */
void provider_start(struct provider_process *p, enum wire_role role,
    const char *module, const struct token_id *token);

/* The same with a WIRE_START of the test's. */
void provider_start_with(struct provider_process *p,
    const struct wire_start *start);

/* Close the socket and wait for its end. Returns the exit code, -1 a signal. */
int provider_end(struct provider_process *p);

/* Send frames as they are. */
void provider_send(struct provider_process *p, const struct buffer *frames);

/* The next message: its type, and its body until the next call. */
uint8_t provider_receive(struct provider_process *p, struct bytes *body);

/* It closed its end. */
void provider_expect_end(struct provider_process *p);

/* The next message must be of this type. */
struct bytes provider_expect(struct provider_process *p, uint8_t type);

/* Until WIRE_DONE: MODULE and one TOKEN; *ret borrows until the next call. */
void provider_expect_token(struct provider_process *p, struct wire_token *ret);

/* Send without waiting; the request's number. */
uint32_t provider_send_login(struct provider_process *p, const char *pin);
uint32_t provider_send_sign(struct provider_process *p, const uint8_t *ref,
    enum sign_algorithm algorithm, struct bytes data, const char *pin);

/*
 * The next message must be the answer to this request; a WIRE_TOKEN before
 * that of a signature that was renewed is skipped.
 */
struct wire_login_result provider_login_result(struct provider_process *p,
    uint32_t id);
struct wire_sign_result provider_sign_result(struct provider_process *p,
    uint32_t id);

/* Both: send and wait. After a good login its WIRE_TOKEN is skipped. */
struct wire_login_result provider_login(struct provider_process *p,
    const char *pin);
struct wire_sign_result provider_sign(struct provider_process *p,
    const uint8_t *ref, enum sign_algorithm algorithm, struct bytes data,
    const char *pin);

#endif
