/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenSC keeps a cache of what it read from cards in XDG_CACHE_HOME, and some
 * modules write logs, locks or dumps where they stand: neither shall lie in a
 * person's folders, nor shall two providers get each other's. The provider's
 * process makes the folder, and not the daemon, because a file system may
 * hang: that costs this provider, and no request of another one.
 */
#include "pkcs11/provider-folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	NAME_MAX_BYTES = 64,
	/* OpenSC on macOS looks for its cache in another variable. */
#ifdef __APPLE__
	MACOS = 1,
#else
	MACOS = 0,
#endif
};

/* Below XDG_CACHE_HOME, which is the working directory. */
static const char OPENSC_CACHE[] = "opensc";

/* Each is a variable, and the folder in it that is ours to make. */
static const struct {
	const char *variable;
	const char *below;
} bases[] = {
	{"XDG_RUNTIME_DIR", ""}, /* never on a network, gone after logout */
	{"XDG_CACHE_HOME", ""},
	{"HOME", "/.cache"},
};

/* Ours, and nobody else writes there: a link or a trap is not. */
static bool
make(const char *path, struct p11_err *err)
{
	struct stat st;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return p11_err_set(
		    err, "", CKR_OK, "%s: %s", path, strerror(errno));
	if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) ||
	    st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return p11_err_set(
		    err, "", CKR_OK, "%s is no folder of ours alone", path);
	return true;
}

/* Letters, digits and "-_" stay; the rest is %XX, as in a URI. */
static void
escape(struct bytes name, char out[static 3 * NAME_MAX_BYTES + 1])
{
	size_t at = 0;

	for (size_t i = 0; i < name.len && i < NAME_MAX_BYTES; i++) {
		unsigned char c = name.p[i];

		if (c < 0x80 && (isalnum(c) || c == '-' || c == '_'))
			out[at++] = (char)c;
		else
			at += (size_t)snprintf(out + at, 4, "%%%02X", c);
	}
	out[at] = '\0';
}

static bool
enter(const char *base, struct bytes name, struct p11_err *err)
{
	char path[PATH_MAX_BYTES], escaped[3 * NAME_MAX_BYTES + 1];
	int len = snprintf(path, sizeof(path), "%s/p11-agent", base);
	size_t at = (size_t)len;

	escape(name, escaped);
	if (len < 0 || at + sizeof("/provider-") + sizeof(escaped) >
	    sizeof(path))
		return p11_err_set(err, "", CKR_OK, "the path is too long");
	if (!make(path, err))
		return false;
	snprintf(path + at, sizeof(path) - at, "/provider-%s", escaped);
	if (!make(path, err))
		return false;
	if (chdir(path) != 0 || setenv("XDG_CACHE_HOME", path, 1) != 0 ||
	    (MACOS && setenv("Caches", path, 1) != 0))
		return p11_err_set(
		    err, "", CKR_OK, "%s: %s", path, strerror(errno));
	return true;
}

bool
provider_folder_enter(struct bytes name, struct p11_err *err)
{
	p11_err_set(err, "", CKR_OK, "XDG_RUNTIME_DIR, XDG_CACHE_HOME and HOME "
	    "name no folder");
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		const char *value = getenv(bases[i].variable);
		char base[PATH_MAX_BYTES];
		struct stat st;
		int len;

		if (value == NULL || value[0] != '/')
			continue;
		/* Of somebody else's a folder of ours would lock him out. */
		if (stat(value, &st) != 0 || st.st_uid != geteuid()) {
			p11_err_set(err, "", CKR_OK, "%s is no folder of ours",
			    value);
			continue;
		}
		len = snprintf(base, sizeof(base), "%s%s", value,
		    bases[i].below);
		if (len < 0 || (size_t)len >= sizeof(base))
			continue;
		/* ~/.cache may not be there yet; the others are not ours. */
		if (bases[i].below[0] != '\0')
			mkdir(base, 0700);
		if (enter(base, name, err))
			return true;
	}
	/* Where only root can write. */
	if (chdir("/") != 0)
		p11_err_set(err, "", CKR_OK, "/: %s", strerror(errno));
	return false;
}

void
provider_folder_empty_cache(void)
{
	int fd = open(OPENSC_CACHE,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlinkat(fd, e->d_name, 0);
	closedir(dir);
}
