/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What p11-agent-readers tells the daemon: frames (common/frame.h) on a
 * SOCK_STREAM socketpair, each one byte of type and a body. The daemon sends
 * nothing but READERS_ASK; when it closes its end, the program ends. The
 * daemon treats every byte as hostile: a message that does not parse ends the
 * program.
 *
 * Everything parsed borrows from the frame.
 */
#ifndef P11_AGENT_PKCS11_READERS_WIRE_H
#define P11_AGENT_PKCS11_READERS_WIRE_H

#include "common/buffer.h"
#include "common/limits.h"
#include "common/reader.h"

/* The program's end of the socketpair. */
enum { READERS_FD = 3 };

enum readers_type {
	/* daemon to program: is it alive, and PC/SC? Both without a body. */
	READERS_ASK = 79,
	/* program to daemon */
	READERS_STATE = 80, /* all there is to know, at start and at a change */
	READERS_ALIVE = 81, /* so it is; and there is no change */
};

/* Whether readers can be watched, and why not. */
enum readers_service {
	READERS_OK = 0,
	READERS_NO_SERVICE = 1,	 /* pcscd is stopped, absent or fails */
	READERS_REFUSED = 2,	 /* pcscd does not let us in (polkit) */
	READERS_UNSUPPORTED = 3, /* built without PC/SC: no more will come */
};

/*
 * One PC/SC reader. Its name is the slotDescription of a PKCS#11 slot on it
 * (readers_name_is_slot). Several flags may change in one message, and a card
 * that was swapped between two looks shows only as another `events`.
 */
struct card_reader {
	struct bytes name; /* 1 to READER_NAME_MAX_BYTES */
	bool card_present;
	/*
	 * As they were at the last message: PC/SC wakes nobody when they
	 * become true, only when they end.
	 */
	bool exclusive; /* another program holds the card for itself */
	bool in_use;	/* some program, maybe ours, is connected to the card */

	bool mute;	/* there is a card, and it does not answer */
	uint32_t events; /* how often a card came or went; wraps at 65536 */
};

/* With a service other than READERS_OK there are no readers. */
struct readers_state {
	enum readers_service service;
	/*
	 * More words for a person, or empty. With READERS_OK: who may be the
	 * other program of an exclusive reader, and what to do about it.
	 */
	struct bytes text;
	uint32_t n_readers;
	struct card_reader readers[WIRE_READERS_MAX];
};

/* Append one whole frame; a failed buffer says so at the end. */
void readers_state_put(struct buffer *b, const struct readers_state *m);

/* Append one whole frame of a message without a body. */
void readers_note_put(struct buffer *b, enum readers_type type);

/*
 * Take the body behind the type byte. *ret borrows from it and is unchanged
 * unless PARSE_OK comes back.
 */
enum parse_err readers_state_parse(struct bytes body,
    struct readers_state *ret);

/* The reader with this name, borrowed from m; NULL when there is none. */
const struct card_reader *readers_find(const struct readers_state *m,
    struct bytes name);

/*
 * May this unpadded slotDescription be a slot of the reader? It holds 64
 * bytes, so a longer name was cut.
 */
bool readers_name_is_slot(struct bytes name, struct bytes slot_description);

#endif
