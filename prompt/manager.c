/* SPDX-License-Identifier: BSD-2-Clause */
/* The environment of systemd's user manager, over D-Bus. */
#include "prompt/manager.h"

#include "common/cleanup.h"
#include "prompt/bus.h"

enum { MANAGER_MSEC = 1000 };

static void
put_strings(sd_bus_message *reply, struct buffer *out)
{
	const char *entry;

	if (sd_bus_message_enter_container(reply, 'v', "as") <= 0 ||
	    sd_bus_message_enter_container(reply, 'a', "s") <= 0)
		return;
	while (sd_bus_message_read(reply, "s", &entry) > 0) {
		size_t len = strlen(entry);

		if (len + 1 > out->max - out->len)
			return;
		buffer_put(out, bytes_of(entry, len + 1));
	}
}

void
manager_environment(const struct environment *e, struct buffer *out)
{
	CLEANUP(sd_bus_close_unrefp) sd_bus *bus = NULL;
	CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct bus_limit limit = {.msec = MANAGER_MSEC, .watch = -1};
	char address[BUS_ADDRESS_BYTES];
	int err;

	if (!bus_address(e, BUS_OF_OURS, address) ||
	    (bus = bus_open(address, &err)) == NULL)
		return;
	/* Where it does not run, nothing is started for us. */
	if (sd_bus_message_new_method_call(bus, &m, "org.freedesktop.systemd1",
		"/org/freedesktop/systemd1", "org.freedesktop.DBus.Properties",
		"Get") < 0 ||
	    sd_bus_message_set_auto_start(m, false) < 0 ||
	    sd_bus_message_append(m, "ss", "org.freedesktop.systemd1.Manager",
		"Environment") < 0 ||
	    bus_call(bus, m, &limit, &reply, &error) < 0)
		return;
	put_strings(reply, out);
}
