/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's documents (agent/report.h) as text for people, 80 columns
 * wide. Members that are missing or of another type are left out; all text is
 * made fit for a terminal.
 */
#ifndef P11_AGENT_CTL_SHOW_H
#define P11_AGENT_CTL_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

void show_status(const json_t *status, FILE *out);
void show_event(const json_t *event, FILE *out);
void show_keys(const json_t *keys, FILE *out);
void show_released(const json_t *document, FILE *out);

/*
 * A text, printable, in memory that the caller frees; its lines stay apart.
 * NULL: missing, null, empty, no text, or memory is out.
 */
char *show_value(const json_t *value);

/* The same of a member. */
char *show_text(const json_t *object, const char *member);

/* A member's number; `fallback` when it has none. */
json_int_t show_number(
    const json_t *object, const char *member, json_int_t fallback);

/*
 * `text` between columns `indent` and 80, broken between words; the first
 * line begins at column `at` (what stands before it is printed already). A
 * line that begins with a blank stays as it is: it is to be copied.
 */
void show_wrapped(FILE *out, int at, int indent, const char *text);

#endif
