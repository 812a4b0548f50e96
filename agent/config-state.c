/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that outlive the daemon. */
#include "agent/config-state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config-file.h"
#include "common/cleanup.h"
#include "common/file-write.h"

static const char *
refuse(const char *path, const char *what,
    char words[static CONFIG_STATE_WORDS])
{
	snprintf(words, CONFIG_STATE_WORDS, "%.200s: %.250s", path, what);
	return words;
}

/* Whose folder it is, and that it is one; there may be none yet. */
static const char *
check_folder(const char *path, char words[static CONFIG_STATE_WORDS])
{
	CLEANUP(cleanup_free) char *folder = strdup(path);
	struct stat st;

	if (folder == NULL)
		return "out of memory";
	*strrchr(folder, '/') = '\0';
	if (lstat(folder, &st) != 0)
		return errno == ENOENT ? NULL :
		    refuse(folder, strerror(errno), words);
	if (!S_ISDIR(st.st_mode))
		return refuse(folder, "is not a folder", words);
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return refuse(folder, "is not yours alone to write", words);
	return NULL;
}

/* *ret is a file that is there, but may be anything; *ret_missing: none. */
static const char *
read_file(const char *path, struct config_file *ret, bool *ret_missing,
    char words[static CONFIG_STATE_WORDS])
{
	char why[CONFIG_FILE_WORDS];
	const char *wrong;
	struct stat st;

	*ret_missing = false;
	if ((wrong = check_folder(path, words)) != NULL)
		return wrong;
	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		return refuse(path, "is a link", words);
	wrong = config_file_read(path, PIN_STORE_MAX_BYTES, ret, ret_missing,
	    why);
	if (wrong == NULL || *ret_missing)
		return NULL;
	return refuse(path, wrong, words);
}

static void
file_clear(struct config_file *f)
{
	buffer_clear(&f->text);
}

const char *
config_state_pins(struct buffer *ret, char words[static CONFIG_STATE_WORDS])
{
	static const struct pin_store none;
	CLEANUP(cleanup_free) char *path = config_state_path("pins");
	CLEANUP(file_clear) struct config_file f = {.text = BUFFER_INIT(0)};
	const char *wrong;
	bool missing;

	if (path == NULL)
		return refuse("pins", config_path_error(), words);
	if ((wrong = read_file(path, &f, &missing, words)) != NULL)
		return wrong;
	if (missing)
		pin_store_put(ret, &none);
	else if (f.text.len == 0)
		return refuse(path, "is empty", words);
	else
		buffer_put(ret, buffer_bytes(&f.text));
	return NULL;
}

/* What the file has by now; nothing, when it makes no sense. */
static const char *
read_pins(const char *path, struct pin_store *ret,
    char words[static CONFIG_STATE_WORDS])
{
	CLEANUP(file_clear) struct config_file f = {.text = BUFFER_INIT(0)};
	const char *wrong;
	bool missing;

	ret->n = 0;
	if ((wrong = read_file(path, &f, &missing, words)) != NULL)
		return wrong;
	pin_store_parse(buffer_bytes(&f.text), ret);
	return NULL;
}

const char *
config_state_set_pins(const struct pin_entry *e, char **ret_path,
    char words[static CONFIG_STATE_WORDS])
{
	CLEANUP(buffer_cleanup) struct buffer b =
	    BUFFER_INIT(PIN_STORE_MAX_BYTES);
	CLEANUP(cleanup_free) char *path = config_state_path("pins");
	CLEANUP(cleanup_close) int lock = -1;
	char why[FILE_WRITE_WORDS];
	struct pin_store store;
	const char *wrong;

	if (path == NULL)
		return refuse("pins", config_path_error(), words);
	if ((wrong = file_make_folder(path, why)) != NULL)
		return refuse(path, wrong, words);
	if ((lock = file_lock_folder(path, why)) < 0)
		return refuse(path, why, words);
	if ((wrong = read_pins(path, &store, words)) != NULL)
		return wrong;
	if (!pin_store_set(&store, e))
		return refuse(path, "is full", words);
	pin_store_put(&b, &store);
	if (b.failed)
		return "out of memory";
	if ((wrong = file_write(path, buffer_bytes(&b), why)) != NULL)
		return refuse(path, wrong, words);
	*ret_path = path;
	path = NULL;
	return NULL;
}
