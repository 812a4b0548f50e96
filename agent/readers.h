/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cards and readers that come and go, as p11-agent-readers sees them: tokens
 * leave the list at once, and what came in is scanned.
 */
#ifndef P11_AGENT_AGENT_READERS_H
#define P11_AGENT_AGENT_READERS_H

#include "agent/agent.h"
#include "common/bytes.h"

struct readers;
struct token;

/* Someone who waits for a sign of life; embedded in what waits. */
struct readers_waiter {
	TAILQ_ENTRY(readers_waiter) entry;
	struct readers *readers; /* NULL while it does not wait */
	void (*done)(void *arg);
	void *arg;
};

/* Watches nothing yet. NULL when memory is out. */
struct readers *readers_new(struct agent *agent);
struct readers *readers_free(struct readers *r);

/* Watch from now on; more than once is fine. */
void readers_start(struct readers *r);

/* All there are is known; see readers_fault for why not. */
bool readers_watched(const struct readers *r);

/* One of this name, as a slotDescription has it. */
bool readers_have(const struct readers *r, struct bytes slot_description);

/* It says what comes and goes, maybe not before pcscd is there. */
bool readers_can_watch(const struct readers *r);

/*
 * A scan has ended. Where a card is in a reader and no scan found its token,
 * the module may have looked too early: three more scans follow.
 */
void readers_scanned(struct readers *r);

/*
 * Ask p11-agent-readers for a sign of life: one that gives none in time is
 * ended, and a fresh one says what was missed. Nothing is asked by itself, as
 * nothing need be known before somebody wants something. False when there is
 * none to ask; else w->done is called later, when it has answered or ended.
 */
bool readers_ask(struct readers *r, struct readers_waiter *w);

/* Ask now and then, for a request, which does not wait. */
void readers_ask_sometimes(struct readers *r);

/* Wait no longer, without a callback. */
void readers_leave(struct readers_waiter *w);

/* Why readers are not watched, in words; NULL when they are. */
const char *readers_fault(const struct readers *r);

/* A card is in the token's reader, as far as readers are watched. */
bool readers_has_card(const struct readers *r, const struct token *t);

/*
 * Nobody says when a program takes a card for itself: look how things are.
 * taken_told follows for each token in a reader.
 */
void readers_look(struct readers *r);

#endif
