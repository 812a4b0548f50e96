/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agentctl watch: events, a line each, until it is interrupted. */
#include <stdlib.h>
#include <time.h>

#include "common/cleanup.h"
#include "ctl/client.h"
#include "ctl/show.h"

enum {
	/* Milliseconds in a number of seconds since 1970: agent/events.c. */
	TIME_DIGITS = 13,
};

/* More is no time. */
static const double TIME_MAX_SEC = 1e10;

/* "BEFORE VALUE AFTER" of a member, if it is there. */
static void
show_member(const json_t *event, const char *member, const char *before,
    const char *after, FILE *out)
{
	CLEANUP(cleanup_free) char *value = show_text(event, member);

	if (value != NULL)
		fprintf(out, "%s%s%s", before, value, after);
}

static void
show_time(const json_t *event, FILE *out)
{
	double sec = json_number_value(json_object_get(event, "time"));
	time_t t = sec > 0 && sec < TIME_MAX_SEC ? (time_t)sec : 0;
	char text[32];
	struct tm tm;

	if (localtime_r(&t, &tm) != NULL &&
	    strftime(text, sizeof(text), "%H:%M:%S ", &tm) > 0)
		fputs(text, out);
}

static void
show_key(const json_t *event, FILE *out)
{
	if (json_object_get(event, "key") != NULL)
		show_member(event, "key", ", key \"", "\"", out);
	else
		show_member(event, "fingerprint", ", key ", "", out);
}

void
show_event(const json_t *event, FILE *out)
{
	CLEANUP(cleanup_free) char *name = show_text(event, "event");
	json_int_t pid = show_number(event, "pid", 0);
	json_int_t lost = show_number(event, "lost", 0);

	show_time(event, out);
	fputs(name == NULL ? "an event without a name" : name, out);
	if (lost > 0)
		fprintf(out, ": %lld", (long long)lost);
	show_member(event, "provider", ": ", "", out);
	show_member(event, "token", ": ", "", out);
	show_key(event, out);
	show_member(event, "client", ", for ", "", out);
	if (pid > 0)
		fprintf(out, ", process %lld", (long long)pid);
	show_member(event, "text", ": ", "", out);
	fputc('\n', out);
}

/* False when nobody reads what is printed. */
static bool
print_event(const struct ctl *c, const json_t *event)
{
	if (!c->json)
		show_event(event, stdout);
	else if (json_dumpf(event, stdout, JSON_COMPACT |
	    JSON_REAL_PRECISION(TIME_DIGITS)) == 0)
		putchar('\n');
	return fflush(stdout) == 0;
}

enum ctl_exit
ctl_watch(const struct ctl *c)
{
	return client_follow(c, print_event);
}
