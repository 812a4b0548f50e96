/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of people that are written whole or not at all, for programs that
 * may wait for a file system.
 */
#ifndef P11_AGENT_COMMON_FILE_WRITE_H
#define P11_AGENT_COMMON_FILE_WRITE_H

#include <stdbool.h>

#include "common/bytes.h"

enum { FILE_WRITE_WORDS = 256 };

/*
 * Put a new file with this content in the place of `path`, in one step that a
 * crash or a full disk cannot cut; where path is a link, in the place of what
 * it leads to; not in a folder of another user. Its mode is that of the file
 * before, else 0600. NULL, or what is wrong, in `words`; path is then as it
 * was.
 */
const char *file_write(const char *path, struct bytes content,
    char words[static FILE_WRITE_WORDS]);

/*
 * Make the folder of `path`, and those above it, with mode 0700; none in a
 * folder of another user. NULL, or what is wrong, in `words`.
 */
const char *file_make_folder(const char *path,
    char words[static FILE_WRITE_WORDS]);

/*
 * Wait until nobody else holds the lock of the folder of `path`, at most
 * FOLDER_LOCK_MAX_MSEC. The fd to close when done; -1 with `words`.
 */
int file_lock_folder(const char *path, char words[static FILE_WRITE_WORDS]);

#endif
