/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines about what was refused to a client: which program asked, what for,
 * why, what to do. A flood of them is cut, for each kind and program by
 * itself, and how many were left out is said.
 */
#ifndef P11_AGENT_AGENT_REFUSAL_H
#define P11_AGENT_AGENT_REFUSAL_H

#include <stdint.h>
#include <sys/types.h>

#include "common/log.h"

struct event_base;
struct refusals;

enum refusal_kind {
	REFUSED_PIN,	    /* a PIN was tried, or asked for: all are said */
	REFUSED_KEY,	    /* a signature by what is not an identity */
	REFUSED_SIGNATURE,  /* one by an identity */
	REFUSED_CHANGE,	    /* of what is exposed: ssh-add -s, -e, -d, -D */
	REFUSED_ADDITION,   /* ssh-add FILE */
	REFUSED_LOCK,	    /* ssh-add -x, -X */
	REFUSED_REQUEST,    /* unknown, or without sense */
	REFUSED_CONTROL,    /* p11-agentctl */
	REFUSED_CONNECTION, /* the connection itself */
};
enum { REFUSAL_KINDS = REFUSED_CONNECTION + 1 };

/* For each kind and program; the next span begins with the next line. */
struct refusal_limits {
	unsigned lines;
	int64_t ms;
};

/* NULL when memory is out. */
struct refusals *refusals_new(struct event_base *base,
    const struct refusal_limits *limits);

/* Says what was left out. NULL is fine. Returns NULL. */
struct refusals *refusals_free(struct refusals *all);

/*
 * A warning; it begins with the client's name, which becomes about.client.
 * pid: the client's; 0 where that is not known.
 */
void refusal_log(struct refusals *all, enum refusal_kind kind, pid_t pid,
    struct log_fields about, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
