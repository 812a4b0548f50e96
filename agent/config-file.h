/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside p11-agent-config: paths and whole files. */
#ifndef P11_AGENT_AGENT_CONFIG_FILE_H
#define P11_AGENT_AGENT_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/buffer.h"

struct config_file {
	struct buffer text;
	dev_t dev;
	ino_t ino;
};

/*
 * Read a whole file of at most max bytes into *ret (its text cleared by the
 * caller, also after an error). Never blocks on a FIFO or device: only
 * regular files, which belong to root or us and which nobody else may write.
 * NULL, or what is wrong, in words that begin with a verb or noun and fit
 * behind "PATH: "; they are in `words`. *ret_missing: there is no such file.
 */
enum { CONFIG_FILE_WORDS = 256 };
const char *config_file_read(const char *path, size_t max,
    struct config_file *ret, bool *ret_missing,
    char words[static CONFIG_FILE_WORDS]);

/*
 * The path that `name` stands for in a config file: absolute, below the
 * home folder ("~/…"), or relative to the folder of `beside`. The caller's to
 * free. NULL with errno: ENOMEM, EINVAL ("~user"), ENOENT (no home folder).
 */
char *config_path(const char *beside, const char *name);

/* Words for the errno that config_path and its kin leave. */
const char *config_path_error(void);

/* ${XDG_CONFIG_HOME:-~/.config}/p11-agent/NAME; NULL as config_path. */
char *config_person_path(const char *name);

/* ${XDG_STATE_HOME:-~/.local/state}/p11-agent/NAME; NULL as config_path. */
char *config_state_path(const char *name);

#endif
