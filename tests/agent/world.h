/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small daemon made by hand, for tests and fuzz targets: config sections,
 * providers, tokens and keys without any file or process, and clients on
 * socketpairs. What cannot be made ends the program.
 */
#ifndef P11_AGENT_TESTS_AGENT_WORLD_H
#define P11_AGENT_TESTS_AGENT_WORLD_H

#include "agent/agent.h"
#include "agent/client.h"
#include "agent/config-flat.h"
#include "agent/provider.h"
#include "agent/token.h"

/* A key of a token, as a provider would report it. */
struct world_key {
	uint8_t number; /* its public half: 32 bytes of this, Ed25519 */
	const char *id;
	const char *label;
	const char *other_label; /* or NULL */
	uint32_t flags;	    /* enum key_flag */
	const char *reason; /* or NULL */
	bool rsa;	    /* 2048 bits of it instead */
	bool other;	    /* no SSH algorithm */
};

/* A program at the other end of a connection. */
struct world_peer {
	int fd; /* non-blocking */
	struct buffer in;
	size_t given; /* bytes of it that world_receive gave last */
};

/* Past its start, with a config that exposes nothing. */
struct agent *world_agent(void);

/* Appends a section, to be filled. Call allowlist_update afterwards. */
struct config_key *world_section(struct agent *a, const char *name);

/* A heap copy for a member of a section. */
char *world_copy(const char *text);

/* Scanned and ready; env: one setting of its processes, or NULL. */
struct provider *world_provider(struct agent *a, const char *name,
    const char *env);

/* keys end with one whose number is 0. */
struct token *world_token(struct provider *p, const char *label,
    const char *serial, uint32_t flags, const struct world_key *keys);

/* The same with every text of its id. */
struct token *world_report(struct provider *p, const struct token_id *id,
    uint32_t flags, const struct world_key *keys);

/* The message of a provider that would report this token; one whole frame. */
void world_put_token(struct buffer *b, const struct token_id *id,
    uint32_t flags, const struct world_key *keys);
struct token_id world_token_id(const char *label, const char *serial);

/* A connection; peer is its other end, to be ended with world_hang_up. */
struct client *world_client(struct agent *a, struct world_peer *peer);
void world_hang_up(struct world_peer *peer);

/* Both ends of a socketpair; the second one is the peer's. */
int world_pair(struct world_peer *peer);

/* Let the loop do what it can without waiting. */
void world_spin(struct agent *a);

/* Until done(arg) says so; false after ten seconds. */
bool world_run(struct agent *a, bool (*done)(void *arg), void *arg);

/*
 * The next frame that arrives while the loop runs: its body, valid until the
 * next call. Empty when the connection was closed instead.
 */
struct bytes world_receive(struct agent *a, struct world_peer *peer);

/*
 * The next reply is a signature by fake-provider.c: the byte that it is made
 * of; or FAILURE: -1.
 */
int world_signed(struct agent *a, struct world_peer *peer);

/* Nothing arrives, whatever the loop can do now. */
bool world_quiet(struct agent *a, struct world_peer *peer);

/* The other end was closed; what came before that is dropped. */
bool world_closed(struct agent *a, struct world_peer *peer);

/* Write everything while the loop runs; false when the peer closed it. */
bool world_send(struct agent *a, struct world_peer *peer, struct bytes raw);

/* Requests as whole frames. */
void world_put_list(struct buffer *b);
void world_put_sign(struct buffer *b, const struct key *k, const char *data,
    uint32_t flags);

#endif
