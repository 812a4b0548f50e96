/* SPDX-License-Identifier: BSD-2-Clause */
/* A look at a config text before libConfuse gets it. */
#include "agent/config-scan.h"

#include <ctype.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "common/text.h"

enum {
	/* A list in a section; nothing stands deeper. */
	DEPTH_MAX = 2,
	SECTIONS_MAX = PROVIDERS_MAX + CONFIG_TOKENS_MAX + CONFIG_KEYS_MAX,
};

/* What a token is; punctuation stands for itself. */
enum { TOKEN_NONE = 0, TOKEN_WORD = 'w', TOKEN_STRING = 's' };

struct scanner {
	struct config_loader *l;
	struct config_scan *ret;
	const char *file;
	char *p;   /* of ret->text; ends in a NUL */
	size_t at; /* in it */
	uint32_t line;
	struct {
		char close;
		uint32_t line;
	} open[DEPTH_MAX];
	size_t depth;
	struct {
		char kind;
		uint32_t line;
	} last[2]; /* tokens; [0] is the nearer one */
};

void
config_scan_clear(struct config_scan *s)
{
	free(s->text);
	free(s->section_lines);
	*s = (struct config_scan){0};
}

/*
 * The first byte that is no printable UTF-8, or text.len. Tabs and newlines
 * count as printable where `layout` says so. SIZE_MAX when memory is out.
 */
static size_t
first_unprintable(struct bytes text, bool layout)
{
	CLEANUP(cleanup_free) char *copy = malloc(text.len + 1);
	CLEANUP(cleanup_free) char *shown = malloc(text.len + 1);
	size_t at = 0;

	if (copy == NULL || shown == NULL)
		return SIZE_MAX;
	for (size_t i = 0; i < text.len; i++) {
		char c = (char)text.p[i];

		copy[i] = layout && (c == '\t' || c == '\n') ? ' ' : c;
	}
	text_printable(bytes_of(copy, text.len), shown, text.len + 1);
	while (at < text.len && copy[at] == shown[at])
		at++;
	return at;
}

bool
config_text_ok(struct bytes text)
{
	return first_unprintable(text, false) == text.len;
}

/* The mark that editors elsewhere put in front; NULL: none. */
static const char *
byte_order_mark(struct bytes text)
{
	if (text.len >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
		return "a byte order mark (BOM): save the file as UTF-8 "
		       "without one";
	if (text.len >= 2 && (memcmp(text.p, "\xff\xfe", 2) == 0 ||
	    memcmp(text.p, "\xfe\xff", 2) == 0))
		return "a byte order mark (BOM) of UTF-16: save the file as "
		       "UTF-8 without one";
	return NULL;
}

static bool
check_text(struct config_loader *l, const char *file, struct bytes text)
{
	const char *mark = byte_order_mark(text);
	size_t bad = first_unprintable(text, true);
	uint32_t line = 1;

	if (mark != NULL)
		return config_fail(l, file, line, "%s", mark);
	if (bad == SIZE_MAX)
		return config_fail_memory(l);
	if (bad == text.len)
		return true;
	for (size_t i = 0; i < bad; i++)
		line += text.p[i] == '\n';
	if (text.p[bad] == '\r')
		return config_fail(l, file, line,
		    "a carriage return: save "
		    "the file with Unix line ends");
	return config_fail(l, file, line,
	    "byte 0x%02x is a control character or no UTF-8", text.p[bad]);
}

/* A word may go without quotes if it has only these. */
static bool
is_word_char(char c)
{
	return isalnum((unsigned char)c) ||
	       (c != '\0' && strchr("-_./:%@~", c) != NULL);
}

static void
note_token(struct scanner *s, char kind)
{
	s->last[1] = s->last[0];
	s->last[0].kind = kind;
	s->last[0].line = s->line;
}

/* Long ones also take libConfuse very long. */
static bool
check_length(struct scanner *s, size_t begin)
{
	if (s->at - begin < PATH_MAX_BYTES)
		return true;
	return config_fail(s->l, s->file, s->line,
	    "a value of more than %d bytes", PATH_MAX_BYTES - 1);
}

static bool
scan_newline(struct scanner *s)
{
	s->at++;
	s->line++;
	return true;
}

/* # and // comments: blanks to the end of the line. */
static bool
scan_line_comment(struct scanner *s)
{
	while (s->p[s->at] != '\0' && s->p[s->at] != '\n')
		s->p[s->at++] = ' ';
	return true;
}

static bool
scan_block_comment(struct scanner *s)
{
	const char *end = strstr(s->p + s->at + 2, "*/");
	const char *p = s->p + s->at;

	if (end == NULL)
		return config_fail(s->l, s->file, s->line,
		    "the comment that begins here does not end: is the "
		    "file cut?");
	for (; p < end + 2; p++, s->at++) {
		if (*p == '\n')
			s->line++;
		else
			s->p[s->at] = ' ';
	}
	return true;
}

/* A backslash and what it may stand in front of, which is \0 for nothing. */
static bool
scan_escape(struct scanner *s, char quote)
{
	char next = s->p[s->at + 1];

	if (next != '\\' && next != quote && !(quote == '"' && next == '$'))
		return config_fail(s->l, s->file, s->line,
		    "a \\ in a string goes only before %s",
		    quote == '"' ? "\\, \" and $" : "\\ and '");
	s->at += 2;
	return true;
}

static bool
scan_string(struct scanner *s)
{
	char quote = s->p[s->at++];
	size_t begin = s->at;

	note_token(s, TOKEN_STRING);
	while (s->p[s->at] != quote) {
		const char *p = s->p + s->at;

		if (*p == '\0' || *p == '\n')
			return config_fail(s->l, s->file, s->line,
			    "the string that begins here does not end on "
			    "its line");
		if (*p == '\t')
			return config_fail(s->l, s->file, s->line,
			    "a tab in a string: write a space");
		if (quote == '"' && p[0] == '$' && p[1] == '{')
			return config_fail(s->l, s->file, s->line,
			    "${…} is not replaced here; for the characters "
			    "themselves write \\${");
		if (*p != '\\')
			s->at++;
		else if (!scan_escape(s, quote))
			return false;
	}
	s->at++;
	return check_length(s, begin + 1);
}

static bool
scan_word(struct scanner *s)
{
	size_t begin = s->at;

	note_token(s, TOKEN_WORD);
	while (is_word_char(s->p[s->at]))
		s->at++;
	if (s->p[s->at] != '\0')
		return check_length(s, begin);
	/* "500ms" cut to "500m" is a value, too: so it must be seen whole. */
	return config_fail(s->l, s->file, s->line,
	    "the file ends inside a word: is it cut? If not, end the line");
}

/* `NAME "title" {` outside of everything begins a section at NAME. */
static bool
note_section(struct scanner *s)
{
	struct config_scan *ret = s->ret;

	if (s->depth != 0 || s->last[0].kind == '=')
		return true;
	if (ret->n_sections >= SECTIONS_MAX)
		return config_fail(s->l, s->file, s->line,
		    "more than %d sections", SECTIONS_MAX);
	ret->section_lines[ret->n_sections++] = s->last[1].line;
	return true;
}

static bool
scan_open(struct scanner *s)
{
	char c = s->p[s->at++];

	if (c == '{' && !note_section(s))
		return false;
	if (s->depth >= DEPTH_MAX)
		return config_fail(
		    s->l, s->file, s->line, "'%c' is nested too deeply", c);
	s->open[s->depth].close = c == '{' ? '}' : ')';
	s->open[s->depth].line = s->line;
	s->depth++;
	note_token(s, c);
	return true;
}

/*
 * What has parentheses is an include, or libConfuse will say so. Here they are
 * checked as it forgets to free what is between them after an error.
 */
static bool
note_include(struct scanner *s)
{
	struct config_scan *ret = s->ret;
	char kind = s->last[0].kind;

	if (s->last[1].kind != '(' ||
	    (kind != TOKEN_STRING && kind != TOKEN_WORD))
		return config_fail(
		    s->l, s->file, s->line, "include(\"FILE\") takes one file");
	if (ret->n_includes >= CONFIG_LIST_MAX)
		return config_fail(s->l, s->file, s->line,
		    "more than %d includes", CONFIG_LIST_MAX);
	ret->include_ends[ret->n_includes++] = s->at;
	return true;
}

static bool
scan_close(struct scanner *s)
{
	char c = s->p[s->at++];

	if (s->depth == 0 || s->open[s->depth - 1].close != c)
		return config_fail(
		    s->l, s->file, s->line, "'%c' closes nothing", c);
	s->depth--;
	if (c == ')' && s->depth == 0 && !note_include(s))
		return false;
	note_token(s, c);
	return true;
}

static bool
scan_token(struct scanner *s)
{
	char c = s->p[s->at], next = s->p[s->at + 1];

	if (c == '\n')
		return scan_newline(s);
	if (c == '#' || (c == '/' && next == '/'))
		return scan_line_comment(s);
	if (c == '/' && next == '*')
		return scan_block_comment(s);
	if (c == '"' || c == '\'')
		return scan_string(s);
	if (c == '{' || c == '(')
		return scan_open(s);
	if (c == '}' || c == ')')
		return scan_close(s);
	if (is_word_char(c))
		return scan_word(s);
	s->at++;
	if (c == ' ' || c == '\t')
		return true;
	if (c == '=' || c == ',') {
		note_token(s, c);
		return true;
	}
	return config_fail(s->l, s->file, s->line,
	    "'%c' has no place here: put values into quotes",
	    (unsigned char)c < 0x80 ? c : '?');
}

static bool
scan_all(struct scanner *s)
{
	while (s->p[s->at] != '\0')
		if (!scan_token(s))
			return false;
	if (s->depth == 0)
		return true;
	return config_fail(s->l, s->file, s->open[s->depth - 1].line,
	    "what is opened here is not closed by '%c': is the file cut?",
	    s->open[s->depth - 1].close);
}

bool
config_scan(struct config_loader *l, const char *file, struct bytes text,
    struct config_scan *ret)
{
	struct scanner s = {.l = l, .ret = ret, .file = file, .line = 1};

	*ret = (struct config_scan){0};
	if (!check_text(l, file, text))
		return false;
	ret->text = malloc(text.len + 1);
	ret->section_lines = calloc(SECTIONS_MAX, sizeof(uint32_t));
	if (ret->text == NULL || ret->section_lines == NULL)
		return config_fail_memory(l);
	if (text.len > 0)
		memcpy(ret->text, text.p, text.len);
	ret->text[text.len] = '\0';
	ret->len = text.len;
	s.p = ret->text;
	if (!scan_all(&s))
		return false;
	ret->n_lines = s.line;
	if (s.line > 1 && ret->text[ret->len - 1] == '\n')
		ret->n_lines--;
	return true;
}
