/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of which a part has come, on all connections of clients: how long
 * each may take, and what they may hold together.
 */
#ifndef P11_AGENT_AGENT_UNFINISHED_H
#define P11_AGENT_AGENT_UNFINISHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct event_base;
struct unfinished;

struct unfinished_limits {
	int64_t ms;	  /* for each, while we read */
	size_t max_bytes; /* for all, with those that we do not read now */
};

/* A connection's part of it; embedded there, zeroed. */
struct unfinished_part {
	TAILQ_ENTRY(unfinished_part) entry;
	struct unfinished *all; /* NULL while it holds nothing */
	size_t bytes;
	int64_t until_ms; /* 0: its time does not run */
	/*
	 * The part took too long, or holds most of too much: free the bytes
	 * now and close the connection, later. Calls nothing from here.
	 */
	void (*dropped)(void *arg, const char *why);
	void *arg;
};

/* NULL when memory is out. */
struct unfinished *unfinished_new(struct event_base *base,
    const struct unfinished_limits *limits);

/* Let go of all that is held. NULL is fine. Returns NULL. */
struct unfinished *unfinished_free(struct unfinished *all);

/*
 * p holds so many bytes now; 0 takes it off. May drop the one that holds most,
 * p itself or another.
 */
void unfinished_hold(struct unfinished *all, struct unfinished_part *p,
    size_t bytes);

/* The time runs from the first call that says so, until one that does not. */
void unfinished_time(struct unfinished_part *p, bool runs);

#endif
