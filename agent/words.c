/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports of provider processes in words. */
#include "agent/words.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/text.h"

char *
words_copy(struct bytes text)
{
	size_t size = text.len * 3 + 1;
	char *out = malloc(size);

	if (out != NULL)
		text_printable(text, out, size);
	return out;
}

char *
wire_error_words(const struct wire_error *e)
{
	char call[64], name[64], text[1024], *out;
	size_t size = sizeof(call) + sizeof(name) + sizeof(text) + 8;

	text_printable(e->call, call, sizeof(call));
	text_printable(e->rv_name, name, sizeof(name));
	text_printable(e->text, text, sizeof(text));
	if ((out = malloc(size)) == NULL)
		return NULL;
	if (call[0] == '\0')
		snprintf(out, size, "%s", text);
	else if (text[0] == '\0')
		snprintf(out, size, "%s: %s", call, name);
	else
		snprintf(out, size, "%s: %s (%s)", call, name, text);
	return out;
}
