/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on the session's D-Bus, each with a time limit. */
#include "prompt/bus.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "common/cleanup.h"

static const char *
get(const struct environment *e, enum bus_of of, const char *name)
{
	return of == BUS_OF_CLIENT ? environment_get(e, name)
				   : environment_own(e, name);
}

bool
bus_address(const struct environment *e, enum bus_of of,
    char out[static BUS_ADDRESS_BYTES])
{
	const char *address = get(e, of, "DBUS_SESSION_BUS_ADDRESS");
	const char *folder = get(e, of, "XDG_RUNTIME_DIR");
	int n = -1;

	if (address != NULL)
		n = snprintf(out, BUS_ADDRESS_BYTES, "%s", address);
	else if (folder != NULL)
		n = snprintf(
		    out, BUS_ADDRESS_BYTES, "unix:path=%s/bus", folder);
	return n > 0 && n < BUS_ADDRESS_BYTES &&
	       strncmp(out, "unix:", 5) == 0 && strchr(out, ';') == NULL;
}

sd_bus *
bus_open(const char *address, int *ret_error)
{
	sd_bus *bus = NULL;

	if ((*ret_error = sd_bus_new(&bus)) >= 0 &&
	    (*ret_error = sd_bus_set_address(bus, address)) >= 0 &&
	    (*ret_error = sd_bus_set_bus_client(bus, true)) >= 0 &&
	    (*ret_error = sd_bus_start(bus)) >= 0)
		return bus;
	return sd_bus_close_unref(bus);
}

static uint64_t
now_usec(void)
{
	struct timespec ts;

	/* The clock of sd_bus_get_timeout. */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static int
msec_until(uint64_t usec)
{
	uint64_t now = now_usec();

	return usec <= now ? 0 : (int)((usec - now) / 1000 + 1);
}

/* Wait for something to do for the bus, not longer than *until (usec). */
static int
wait_for_bus(sd_bus *bus, struct bus_limit *limit, uint64_t *until)
{
	struct pollfd p[] = {
	    {.fd = sd_bus_get_fd(bus)},
	    {.fd = limit->hung_up ? -1 : limit->watch, .events = POLLIN},
	};
	int events = sd_bus_get_events(bus);
	uint64_t bus_until, hung_up_until;

	if (p[0].fd < 0 || events < 0)
		return -ENOTCONN;
	if (now_usec() >= *until)
		return -ETIMEDOUT;
	p[0].events = (short)events;
	if (sd_bus_get_timeout(bus, &bus_until) < 0 || bus_until > *until)
		bus_until = *until;
	if (poll(p, 2, msec_until(bus_until)) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[1].revents == 0)
		return 0;
	limit->hung_up = true;
	hung_up_until = now_usec() + (uint64_t)limit->hung_up_msec * 1000;
	if (hung_up_until < *until)
		*until = hung_up_until;
	return 0;
}

static int
take_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	sd_bus_message **reply = userdata;

	(void)error;
	*reply = sd_bus_message_ref(m);
	return 0;
}

int
bus_call(sd_bus *bus, sd_bus_message *m, struct bus_limit *limit,
    sd_bus_message **ret_reply, sd_bus_error *error)
{
	CLEANUP(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
	CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	uint64_t until = now_usec() + (uint64_t)limit->msec * 1000;
	int r = sd_bus_call_async(bus, &slot, m, take_reply, &reply, 0);

	while (r >= 0 && reply == NULL) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = wait_for_bus(bus, limit, &until);
	}
	if (reply == NULL)
		return r;
	if (sd_bus_message_is_method_error(reply, NULL)) {
		sd_bus_error_copy(error, sd_bus_message_get_error(reply));
		return -sd_bus_message_get_errno(reply);
	}
	*ret_reply = reply;
	reply = NULL;
	return 0;
}
