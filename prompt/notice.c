/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notices by the Desktop Notifications Specification (version 1.2), interface
 * org.freedesktop.Notifications.
 */
#include "prompt/notice.h"

#include <errno.h>

#include "common/cleanup.h"
#include "common/xml.h"
#include "prompt/bus.h"

enum {
	/* The service may have to be started first. */
	SHOW_MSEC = 3000,
	CLOSE_MSEC = 1000,
	NEVER_EXPIRES = 0,
	URGENCY_NORMAL = 1,
};

struct notice {
	sd_bus *bus; /* owned */
	uint32_t id;
};

/* A message to the notification service, or NULL. */
static sd_bus_message *
message_for(sd_bus *bus, const char *member)
{
	sd_bus_message *m = NULL;

	if (sd_bus_message_new_method_call(bus, &m,
		"org.freedesktop.Notifications",
		"/org/freedesktop/Notifications",
		"org.freedesktop.Notifications", member) < 0)
		return NULL;
	return m;
}

/* What the notice shows, as C strings. */
struct content {
	struct buffer summary;
	struct buffer body;
};

static bool
make_content(const struct question *q, struct content *ret)
{
	CLEANUP(buffer_cleanup)
	struct buffer lines = BUFFER_INIT(WIRE_TEXT_MAX_BYTES);

	buffer_put(&ret->summary, bytes_str("p11-agent: "));
	asking_lines(q->title, &ret->summary);
	buffer_put_u8(&ret->summary, 0);
	asking_lines(q->text, &lines);
	/* Servers may take it for markup. */
	xml_put_text(&ret->body, buffer_bytes(&lines));
	buffer_put_u8(&ret->body, 0);
	return !ret->summary.failed && !lines.failed && !ret->body.failed;
}

static int
show_on(struct notice *n, const struct content *c, struct bus_limit *limit,
    sd_bus_error *error)
{
	CLEANUP(sd_bus_message_unrefp)
	sd_bus_message *m = message_for(n->bus, "Notify");
	CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r;

	if (m == NULL)
		return -ENOMEM;
	/* app, replaces, icon, summary, body, actions, hints, expires. */
	r = sd_bus_message_append(m, "susssasa{sv}i", "p11-agent", 0,
	    "dialog-password", (const char *)c->summary.p,
	    (const char *)c->body.p, 0, 2, "urgency", "y", URGENCY_NORMAL,
	    "transient", "b", 1, NEVER_EXPIRES);
	if (r < 0 || (r = bus_call(n->bus, m, limit, &reply, error)) < 0)
		return r;
	r = sd_bus_message_read(reply, "u", &n->id);
	return r < 0 ? r : 0;
}

static bool
show_at(struct notice *n, const struct content *c, const char *address,
    struct asking *a)
{
	CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct bus_limit limit = {
	    .msec = SHOW_MSEC,
	    .watch = a->peer,
	    .hung_up_msec = CLOSE_MSEC,
	};
	int r;

	n->bus = bus_open(address, &r);
	if (n->bus != NULL && (r = show_on(n, c, &limit, &error)) >= 0)
		return true;
	n->bus = sd_bus_close_unref(n->bus);
	source_cannot(a, "no notice by D-Bus at %s: %s", address,
	    error.message != NULL ? error.message : strerror(-r));
	return false;
}

/* The client's desktop, else our own. */
static bool
show(struct notice *n, const struct content *c, struct asking *a)
{
	char address[BUS_ADDRESS_BYTES] = "", ours[BUS_ADDRESS_BYTES];

	source_cannot(a, "there is no D-Bus session (DBUS_SESSION_BUS_ADDRESS, "
			 "XDG_RUNTIME_DIR)");
	if (bus_address(a->environment, BUS_OF_CLIENT, address) &&
	    show_at(n, c, address, a))
		return true;
	return bus_address(a->environment, BUS_OF_OURS, ours) &&
	       strcmp(ours, address) != 0 && show_at(n, c, ours, a);
}

struct notice *
notice_show(struct asking *a)
{
	struct content c = {
	    .summary = BUFFER_INIT(2 * WIRE_TEXT_MAX_BYTES),
	    /* The longest escape is "&amp;". */
	    .body = BUFFER_INIT(5 * WIRE_TEXT_MAX_BYTES + 1),
	};
	struct notice *n = calloc(1, sizeof(*n));

	if (n == NULL || !make_content(a->question, &c)) {
		source_cannot(a, "no memory for the notice");
		free(n);
		n = NULL;
	} else if (!show(n, &c, a)) {
		free(n);
		n = NULL;
	}
	buffer_clear(&c.summary);
	buffer_clear(&c.body);
	return n;
}

static void
close_on(struct notice *n)
{
	CLEANUP(sd_bus_message_unrefp)
	sd_bus_message *m = message_for(n->bus, "CloseNotification");
	CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct bus_limit limit = {.msec = CLOSE_MSEC, .watch = -1};

	/* Where the person was faster, it is gone already: no fault. */
	if (m != NULL && sd_bus_message_append(m, "u", n->id) >= 0)
		(void)bus_call(n->bus, m, &limit, &reply, &error);
}

void
notice_close(struct notice *n)
{
	if (n == NULL)
		return;
	close_on(n);
	sd_bus_close_unref(n->bus);
	free(n);
}
