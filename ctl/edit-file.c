/* SPDX-License-Identifier: BSD-2-Clause */
/* Editing files of a person, each change whole or not at all. */
#include "ctl/edit-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/file-write.h"
#include "common/read-all.h"

/* A startup file of a shell is far from that. */
enum { FILE_MAX_BYTES = 1024 * 1024 };

static enum edit
fail(char words[static EDIT_WORDS], const char *path, const char *why)
{
	snprintf(words, EDIT_WORDS, "%s: %s", path, why);
	return EDIT_FAILED;
}

/* The whole file, empty where there is none. False with errno. */
static bool
read_file(const char *path, struct buffer *out, bool *ret_missing)
{
	CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

	*ret_missing = fd < 0 && errno == ENOENT;
	if (fd < 0)
		return *ret_missing;
	return read_all(fd, out);
}

static enum edit
write_file(const char *path, struct bytes content,
    char words[static EDIT_WORDS])
{
	char why[FILE_WRITE_WORDS];
	const char *wrong = file_make_folder(path, why);

	if (wrong == NULL)
		wrong = file_write(path, content, why);
	if (wrong == NULL)
		return EDIT_DONE;
	snprintf(words, EDIT_WORDS, "%s", wrong);
	return EDIT_FAILED;
}

/* Does the file begin with the first line of our text? */
static bool
is_ours(const struct buffer *file, const char *text)
{
	size_t n = strcspn(text, "\n") + 1;

	return file->len >= n && memcmp(file->p, text, n) == 0;
}

enum edit
edit_make(const char *path, const char *text, char words[static EDIT_WORDS])
{
	CLEANUP(buffer_cleanup) struct buffer file = BUFFER_INIT(FILE_MAX_BYTES);
	bool missing;

	if (!read_file(path, &file, &missing))
		return fail(words, path, strerror(errno));
	if (bytes_is(buffer_bytes(&file), text))
		return EDIT_NOTHING;
	if (!missing && !is_ours(&file, text))
		return fail(words, path, "somebody else made it; it stays");
	return write_file(path, bytes_str(text), words);
}

enum edit
edit_remove(const char *path, const char *text, char words[static EDIT_WORDS])
{
	CLEANUP(buffer_cleanup) struct buffer file = BUFFER_INIT(FILE_MAX_BYTES);
	bool missing;

	if (!read_file(path, &file, &missing))
		return fail(words, path, strerror(errno));
	if (missing)
		return EDIT_NOTHING;
	if (!is_ours(&file, text))
		return fail(words, path, "somebody else made it; it stays");
	return unlink(path) == 0 ? EDIT_DONE :
				   fail(words, path, strerror(errno));
}

/* Where the block stands, at the start of a line; or NULL. */
static const uint8_t *
find_block(const struct buffer *file, const char *block, size_t len)
{
	const uint8_t *at = file->p, *end = file->p + file->len;

	while (file->len > 0 && (size_t)(end - at) >= len) {
		if ((at = memmem(at, (size_t)(end - at), block, len)) == NULL)
			return NULL;
		if (at == file->p || at[-1] == '\n')
			return at;
		at++;
	}
	return NULL;
}

/* Does its first line stand there? */
static bool
find_head(const struct buffer *file, const char *block)
{
	return find_block(file, block, strcspn(block, "\n") + 1) != NULL;
}

static enum edit
fail_changed(const char *path, const char *block,
    char words[static EDIT_WORDS])
{
	snprintf(words, EDIT_WORDS, "%s: the lines behind \"%.*s\" were "
	    "changed; take them out yourself", path,
	    (int)strcspn(block, "\n"), block);
	return EDIT_FAILED;
}

bool
edit_is_there(const char *path, const char *text)
{
	CLEANUP(buffer_cleanup) struct buffer file = BUFFER_INIT(FILE_MAX_BYTES);
	bool missing;

	/* What cannot be read is not left out unseen. */
	return !read_file(path, &file, &missing) || find_head(&file, text);
}

enum edit
edit_put_block(const char *path, const char *block, bool on_top,
    char words[static EDIT_WORDS])
{
	CLEANUP(buffer_cleanup) struct buffer file = BUFFER_INIT(FILE_MAX_BYTES);
	CLEANUP(buffer_cleanup)
	struct buffer new = BUFFER_INIT(2 * FILE_MAX_BYTES);
	bool missing;

	if (!read_file(path, &file, &missing))
		return fail(words, path, strerror(errno));
	if (find_block(&file, block, strlen(block)) != NULL)
		return EDIT_NOTHING;
	if (find_head(&file, block))
		return fail_changed(path, block, words);
	if (on_top)
		buffer_put(&new, bytes_str(block));
	buffer_put(&new, buffer_bytes(&file));
	if (!on_top && file.len > 0 && file.p[file.len - 1] != '\n')
		buffer_put_u8(&new, '\n');
	if (!on_top)
		buffer_put(&new, bytes_str(block));
	if (new.failed)
		return fail(words, path, "it is too large");
	return write_file(path, buffer_bytes(&new), words);
}

static bool
is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

enum edit
edit_take_block(const char *path, const char *block,
    char words[static EDIT_WORDS])
{
	CLEANUP(buffer_cleanup) struct buffer file = BUFFER_INIT(FILE_MAX_BYTES);
	CLEANUP(buffer_cleanup) struct buffer new = BUFFER_INIT(FILE_MAX_BYTES);
	size_t len = strlen(block);
	const uint8_t *at;
	bool missing;

	if (!read_file(path, &file, &missing))
		return fail(words, path, strerror(errno));
	if ((at = find_block(&file, block, len)) == NULL) {
		return find_head(&file, block) ?
		    fail_changed(path, block, words) : EDIT_NOTHING;
	}
	buffer_put(&new, bytes_of(file.p, (size_t)(at - file.p)));
	at += len;
	buffer_put(&new, bytes_of(at, file.len - (size_t)(at - file.p)));
	if (new.failed)
		return fail(words, path, "out of memory");
	/* Somebody keeps the file elsewhere: the link is not ours. */
	if (new.len > 0 || is_link(path))
		return write_file(path, buffer_bytes(&new), words);
	return unlink(path) == 0 ? EDIT_DONE :
				   fail(words, path, strerror(errno));
}
