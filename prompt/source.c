/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of ways to ask, tried in the order that the question names. */
#include "prompt/source.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/text.h"
#include "prompt/terminal.h"

static enum source_result tty_ask(struct asking *a);

static const struct source {
	const char *name;
	source_ask ask;
	bool argument;	 /* NAME:ARGUMENT, not just NAME */
	bool unattended; /* no person answers it */
	bool terminal;	 /* it may ask at the client's */
} sources[] = {
    {"askpass", askpass_ask, false, false, false},
    {"pinentry", pinentry_ask, false, false, true},
    {"tty", tty_ask, false, false, false},
    {"credential", credential_ask, true, true, false},
    {"command", command_ask, true, true, false},
};

enum source_result
source_cannot(struct asking *a, const char *format, ...)
{
	char text[SOURCE_WHY_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_printable(bytes_str(text), a->why, sizeof(a->why));
	return SOURCE_CANNOT;
}

/* We have no terminal of our own; a person with one can bring the PIN. */
static enum source_result
tty_ask(struct asking *a)
{
	return source_cannot(
	    a, "to type the PIN, run `p11-agentctl unlock` in a terminal");
}

enum source_result
source_take_pin(struct asking *a, struct bytes pin)
{
	if (pin.len > SECRET_MAX_BYTES)
		return source_cannot(
		    a, "the PIN is longer than %d bytes", SECRET_MAX_BYTES);
	if ((a->secret = secret_new(pin)) == NULL)
		return source_cannot(a, "no memory for the PIN");
	return SOURCE_OK;
}

struct bytes
source_first_line(const struct buffer *out)
{
	return bytes_until(bytes_until(buffer_bytes(out), '\n'), '\r');
}

static bool
is_source(const struct source *s, struct bytes line, struct bytes *ret_argument)
{
	size_t len = strlen(s->name);

	if (!s->argument)
		return bytes_is(line, s->name);
	if (line.len <= len || memcmp(line.p, s->name, len) != 0 ||
	    line.p[len] != ':')
		return false;
	*ret_argument = bytes_of(line.p + len + 1, line.len - len - 1);
	return true;
}

static enum source_result
ask_source(struct asking *a, const struct source *s)
{
	enum source_result result;
	struct terminal terminal;

	if (s->unattended && a->question->kind != QUESTION_PIN)
		return source_cannot(a, "a %s confirms nothing", s->name);
	if (s->unattended && a->question->persons_only)
		return source_cannot(
		    a, "the %s was not used: only a person may try", s->name);
	a->unattended = s->unattended;
	/* Of what never touches it, others may have set it meanwhile. */
	terminal_lend(
	    &terminal, s->terminal ? terminal_of(a->environment) : "");
	result = s->ask(a);
	/* The program was ended, or came to an end that was not its plan. */
	if (result == SOURCE_CANNOT || result == SOURCE_NOBODY_WAITS)
		terminal_take_back(&terminal);
	terminal_end(&terminal);
	if (result != SOURCE_OK || !a->unattended || !a->question->persons_only)
		return result;
	a->secret = secret_free(a->secret);
	return source_cannot(
	    a, "%s has a PIN in a cache: only a person may try", s->name);
}

static enum source_result
ask_by_name(struct asking *a, struct bytes line)
{
	char shown[64];

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (is_source(&sources[i], line, &a->argument))
			return ask_source(a, &sources[i]);
	return source_cannot(a, "there is no PIN source \"%s\"",
	    text_printable(line, shown, sizeof(shown)));
}

static void
put_why(struct buffer *why, const char *text)
{
	const char *between = why->len == 0 ? "" : "; ";
	size_t need = strlen(between) + strlen(text);

	/* What the first ones lacked matters most. */
	if (need > why->max - why->len)
		return;
	buffer_put(why, bytes_str(between));
	buffer_put(why, bytes_str(text));
}

/* Cut the next line off a list. */
static struct bytes
next_name(struct bytes *rest)
{
	const uint8_t *end = memchr(rest->p, '\n', rest->len);
	struct bytes name = *rest;

	if (end == NULL) {
		*rest = BYTES_NONE;
		return name;
	}
	name.len = (size_t)(end - rest->p);
	rest->p += name.len + 1;
	rest->len -= name.len + 1;
	return name;
}

enum source_result
sources_ask(struct asking *a, struct buffer *why)
{
	struct bytes rest = a->question->sources;

	if (rest.len == 0)
		put_why(why, "no PIN source is configured");
	while (rest.len > 0) {
		enum source_result result = ask_by_name(a, next_name(&rest));

		if (result != SOURCE_CANNOT)
			return result;
		put_why(why, a->why);
	}
	return SOURCE_CANNOT;
}

void
asking_lines(struct bytes lines, struct buffer *out)
{
	char shown[WIRE_TEXT_MAX_BYTES + 1];

	while (lines.len > 0) {
		const uint8_t *end = memchr(lines.p, '\n', lines.len);
		struct bytes line = lines;

		if (end != NULL)
			line.len = (size_t)(end - lines.p);
		text_printable(line, shown, sizeof(shown));
		buffer_put(out, bytes_str(shown));
		if (end == NULL)
			return;
		buffer_put_u8(out, '\n');
		lines.p += line.len + 1;
		lines.len -= line.len + 1;
	}
}

void
asking_text(const struct question *q, struct buffer *out)
{
	asking_lines(q->warning, out);
	if (q->warning.len > 0)
		buffer_put_u8(out, '\n');
	asking_lines(q->text, out);
	buffer_put_u8(out, 0);
}
