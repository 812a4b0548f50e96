/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes to files of a person that can be taken back. */
#ifndef P11_AGENT_CTL_EDIT_FILE_H
#define P11_AGENT_CTL_EDIT_FILE_H

#include <stdbool.h>

enum { EDIT_WORDS = 512 };

/* What became of a file. */
enum edit {
	EDIT_DONE,
	EDIT_NOTHING, /* it is as wanted already */
	EDIT_FAILED,  /* see the words */
};

/*
 * Make a file of our own with this text, and the folders above it. One that is
 * there and does not begin with the text's first line is not ours: it stays.
 */
enum edit edit_make(const char *path, const char *text,
    char words[static EDIT_WORDS]);

/* Remove a file that edit_make could have made; others stay. */
enum edit edit_remove(const char *path, const char *text,
    char words[static EDIT_WORDS]);

/*
 * Put a block of whole lines on top of a file, or at its end, unless it is in
 * there; the file is made where it is missing. One that somebody changed is
 * left alone: then its first line is in the words.
 */
enum edit edit_put_block(const char *path, const char *block, bool on_top,
    char words[static EDIT_WORDS]);

/*
 * Take such a block out; a file of which nothing is left goes, too, but no
 * link to one. A block that somebody changed is left alone, as above.
 */
enum edit edit_take_block(const char *path, const char *block,
    char words[static EDIT_WORDS]);

/* May anything of this text be in there? Its first line tells. */
bool edit_is_there(const char *path, const char *text);

#endif
