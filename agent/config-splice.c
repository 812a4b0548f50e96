/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a section stands. The text has been through config_scan: its comments
 * are blank, its strings end on their lines, its braces match.
 */
#include "agent/config-splice.h"

#include <ctype.h>

static size_t
line_begin(const struct config_scan *scan, uint32_t line)
{
	size_t at = 0;

	for (; line > 1 && at < scan->len; at++)
		line -= scan->text[at] == '\n';
	return at;
}

static size_t
skip_blanks(const struct config_scan *scan, size_t at)
{
	while (scan->text[at] == ' ' || scan->text[at] == '\t')
		at++;
	return at;
}

/* Behind the string that begins here. */
static size_t
skip_string(const struct config_scan *scan, size_t at)
{
	char quote = scan->text[at++];

	while (at < scan->len && scan->text[at] != quote)
		at += scan->text[at] == '\\' ? 2 : 1;
	return at < scan->len ? at + 1 : scan->len;
}

/* Behind the brace that closes the first one from here. */
static size_t
skip_section(const struct config_scan *scan, size_t at)
{
	int depth = 0;

	while (at < scan->len) {
		char c = scan->text[at];

		if (c == '"' || c == '\'') {
			at = skip_string(scan, at);
			continue;
		}
		at++;
		if (c == '{')
			depth++;
		else if (c == '}' && --depth == 0)
			return at;
	}
	return at;
}

static bool
is_alone(const struct config_scan *scan, uint32_t line)
{
	size_t n = 0;

	for (size_t i = 0; i < scan->n_sections; i++)
		n += scan->section_lines[i] == line;
	return n == 1;
}

bool
config_splice_find(const struct config_scan *scan, uint32_t line,
    size_t *ret_begin, size_t *ret_end)
{
	size_t begin = line_begin(scan, line);
	size_t word = skip_blanks(scan, begin);
	size_t end;

	/* A brace or a value of what stands before it is no word's begin. */
	if (!is_alone(scan, line) || !isalpha((unsigned char)scan->text[word]))
		return false;
	end = skip_blanks(scan, skip_section(scan, word));
	if (scan->text[end] != '\n')
		return false;
	*ret_begin = begin;
	*ret_end = end + 1;
	return true;
}
