/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every size and count that a peer, a token or a file controls, with its
 * unit, in one place.
 */
#ifndef P11_AGENT_COMMON_LIMITS_H
#define P11_AGENT_COMMON_LIMITS_H

enum {
	/* The agent socket: one message, as OpenSSH limits it. */
	CLIENT_MSG_MAX_BYTES = 256 * 1024,
	/* Answers to one client that may wait to be read by it. */
	CLIENT_OUT_MAX_BYTES = 1024 * 1024,
	/* Requests of one client in flight; more are left unread. */
	CLIENT_REQUESTS_MAX = 64,
	/* The same in bytes. */
	CLIENT_REQUESTS_MAX_BYTES = 512 * 1024,
	/* Bytes of the requests in flight, of all clients. */
	CLIENTS_REQUESTS_MAX_BYTES = 32 * 1024 * 1024,
	/* The time a request may take to come, from its first byte on. */
	CLIENT_UNFINISHED_SEC = 60,
	/* Bytes of requests that have not come to an end, of all clients. */
	CLIENTS_UNFINISHED_MAX_BYTES = 16 * 1024 * 1024,
	/* Processes that look up paths which clients name, at a time. */
	LOOKUPS_MAX = 4,
	/* Fds that connections leave for our own children and files. */
	FDS_KEPT_BACK = 64,
	/* Fds without which there is no start: as many for connections. */
	FDS_NEEDED = 2 * FDS_KEPT_BACK,

	/* The control socket. */
	CONTROL_REQUEST_MAX_BYTES = 64 * 1024,
	CONTROL_REPLY_MAX_BYTES = 16 * 1024 * 1024,
	CONTROL_ARGS_MAX = 16,
	/* Events that may wait to be read by one watcher, and one event more. */
	WATCH_QUEUE_MAX_BYTES = 64 * 1024,

	/* The wire to a provider: a request carries one agent message. */
	WIRE_REQUEST_MAX_BYTES = CLIENT_MSG_MAX_BYTES + 8 * 1024,
	WIRE_REPLY_MAX_BYTES = 4 * 1024 * 1024,
	WIRE_TEXT_MAX_BYTES = 4 * 1024,
	WIRE_SIGNATURE_MAX_BYTES = 4 * 1024,
	WIRE_READERS_MAX = 64,
	/* A PC/SC reader's name, without its NUL (pcsc-lite: MAX_READERNAME). */
	READER_NAME_MAX_BYTES = 128,
	/* One message of p11-agent-readers. */
	READERS_MSG_MAX_BYTES = 16 * 1024,
	/* Requests in flight to one provider process. */
	WIRE_REQUESTS_MAX = 1024,
	/* What may wait to be read by one provider process. */
	WIRE_QUEUE_MAX_BYTES = 8 * 1024 * 1024,

	/* Processes of one provider, its own included, that are ended with it. */
	FAMILY_PROCESSES_MAX = 512,

	/*
	 * Limits of modules. Of more tokens and keys than the daemon
	 * keeps, it keeps those that a section of the config names as well.
	 */
	PROVIDERS_MAX = 32,
	SLOTS_PER_PROVIDER_MAX = 1024,
	TOKENS_PER_PROVIDER_MAX = 64,
	KEYS_PER_TOKEN_MAX = 256,
	/* Keys that a process tells of a token, if the message holds them. */
	KEYS_ON_WIRE_MAX = 4096,
	OBJECTS_PER_TOKEN_MAX = 16 * 1024,
	/* Slots that a scan leaves out because one ended or hung there. */
	SLOTS_LEFT_OUT_MAX = 32,
	/* Keys by which a process tells its token from one that looks alike. */
	START_REFS_MAX = 16,
	TOKEN_SIGN_THREADS_MAX = 4,
	ATTRIBUTE_MAX_BYTES = 16 * 1024,
	KEY_ID_MAX_BYTES = 256,
	KEY_LABEL_MAX_BYTES = 256,
	RSA_MIN_BITS = 2048,
	RSA_MAX_BITS = 16384,
	SLOT_DESCRIPTION_MAX_BYTES = 64,

	/* Secrets: PINs, passphrases. */
	SECRET_MAX_BYTES = 512,
	PATH_MAX_BYTES = 4096,

	/* The config. */
	CONFIG_FILE_MAX_BYTES = 1024 * 1024,
	CONFIG_FLAT_MAX_BYTES = 4 * 1024 * 1024,
	CONFIG_KEYS_MAX = 1024,
	CONFIG_TOKENS_MAX = 256,
	CONFIG_LIST_MAX = 64,
	CONFIG_WARNINGS_MAX = 32,
	CONFIG_CHILD_SEC = 5,

	/* Tokens whose wrong PINs are kept in a file. */
	PIN_STORE_ENTRIES_MAX = 256,
	PIN_COUNT_MAX = 1000 * 1000,

	/* Lines about what was refused, for each kind and program. */
	REFUSAL_LINES = 10,
	REFUSAL_SPAN_SEC = 10,
	/* Kinds and programs that are told apart at a time. */
	REFUSAL_TALLIES_MAX = 64,

	/* Policy. */
	IDENTITIES_MAX = 3,

	/* Other tokens with the same key that one signature may go to. */
	SIGN_MOVES_MAX = 8,

	/* Time. */
	/* How long another program may hold the lock of a folder. */
	FOLDER_LOCK_MAX_MSEC = 2 * 1000,
	FOLDER_LOCK_LOOK_MSEC = 20,
	SCAN_MAX_SEC = 60,
	/* Time for a slot while others wait behind it. */
	SCAN_SLOT_MAX_SEC = 10,
	SIGN_MAX_SEC = 60,
	/* What a call in flight gets when its token has left. */
	LEAVE_SEC = 1,
	/* Time for a prompt to put the terminal back, before it is killed. */
	GENTLE_END_MAX_MS = 1000,
	/* Time for killed children to be gone when we end. */
	CHILDREN_END_MAX_MS = 900,
	/* What another program gets to let go of a token that is wanted. */
	TAKEN_WAIT_SEC = 5,
	/* Between two looks whether it has, while something waits. */
	TAKEN_LOOK_MS = 500,
	PROMPT_MAX_SEC = 110,
	PROMPT_CANCEL_PAUSE_SEC = 60,
	/* A wrong PIN is kept so long, to tell when it comes again. */
	PIN_REFUSED_SEC = 600,
	/* A person's tries inside one request. */
	PROMPT_ROUNDS_MAX = 5,
};

#endif
