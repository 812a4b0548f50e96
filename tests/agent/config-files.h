/* SPDX-License-Identifier: BSD-2-Clause */
/* A folder of config files for one test. */
#ifndef P11_AGENT_TESTS_AGENT_CONFIG_FILES_H
#define P11_AGENT_TESTS_AGENT_CONFIG_FILES_H

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "agent/config-load.h"
#include "common/cleanup.h"
#include "tests/cmocka-all.h"

/* Test data: `ssh-keygen -t ed25519` made it; its private key is gone. */
#define PUBLIC_KEY                                         \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDZ3m+xJq2Qj" \
	"bS81k/QaLE4Glm+BlfPPb0aSkUM2BSz2 a comment\n"

#define FINGERPRINT_OF_KEY "SHA256:XRvZD+sV/pwb3yYuhT3Y5KcMMBwvlshnqYN/z35dFeI"

#define FINGERPRINT "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

struct files {
	char folder[64];
	char path[PATH_MAX];
};

/* For cmocka: *state is a struct files, its folder is new and empty. */
static inline int
files_setup(void **state)
{
	struct files *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->folder, sizeof(f->folder), "/tmp/config-test-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	*state = f;
	return 0;
}

static inline int
files_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int
files_teardown(void **state)
{
	struct files *f = *state;

	assert_int_equal(
	    nftw(f->folder, files_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(f);
	return 0;
}

/* FOLDER/name; borrowed until the next call. */
static inline const char *
files_path(struct files *f, const char *name)
{
	snprintf(f->path, sizeof(f->path), "%s/%s", f->folder, name);
	return f->path;
}

static inline void
files_write_bytes(struct files *f, const char *name, struct bytes text)
{
	FILE *out = fopen(files_path(f, name), "wb");

	assert_non_null(out);
	if (text.len > 0)
		assert_int_equal(fwrite(text.p, 1, text.len, out), text.len);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(f->path, 0600), 0);
}

static inline void
files_write(struct files *f, const char *name, const char *text)
{
	files_write_bytes(f, name, bytes_str(text));
}

/*
 * Load FOLDER/name alone, or what stands below $XDG_CONFIG_HOME for NULL. The
 * error without the folder's name in it; "" for none. l is to be cleared.
 */
static inline const char *
files_load(struct files *f, const char *name, struct config_loader *l)
{
	size_t len = strlen(f->folder) + 1;
	char *at;
	bool ok;

	assert_true(config_loader_init(l));
	ok = config_load(l, name == NULL ? NULL : files_path(f, name));
	assert_int_equal(ok, l->error[0] == '\0');
	while ((at = strstr(l->error, f->folder)) != NULL)
		memmove(at, at + len, strlen(at + len) + 1);
	return l->error;
}

#endif
