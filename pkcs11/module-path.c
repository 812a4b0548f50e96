/* SPDX-License-Identifier: BSD-2-Clause */
/* Where modules are installed, and which of them may be loaded. */
#include "pkcs11/module-path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "config.h"

/* Debian's name of this machine's library folder. */
#if defined(__linux__) && defined(__x86_64__)
#define MULTIARCH "/usr/lib/x86_64-linux-gnu"
#elif defined(__linux__) && defined(__aarch64__)
#define MULTIARCH "/usr/lib/aarch64-linux-gnu"
#elif defined(__linux__) && defined(__arm__)
#define MULTIARCH "/usr/lib/arm-linux-gnueabihf"
#elif defined(__linux__) && defined(__i386__)
#define MULTIARCH "/usr/lib/i386-linux-gnu"
#elif defined(__linux__) && defined(__riscv)
#define MULTIARCH "/usr/lib/riscv64-linux-gnu"
#elif defined(__linux__) && defined(__powerpc64__)
#define MULTIARCH "/usr/lib/powerpc64le-linux-gnu"
#elif defined(__linux__) && defined(__s390x__)
#define MULTIARCH "/usr/lib/s390x-linux-gnu"
#endif

/* A folder of libraries, and where p11-kit and SoftHSM put modules in it. */
#define LIBRARIES(folder) folder "/pkcs11", folder "/softhsm", folder

static const char *const installed_folders[] = {
	P11_MODULE_PATH,
	LIBRARIES(P11_LIBDIR),
#ifdef MULTIARCH
	LIBRARIES(MULTIARCH),
#endif
#ifdef __APPLE__
	LIBRARIES("/opt/homebrew/lib"),
	LIBRARIES("/opt/local/lib"),
	"/Library/OpenSC/lib",
#else
	LIBRARIES("/usr/lib64"),
	LIBRARIES("/usr/lib"),
#endif
	LIBRARIES("/usr/local/lib"),
	NULL,
};

static const char *const suffixes[] = {
	"",
	".so",
#ifdef __APPLE__
	".dylib",
#endif
};
enum { N_SUFFIXES = sizeof(suffixes) / sizeof(suffixes[0]) };

static bool
fail_errno(struct p11_err *err, const char *path, int error)
{
	return p11_err_set(err, "", CKR_OK, "%s: %s", path, strerror(error));
}

/*
 * Homebrew's folders are writable by the group admin, whose members may
 * become root anyway.
 */
static bool
is_group_trusted(gid_t gid)
{
#ifdef __APPLE__
	enum { ADMIN_GID = 80 };

	return gid == 0 || gid == ADMIN_GID;
#else
	(void)gid;
	return false;
#endif
}

/*
 * A sticky folder is fine above the file: what lies in it can be renamed by
 * its owner only, and that is checked, too.
 */
static bool
check_owner(const char *path, bool is_folder, struct p11_err *err)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return fail_errno(err, path, errno);
	if (is_folder ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
		return p11_err_set(err, "", CKR_OK, "%s is no %s", path,
		    is_folder ? "folder" : "regular file");
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return p11_err_set(err, "", CKR_OK,
		    "%s belongs to uid %lu, neither to root nor to you", path,
		    (unsigned long)st.st_uid);
	if (is_folder && (st.st_mode & S_ISVTX) != 0)
		return true;
	if ((st.st_mode & S_IWOTH) != 0 ||
	    ((st.st_mode & S_IWGRP) != 0 && !is_group_trusted(st.st_gid)))
		return p11_err_set(
		    err, "", CKR_OK, "%s is writable by others", path);
	return true;
}

/* The file of a real path and each folder above it, "/" included. */
static bool
check_path(const char *real_path, struct p11_err *err)
{
	CLEANUP(cleanup_free) char *path = strdup(real_path);
	char *slash;

	if (path == NULL)
		return fail_errno(err, real_path, ENOMEM);
	if (!check_owner(path, false, err))
		return false;
	while ((slash = strrchr(path, '/')) != NULL && slash != path) {
		*slash = '\0';
		if (!check_owner(path, true, err))
			return false;
	}
	return check_owner("/", true, err);
}

/* The real path of folder/name, with a suffix where it needs one, or NULL. */
static char *
find_in(const char *folder, const char *name)
{
	for (size_t i = 0; i < N_SUFFIXES; i++) {
		char path[PATH_MAX_BYTES];
		char *real_path;
		int len;

		len = snprintf(path, sizeof(path), "%s/%s%s", folder, name,
		    suffixes[i]);
		if (len < 0 || (size_t)len >= sizeof(path))
			continue;
		if ((real_path = realpath(path, NULL)) != NULL)
			return real_path;
	}
	return NULL;
}

static bool
is_repeated(const char *const *first, const char *const *folder)
{
	for (; first < folder; first++)
		if (strcmp(*first, *folder) == 0)
			return true;
	return false;
}

/* Only folders that exist are worth a person's time. */
static void
say_not_found(
    const char *name, const char *const *folders, struct p11_err *err)
{
	char list[P11_ERR_TEXT_BYTES] = "";
	size_t at = 0;

	for (const char *const *f = folders; *f != NULL; f++) {
		int len;

		if ((*f)[0] == '\0' || access(*f, F_OK) != 0 ||
		    is_repeated(folders, f))
			continue;
		len = snprintf(list + at, sizeof(list) - at, "%s%s",
		    at == 0 ? "" : ", ", *f);
		if (len < 0 || (size_t)len >= sizeof(list) - at)
			break;
		at += (size_t)len;
	}
	list[at] = '\0';
	p11_err_set(err, "", CKR_OK, "%s: not found in %s", name,
	    at == 0 ? "any folder for modules" : list);
}

static char *
find(const char *module, const char *const *folders, struct p11_err *err)
{
	char *real_path;

	if (strchr(module, '/') != NULL) {
		if ((real_path = realpath(module, NULL)) == NULL)
			fail_errno(err, module, errno);
		return real_path;
	}
	for (size_t i = 0; folders[i] != NULL; i++)
		if (folders[i][0] != '\0' &&
		    (real_path = find_in(folders[i], module)) != NULL)
			return real_path;
	say_not_found(module, folders, err);
	return NULL;
}

char *
module_path_resolve_in(
    const char *module, const char *const *folders, struct p11_err *err)
{
	char *real_path;

	if (module[0] == '\0' || strcmp(module, ".") == 0 ||
	    strcmp(module, "..") == 0 ||
	    (module[0] != '/' && strchr(module, '/') != NULL)) {
		p11_err_set(err, "", CKR_OK,
		    "\"%s\" is neither a file name nor an absolute path",
		    module);
		return NULL;
	}
	if ((real_path = find(module, folders, err)) == NULL)
		return NULL;
	if (!check_path(real_path, err)) {
		free(real_path);
		return NULL;
	}
	return real_path;
}

char *
module_path_resolve(const char *module, struct p11_err *err)
{
	return module_path_resolve_in(module, installed_folders, err);
}
