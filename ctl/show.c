/* SPDX-License-Identifier: BSD-2-Clause */
/* Text out of JSON documents, and lines of it. */
#include "ctl/show.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"

enum { COLUMNS = 80 };

char *
show_value(const json_t *value)
{
	size_t len = json_string_length(value);
	const char *s = json_string_value(value);
	struct bytes rest = bytes_of(s, len);
	char *text, *at;

	/* What is replaced becomes no longer, so the size is enough. */
	if (len == 0 || (text = malloc(len + 1)) == NULL)
		return NULL;
	for (at = text;; *at++ = '\n', rest.p++, rest.len--) {
		const uint8_t *end = memchr(rest.p, '\n', rest.len);
		struct bytes line = rest;

		if (end != NULL)
			line.len = (size_t)(end - rest.p);
		text_printable(line, at, len + 1 - (size_t)(at - text));
		at += strlen(at);
		rest.p += line.len;
		rest.len -= line.len;
		if (end == NULL)
			return text;
	}
}

char *
show_text(const json_t *object, const char *member)
{
	return show_value(json_object_get(object, member));
}

json_int_t
show_number(const json_t *object, const char *member, json_int_t fallback)
{
	const json_t *value = json_object_get(object, member);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

/* Characters, near enough to columns. */
static int
width_of(const char *s, size_t len)
{
	int n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

static void
wrap_line(FILE *out, int at, int indent, const char *line, size_t len)
{
	bool first = true;

	while (len > 0) {
		const char *blank = memchr(line, ' ', len);
		size_t word = blank == NULL ? len : (size_t)(blank - line);
		int width = width_of(line, word);

		if (!first && at + 1 + width > COLUMNS) {
			fprintf(out, "\n%*s", indent, "");
			at = indent;
		} else if (!first) {
			fputc(' ', out);
			at++;
		}
		fwrite(line, 1, word, out);
		at += width;
		first = false;
		word += word < len;
		line += word;
		len -= word;
	}
	fputc('\n', out);
}

void
show_wrapped(FILE *out, int at, int indent, const char *text)
{
	for (;;) {
		size_t len = strcspn(text, "\n");

		if (text[0] == ' ')
			fprintf(out, "%.*s\n", (int)len, text);
		else
			wrap_line(out, at, indent, text, len);
		if (text[len] == '\0')
			return;
		text += len + 1;
		fprintf(out, "%*s", indent, "");
		at = indent;
	}
}
