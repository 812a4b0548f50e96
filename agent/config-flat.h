/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checked config as p11-agent-config hands it to the daemon: flat, in
 * order, no file left to be opened. p11-agent-config (libConfuse, p11-kit's
 * URIs, libssh's .pub files) writes it, the daemon reads it.
 */
#ifndef P11_AGENT_AGENT_CONFIG_FLAT_H
#define P11_AGENT_AGENT_CONFIG_FLAT_H

#include "common/buffer.h"
#include "common/reader.h"

/* A PKCS#11 URI (RFC 7512) taken apart; a part that is not set matches all. */
struct uri_match {
	char *manufacturer; /* owned; NULL where not given */
	char *model;
	char *serial;
	char *token; /* the token's label */
	char *slot_description;
	char *object; /* CKA_LABEL */
	uint8_t *id;  /* CKA_ID; NULL where not given */
	size_t id_len;
};

/* Where a section stands, for messages. */
struct config_place {
	char *file; /* owned */
	uint32_t line;
};

struct config_provider {
	char *name;
	char *module;
	char *init_args; /* or NULL */
	char *remote;	 /* not of a config: see registry.h; or NULL */
	char **env;	 /* NAME=VALUE, NULL-terminated; or NULL */
	struct config_place place;
};

enum config_login { LOGIN_SESSION, LOGIN_EACH, LOGIN_SECONDS };

/* What wipes a token's PIN and ends its login; a set of these. */
enum config_forget_on {
	FORGET_ON_REMOVAL = 1 << 0,
	FORGET_ON_SLEEP = 1 << 1,
	FORGET_ON_SCREEN_LOCK = 1 << 2,
	FORGET_ON_ALL = (1 << 3) - 1,
};

struct config_token {
	char *name;
	struct uri_match uri;
	enum config_login login;
	uint32_t login_sec; /* LOGIN_SECONDS */
	uint32_t keep_pin_sec; /* 0: no; UINT32_MAX: for the session */
	uint8_t forget_on;     /* enum config_forget_on */
	char **pin_sources;    /* NULL-terminated; or NULL: the default */
	uint32_t release_sec;  /* idle, then let go of it; 0: never */
	struct config_place place;
};

struct config_key {
	char *name;
	bool has_uri;
	struct uri_match uri;
	char *fingerprint;   /* "SHA256:…" or NULL */
	uint8_t *public_key; /* SSH key blob from `file`, or NULL */
	size_t public_key_len;
	bool deny;
	struct config_place place;
	/* Not in the file: its key was seen where PC/SC is watched. */
	bool on_card;
};

struct config {
	uint32_t max_identities;
	uint32_t start_wait_ms;
	bool allow_root;
	struct config_provider *providers; /* owned arrays */
	size_t n_providers;
	struct config_token *tokens;
	size_t n_tokens;
	struct config_key *keys; /* in config order */
	size_t n_keys;
	char **files; /* those that were read, NULL-terminated; owned */
	/* "FILE:LINE: …": accepted, and hardly meant; or NULL; as `files`. */
	char **warnings;
};

/* A config with the defaults and no section; NULL when memory is out. */
struct config *config_new(void);
struct config *config_free(struct config *c);
void config_freep(struct config **c);

/* Release what a section holds; it is empty afterwards. */
void uri_match_clear(struct uri_match *u);
void config_provider_clear(struct config_provider *p);
void config_token_clear(struct config_token *t);
void config_key_clear(struct config_key *k);

/* Append the whole of it to b (which fails when it is too large). */
void config_put(struct buffer *b, const struct config *c);

/*
 * *ret is new and the caller's to free; unchanged unless PARSE_OK. Texts are
 * never NULL unless said so above; max_identities is 1 to IDENTITIES_MAX.
 */
enum parse_err config_parse(struct bytes flat, struct config **ret);

#endif
