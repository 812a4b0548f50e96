/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's state: everything hangs off one struct agent. */
#ifndef P11_AGENT_AGENT_AGENT_H
#define P11_AGENT_AGENT_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

struct allowlist;
struct announcer;
struct client;
struct config;
struct control_client;
struct event_base;
struct exposed;
struct forget;
struct hasher;
struct lookups;
struct notice;
struct pin_file;
struct pin_record;
struct provider;
struct registry;
struct readers;
struct refusals;
struct reload;
struct spawner;
struct startup;
struct token;
struct unfinished;

TAILQ_HEAD(provider_list, provider);
TAILQ_HEAD(token_list, token);
TAILQ_HEAD(client_list, client);
TAILQ_HEAD(control_list, control_client);
TAILQ_HEAD(notice_list, notice);
TAILQ_HEAD(pin_record_list, pin_record);

struct agent {
	struct event_base *base;	/* owned */
	struct spawner *spawner;	/* owned */
	struct config *config;		/* owned; never NULL */
	struct hasher *hasher;		/* owned */
	struct startup *startup;	/* owned */
	struct lookups *lookups;	/* owned */
	struct refusals *refusals;	/* owned */
	struct unfinished *unfinished;	/* owned */
	struct reload *reload;		/* owned */
	struct readers *readers;	/* owned */
	struct allowlist *allowlist;	/* owned */
	struct announcer *announcer;	/* owned */
	struct forget *forget;		/* owned */
	struct registry *registry;	/* owned */
	struct provider_list providers; /* in config order */
	struct token_list tokens;	/* in the order they were found */
	struct client_list clients;
	struct control_list controls;
	struct notice_list notices;
	struct pin_record_list pin_records;
	struct pin_file *pin_file; /* owned */
	struct exposed *exposed; /* owned; see allowlist.h */
	size_t n_exposed;
	size_t n_clients;
	size_t n_request_bytes; /* of all clients' requests in flight */
	const char *socket_path; /* borrowed; for status */
	uid_t uid;		 /* ours */
};

/*
 * An agent without config, providers and sockets; NULL when memory is out.
 * config_file: the only one, or NULL for the usual ones.
 */
struct agent *agent_new(const char *config_file);

/* Ends every child, closes every connection. NULL is fine. Returns NULL. */
struct agent *agent_free(struct agent *a);

/*
 * Take a config over and put it in force. Providers that it still names the
 * same way keep their tokens and what these are doing; all are scanned afresh
 * and idle processes end, so that what was made or changed meanwhile shows.
 */
void agent_configure(struct agent *a, struct config *config);

#endif
