/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands in for a service on the session's bus (sd_bus_open_user), and writes
 * down on standard output what it is asked, a line each:
 *
 *   stand-in notices                 a desktop that shows notices
 *   stand-in deaf-notices            one that answers nothing
 *   stand-in stubborn-notices        one that takes none away
 *   stand-in manager NAME=VALUE ...  systemd's user manager
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

struct stand_in {
	const char *kind;
	char **environment;
	unsigned notices;
};

static int
notify(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *app, *icon, *summary, *body;
	struct stand_in *s = userdata;
	unsigned replaces;
	int r, expires;

	(void)error;
	if ((r = sd_bus_message_read(
		 m, "susss", &app, &replaces, &icon, &summary, &body)) < 0 ||
	    (r = sd_bus_message_skip(m, "asa{sv}")) < 0 ||
	    (r = sd_bus_message_read(m, "i", &expires)) < 0)
		return r;
	s->notices++;
	printf(
	    "notify %u %s|%s|%s|%d\n", replaces, app, summary, body, expires);
	if (strcmp(s->kind, "deaf-notices") == 0)
		return 1;
	return sd_bus_reply_method_return(m, "u", s->notices);
}

static int
close_notification(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct stand_in *s = userdata;
	unsigned id;
	int r = sd_bus_message_read(m, "u", &id);

	if (r < 0)
		return r;
	printf("close %u\n", id);
	if (strcmp(s->kind, "stubborn-notices") == 0)
		return 1;
	if (id != s->notices)
		return sd_bus_error_set(
		    error, "org.example.NoSuchNotice", "there is none");
	return sd_bus_reply_method_return(m, "");
}

static int
get_environment(sd_bus *bus, const char *path, const char *interface,
    const char *property, sd_bus_message *reply, void *userdata,
    sd_bus_error *error)
{
	struct stand_in *s = userdata;

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	printf("get %s\n", property);
	return sd_bus_message_append_strv(reply, s->environment);
}

static const sd_bus_vtable notices_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD(
	"Notify", "susssasa{sv}i", "u", notify, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("CloseNotification", "u", "", close_notification,
	SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const sd_bus_vtable manager_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Environment", "as", get_environment, 0, 0),
    SD_BUS_VTABLE_END,
};

static int
appear(sd_bus *bus, struct stand_in *s)
{
	int r;

	if (strcmp(s->kind, "manager") == 0) {
		r = sd_bus_add_object_vtable(bus, NULL,
		    "/org/freedesktop/systemd1",
		    "org.freedesktop.systemd1.Manager", manager_vtable, s);
		return r < 0 ? r
			     : sd_bus_request_name(
				   bus, "org.freedesktop.systemd1", 0);
	}
	r = sd_bus_add_object_vtable(bus, NULL,
	    "/org/freedesktop/Notifications", "org.freedesktop.Notifications",
	    notices_vtable, s);
	return r < 0 ? r
		     : sd_bus_request_name(
			   bus, "org.freedesktop.Notifications", 0);
}

int
main(int argc, char **argv)
{
	struct stand_in s = {.kind = argv[1], .environment = argv + 2};
	sd_bus *bus = NULL;
	int r;

	if (argc < 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if ((r = sd_bus_open_user(&bus)) >= 0 && (r = appear(bus, &s)) >= 0)
		puts("ready");
	while (r >= 0)
		if ((r = sd_bus_process(bus, NULL)) == 0)
			r = sd_bus_wait(bus, UINT64_MAX);
	sd_bus_unref(bus);
	return 1;
}
