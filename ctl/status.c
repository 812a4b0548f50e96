/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agentctl status: the agent, its providers and tokens. */
#include <stdarg.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "ctl/client.h"
#include "ctl/show.h"

enum { VALUE_COLUMN = 12, ROW_BYTES = 4096 };

/* One row: a label (none: more of the row before) and a value. */
static void __attribute__((format(printf, 3, 4)))
row(FILE *out, const char *label, const char *format, ...)
{
	char value[ROW_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	fprintf(out, "%-*s", VALUE_COLUMN, label);
	show_wrapped(out, VALUE_COLUMN, VALUE_COLUMN, value);
}

/* "NAME VALUE" of one member, if it is there. */
static void
row_member(FILE *out, const char *label, const char *before,
    const json_t *object, const char *member)
{
	CLEANUP(cleanup_free) char *value = show_text(object, member);

	if (value != NULL)
		row(out, label, "%s%s", before, value);
}

static const char *
or_else(const char *text, const char *otherwise)
{
	return text == NULL ? otherwise : text;
}

static void
show_agent(const json_t *status, FILE *out)
{
	CLEANUP(cleanup_free) char *version = show_text(status, "version");
	json_int_t connections = show_number(status, "connections", 0);

	row(out, "agent", "p11-agent %s, pid %lld, %lld connection%s",
	    or_else(version, "of unknown version"),
	    (long long)show_number(status, "pid", 0), (long long)connections,
	    connections == 1 ? "" : "s");
	row_member(out, "socket", "", status, "socket");
	row_member(out, "readers", "not watched: ", status, "readers_fault");
}

/* Show what the config says and hardly means. */
static void
show_warnings(const json_t *status, FILE *out)
{
	const json_t *list = json_object_get(status, "config_warnings");

	for (size_t i = 0; i < json_array_size(list); i++) {
		CLEANUP(cleanup_free)
		char *text = show_value(json_array_get(list, i));

		row(out, "", "warning: %s", or_else(text, "?"));
	}
}

static void
show_config(const json_t *status, FILE *out)
{
	const json_t *files = json_object_get(status, "config");

	if (json_array_size(files) == 0)
		row(out, "config", "no file");
	for (size_t i = 0; i < json_array_size(files); i++) {
		CLEANUP(cleanup_free)
		char *file = show_value(json_array_get(files, i));

		row(out, i == 0 ? "config" : "", "%s", or_else(file, "?"));
	}
	row_member(out, "", "error: ", status, "config_error");
	show_warnings(status, out);
	row_member(out, "forget-on", "sleep and screen lock are not watched: ",
	    status, "forget_on_fault");
}

static void
show_identities(const json_t *status, FILE *out)
{
	json_int_t allowed = show_number(status, "identities", -1);
	json_int_t max = show_number(status, "max_identities", -1);

	if (allowed < 0)
		return;
	if (allowed == 0)
		row(out, "identities", "no allowed key is here");
	else if (max >= 0 && allowed > max)
		row(out, "identities", "%lld of %lld allowed keys are shown",
		    (long long)max, (long long)allowed);
	else
		row(out, "identities", "%lld allowed key%s shown",
		    (long long)allowed, allowed == 1 ? " is" : "s are");
}

/* What died again and again, and when there is another. */
static void
show_deaths(const json_t *o, const char *what, const char *when, FILE *out)
{
	json_int_t deaths = show_number(o, "deaths", 0);
	json_int_t sec = show_number(o, "again_in_sec", -1);
	char rest[80];

	if (deaths <= 0)
		return;
	snprintf(rest, sizeof(rest), "in %lld s, or when a reader or the "
	    "config changes", (long long)sec);
	row(out, "", "%s died %lld time%s in a row; the next one starts %s",
	    what, (long long)deaths, deaths == 1 ? "" : "s",
	    sec < 0 ? when : rest);
}

/* Show what a provider or token has and nobody sees, one line each. */
static void
show_left_out(const json_t *o, FILE *out)
{
	const json_t *lines = json_object_get(o, "left_out");

	for (size_t i = 0; i < json_array_size(lines); i++) {
		CLEANUP(cleanup_free)
		char *line = show_value(json_array_get(lines, i));

		row(out, "", "%s", or_else(line, "?"));
	}
}

static void
show_provider(const json_t *p, FILE *out)
{
	CLEANUP(cleanup_free) char *name = show_text(p, "name");
	CLEANUP(cleanup_free) char *state = show_text(p, "state");
	json_int_t tokens = show_number(p, "tokens", 0);

	row(out, "provider", "%s: %s, %lld token%s", or_else(name, "(no name)"),
	    or_else(state, "unknown state"), (long long)tokens,
	    tokens == 1 ? "" : "s");
	row_member(out, "", "", p, "module");
	row_member(out, "", "", p, "description");
	row_member(out, "", "error: ", p, "error");
	show_left_out(p, out);
	show_deaths(p, "its scan", "when a reader or the config changes, or "
	    "by `p11-agentctl reload`", out);
}

/* A registered module that is no provider. */
static void
show_unused(const json_t *u, FILE *out)
{
	CLEANUP(cleanup_free) char *name = show_text(u, "name");
	CLEANUP(cleanup_free) char *reason = show_text(u, "reason");

	row(out, "registered", "%s: %s", or_else(name, "(no name)"),
	    or_else(reason, "not used"));
	row_member(out, "", "", u, "remote");
}

/* "LABEL, MANUFACTURER MODEL, serial SERIAL", without what is missing. */
static void
show_token_identity(const json_t *t, FILE *out)
{
	static const struct {
		const char *member, *before;
	} parts[] = {
	    {"label", ""},
	    {"manufacturer", ", "},
	    {"model", " "},
	    {"serial", ", serial "},
	};
	char line[ROW_BYTES] = "";
	size_t at = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		CLEANUP(cleanup_free)
		char *text = show_text(t, parts[i].member);
		const char *before = at == 0 ? "" : parts[i].before;
		int n;

		if (text == NULL)
			continue;
		n = snprintf(
		    line + at, sizeof(line) - at, "%s%s", before, text);
		if (n < 0 || (size_t)n >= sizeof(line) - at)
			break;
		at += (size_t)n;
	}
	if (line[0] != '\0')
		row(out, "", "%s", line);
}

static void
show_token(const json_t *t, FILE *out)
{
	CLEANUP(cleanup_free) char *name = show_text(t, "name");
	CLEANUP(cleanup_free) char *state = show_text(t, "state");
	CLEANUP(cleanup_free) char *login = show_text(t, "login");
	CLEANUP(cleanup_free) char *pin = show_text(t, "pin");
	json_int_t keys = show_number(t, "keys", 0);
	json_int_t pid = show_number(t, "pid", 0);
	char process[48] = "";

	if (pid > 0)
		snprintf(
		    process, sizeof(process), " (pid %lld)", (long long)pid);
	row(out, "token", "%s: %s%s, %lld key%s", or_else(name, "(no name)"),
	    or_else(state, "unknown state"), process, (long long)keys,
	    keys == 1 ? "" : "s");
	show_token_identity(t, out);
	row_member(out, "", "in ", t, "reader");
	row_member(out, "", "provider ", t, "provider");
	if (login != NULL || pin != NULL)
		row(out, "", "login: %s; PIN: %s", or_else(login, "unknown"),
		    or_else(pin, "unknown"));
	row_member(out, "", "PIN tries: ", t, "pin_tries");
	row_member(out, "", "last error: ", t, "last_error");
	show_left_out(t, out);
	show_deaths(t, "its process", "when it is needed", out);
}

void
show_status(const json_t *status, FILE *out)
{
	const json_t *providers = json_object_get(status, "providers");
	const json_t *unused = json_object_get(status, "unused");
	const json_t *tokens = json_object_get(status, "tokens");
	CLEANUP(cleanup_free) char *note = show_text(status, "note");

	show_agent(status, out);
	show_config(status, out);
	show_identities(status, out);
	for (size_t i = 0; i < json_array_size(providers); i++)
		show_provider(json_array_get(providers, i), out);
	for (size_t i = 0; i < json_array_size(unused); i++)
		show_unused(json_array_get(unused, i), out);
	for (size_t i = 0; i < json_array_size(tokens); i++)
		show_token(json_array_get(tokens, i), out);
	if (note != NULL) {
		fputc('\n', out);
		show_wrapped(out, 0, 0, note);
	}
}

enum ctl_exit
ctl_status(const struct ctl *c)
{
	return client_show(c, show_status);
}
