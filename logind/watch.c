/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * org.freedesktop.login1, interfaces Manager and Session. No call waits: all
 * is done by one sd-event loop.
 *
 * Signals are taken from the bus name that answered our first call alone, as
 * any other program on the bus could send us the same ones.
 */
#include "logind/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "common/frame.h"
#include "common/log.h"
#include "logind/wire.h"

#define LOGIND "org.freedesktop.login1"
#define LOGIND_PATH "/org/freedesktop/login1"
#define MANAGER LOGIND ".Manager"
#define SESSION LOGIND ".Session"
#define PROPERTIES "org.freedesktop.DBus.Properties"

enum { FAULT_BYTES = 512, MATCH_BYTES = 512, NAME_BYTES = 256 };

struct watch {
	const struct watch_options *options;
	sd_event *event;
	sd_bus *bus;
	int daemon;
	char logind[NAME_BYTES]; /* the unique name of who answered */
	unsigned pending;	 /* answers until all is watched */
	int inhibitor;		 /* holds the sleep up; -1: none */
	bool asleep;		 /* or about to be */
	unsigned unanswered;	 /* LOGIND_SLEEP by the daemon */
};

static void
tell(struct watch *w, enum logind_type type, const char *text)
{
	struct buffer b = BUFFER_INIT(WIRE_TEXT_MAX_BYTES);
	const struct logind_message m = {type, bytes_str(text)};

	logind_message_put(&b, &m);
	if (!frame_write(w->daemon, &b))
		sd_event_exit(w->event, 0);
	buffer_clear(&b);
}

/* The daemon starts another one of us in a while. Always 0. */
static int
fault(struct watch *w, const char *what, const char *why)
{
	char text[FAULT_BYTES];

	snprintf(text, sizeof(text), "%s: %s", what, why);
	tell(w, LOGIND_FAULT, text);
	sd_event_exit(w->event, 0);
	return 0;
}

/* A reply that is an error, in words; else NULL. */
static const char *
error_of(sd_bus_message *m)
{
	const sd_bus_error *e;

	if (!sd_bus_message_is_method_error(m, NULL))
		return NULL;
	e = sd_bus_message_get_error(m);
	return e->message != NULL ? e->message : e->name;
}

static void
drop_inhibitor(struct watch *w)
{
	if (w->inhibitor >= 0)
		close(w->inhibitor);
	w->inhibitor = -1;
}

/* One of the answers that w->pending counts. */
static void
one_more_done(struct watch *w)
{
	if (w->pending > 0 && --w->pending == 0)
		tell(w, LOGIND_WATCHING, "");
}

static int
got_inhibitor(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *why = error_of(m);
	struct watch *w = userdata;
	int fd;

	(void)error;
	if (why == NULL && sd_bus_message_read(m, "h", &fd) < 0)
		why = "its answer has no file descriptor";
	if (why != NULL)
		return fault(w, "systemd-logind does not let us delay sleep",
		    why);
	drop_inhibitor(w);
	w->inhibitor = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	one_more_done(w);
	return 0;
}

static int
inhibit(struct watch *w)
{
	return sd_bus_call_method_async(w->bus, NULL, w->logind, LOGIND_PATH,
	    MANAGER, "Inhibit", got_inhibitor, w, "ssss", "sleep",
	    "p11-agent", "wipes PINs and ends the logins of tokens", "delay");
}

static int
prepare_for_sleep(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct watch *w = userdata;
	int begins;

	(void)error;
	if (sd_bus_message_read(m, "b", &begins) < 0)
		return 0;
	w->asleep = begins;
	if (begins) {
		w->unanswered++;
		tell(w, LOGIND_SLEEP, "");
		return 0;
	}
	tell(w, LOGIND_WAKE, "");
	if (w->options->sleep && w->inhibitor < 0 && inhibit(w) < 0)
		return fault(w, "systemd-logind cannot be asked", "no memory");
	return 0;
}

/* Whose session was locked? */
static int
got_user(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *why = error_of(m);
	struct watch *w = userdata;
	uint32_t uid;

	(void)error;
	if (why == NULL && (sd_bus_message_enter_container(m, 'v', "(uo)") <=
	    0 || sd_bus_message_enter_container(m, 'r', "uo") <= 0 ||
	    sd_bus_message_read(m, "u", &uid) <= 0))
		why = "its answer is no user";
	if (why != NULL)
		log_warn("whose session was locked is not known: %s", why);
	else if (uid == getuid())
		tell(w, LOGIND_LOCK, "");
	return 0;
}

static int
ask_user(struct watch *w, const char *session)
{
	if (sd_bus_call_method_async(w->bus, NULL, w->logind, session,
		PROPERTIES, "Get", got_user, w, "ss", SESSION, "User") < 0)
		return fault(w, "systemd-logind cannot be asked", "no memory");
	return 0;
}

static int
session_lock(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)error;
	return ask_user(userdata, sd_bus_message_get_path(m));
}

/* Does a PropertiesChanged of a session say LockedHint = true? */
static bool
says_locked(sd_bus_message *m)
{
	const char *name;
	int locked = 0;

	if (sd_bus_message_skip(m, "s") < 0 ||
	    sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
		return false;
	while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
		if (sd_bus_message_read(m, "s", &name) < 0)
			return false;
		if (strcmp(name, "LockedHint") == 0)
			return sd_bus_message_read(m, "v", "b", &locked) >= 0 &&
			       locked;
		if (sd_bus_message_skip(m, "v") < 0 ||
		    sd_bus_message_exit_container(m) < 0)
			return false;
	}
	return false;
}

/* Some desktops set only the hint. */
static int
session_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)error;
	if (!says_locked(m))
		return 0;
	return ask_user(userdata, sd_bus_message_get_path(m));
}

static int
match_installed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *why = error_of(m);
	struct watch *w = userdata;

	(void)error;
	if (why != NULL)
		return fault(w, "the system's D-Bus refuses a match", why);
	one_more_done(w);
	return 0;
}

/* The signals of logind that `rest` of a match rule says. */
static int
match(struct watch *w, const char *rest, sd_bus_message_handler_t handler)
{
	char rule[MATCH_BYTES];

	snprintf(rule, sizeof(rule), "type='signal',sender='%s',%s", w->logind,
	    rest);
	w->pending++;
	return sd_bus_add_match_async(w->bus, NULL, rule, handler,
	    match_installed, w);
}

static int
match_all(struct watch *w)
{
	int r = match(w, "path='" LOGIND_PATH "',interface='" MANAGER
	    "',member='PrepareForSleep'", prepare_for_sleep);

	if (r < 0 || !w->options->screen_lock)
		return r;
	r = match(w, "interface='" SESSION "',member='Lock'", session_lock);
	if (r < 0)
		return r;
	return match(w, "interface='" PROPERTIES "',"
	    "member='PropertiesChanged',arg0='" SESSION "'", session_changed);
}

static int
got_logind(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *why = error_of(m), *sender = sd_bus_message_get_sender(m);
	struct watch *w = userdata;
	int r;

	(void)error;
	if (why == NULL && sender == NULL)
		why = "its answer has no sender";
	if (why != NULL)
		return fault(w, "systemd-logind does not answer", why);
	snprintf(w->logind, sizeof(w->logind), "%s", sender);
	r = match_all(w);
	if (r >= 0 && w->options->sleep) {
		w->pending++;
		r = inhibit(w);
	}
	if (r < 0)
		return fault(w, "systemd-logind cannot be watched",
		    strerror(-r));
	return 0;
}

static int
owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct watch *w = userdata;
	const char *owner;

	(void)error;
	if (w->logind[0] == '\0' || sd_bus_message_skip(m, "ss") < 0 ||
	    sd_bus_message_read(m, "s", &owner) < 0 ||
	    strcmp(owner, w->logind) == 0)
		return 0;
	return fault(w, "systemd-logind", "it has ended");
}

static int
disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)m;
	(void)error;
	return fault(userdata, "the system's D-Bus", "it hung up");
}

static int
daemon_said(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
	struct watch *w = userdata;
	uint8_t byte;
	ssize_t n = read(fd, &byte, 1);

	(void)s;
	(void)events;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n != 1 || byte != LOGIND_FORGOTTEN || w->unanswered == 0)
		return sd_event_exit(w->event, 0);
	if (--w->unanswered == 0 && w->asleep)
		drop_inhibitor(w);
	return 0;
}

/* Connecting and all that follows is done by the loop. */
static int
begin(struct watch *w)
{
	int r = sd_bus_open_system(&w->bus);

	if (r >= 0)
		r = sd_bus_attach_event(w->bus, w->event, 0);
	if (r >= 0)
		r = sd_bus_match_signal_async(w->bus, NULL,
		    "org.freedesktop.DBus.Local", NULL,
		    "org.freedesktop.DBus.Local", "Disconnected", disconnected,
		    NULL, w);
	if (r >= 0)
		r = sd_bus_add_match_async(w->bus, NULL, "type='signal',"
		    "sender='org.freedesktop.DBus',"
		    "interface='org.freedesktop.DBus',"
		    "member='NameOwnerChanged',arg0='" LOGIND "'",
		    owner_changed, NULL, w);
	/* It is started for this where it does not run. */
	if (r >= 0)
		r = sd_bus_call_method_async(w->bus, NULL, LOGIND, LOGIND_PATH,
		    PROPERTIES, "Get", got_logind, w, "ss", MANAGER,
		    "PreparingForSleep");
	return r;
}

void
watch_logind(int fd, const struct watch_options *o)
{
	struct watch w = {.options = o, .daemon = fd, .inhibitor = -1};
	int r = sd_event_new(&w.event);

	if (r >= 0)
		r = sd_event_add_io(w.event, NULL, fd, EPOLLIN, daemon_said,
		    &w);
	if (r < 0)
		log_error("no event loop: %s", strerror(-r));
	else if ((r = begin(&w)) < 0)
		fault(&w, "there is no system D-Bus", strerror(-r));
	else
		sd_event_loop(w.event);
	drop_inhibitor(&w);
	sd_bus_close_unref(w.bus);
	sd_event_unref(w.event);
}
