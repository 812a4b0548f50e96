/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls on the session's D-Bus, each with a time limit that holds from the
 * first byte on: sd_bus_call would wait much longer for a bus that accepts a
 * connection and then says nothing.
 */
#ifndef P11_AGENT_PROMPT_BUS_H
#define P11_AGENT_PROMPT_BUS_H

#include <systemd/sd-bus.h>

#include "prompt/environment.h"

/* Whose session it is. */
enum bus_of {
	BUS_OF_CLIENT, /* as environment_get finds it */
	BUS_OF_OURS,   /* by our own environment alone */
};

enum { BUS_ADDRESS_BYTES = 512 };

/*
 * The address of that session's bus; false when there is none. A Unix socket
 * only: an address can also name a program to run.
 */
bool bus_address(const struct environment *e, enum bus_of of,
    char out[static BUS_ADDRESS_BYTES]);

/*
 * Start to connect; the first call waits for the end of it. NULL, and
 * *ret_error a negative errno, when that is not possible. Release it with
 * sd_bus_close_unref.
 */
sd_bus *bus_open(const char *address, int *ret_error);

struct bus_limit {
	unsigned msec; /* for the whole call */
	/* A socket; when it is closed, hung_up is set and msec shrinks to: */
	int watch; /* -1: none */
	unsigned hung_up_msec;
	bool hung_up;
};

/*
 * Send m and wait for the answer: 0 with *ret_reply, to be released with
 * sd_bus_message_unref; or a negative errno (-ETIMEDOUT), with the words of an
 * error message in *error, which the caller frees.
 */
int bus_call(sd_bus *bus, sd_bus_message *m, struct bus_limit *limit,
    sd_bus_message **ret_reply, sd_bus_error *error);

#endif
