/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside p11-agent-config: a look at a config text before libConfuse gets it.
 * libConfuse takes a file that ends inside a section as whole, counts lines
 * wrongly behind a comment, forgets where a section began, replaces ${NAME}
 * by the environment, drops characters that it does not know, and stays in
 * the middle of a string that did not end.
 */
#ifndef P11_AGENT_AGENT_CONFIG_SCAN_H
#define P11_AGENT_AGENT_CONFIG_SCAN_H

#include "agent/config-load.h"

struct config_scan {
	/*
	 * The text with its comments blanked out; lines stay where they were.
	 * Owned, NUL-terminated.
	 */
	char *text;
	size_t len;
	uint32_t n_lines;	 /* at least 1 */
	uint32_t *section_lines; /* where each begins, in order; owned */
	size_t n_sections;
	/* Offsets in text: behind the ')' of each include("…"). */
	size_t include_ends[CONFIG_LIST_MAX];
	size_t n_includes;
};

/*
 * False, with l->error set, for what is no printable UTF-8, for comments,
 * strings, lists, sections and words that do not end, and for characters
 * that have no place. ret is the caller's to clear, also then.
 */
bool config_scan(struct config_loader *l, const char *file, struct bytes text,
    struct config_scan *ret);

/* Is it UTF-8 without control characters? False when memory is out. */
bool config_text_ok(struct bytes text);

void config_scan_clear(struct config_scan *s);

#endif
