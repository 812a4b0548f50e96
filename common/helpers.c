/* SPDX-License-Identifier: BSD-2-Clause */
/* The folder of our own programs. */
#include "common/helpers.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#include "common/limits.h"
#include "config.h"

#ifdef __APPLE__
#define WHERE "our own path"
#else
#define WHERE "/proc/self/exe (is /proc mounted?)"
#endif

/* Our own path; a binary that was replaced meanwhile keeps its folder. */
static bool
own_path(char out[static PATH_MAX_BYTES])
{
#ifdef __APPLE__
	uint32_t size = PATH_MAX_BYTES;

	return _NSGetExecutablePath(out, &size) == 0;
#else
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX_BYTES - 1);

	if (n <= 0)
		return false;
	out[n] = '\0';
	return true;
#endif
}

/* folder/name; NULL when memory is out. */
static char *
path_join(const char *folder, const char *name)
{
	size_t size = strlen(folder) + strlen(name) + 2;
	char *path = malloc(size);

	if (path != NULL)
		snprintf(path, size, "%s/%s", folder, name);
	return path;
}

char *
path_absolute(const char *path)
{
	char cwd[PATH_MAX_BYTES];

	if (path[0] == '/')
		return strdup(path);
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		return NULL;
	return path_join(cwd, path);
}

char *
helper_path(const char *name, char why[static HELPER_WHY_BYTES])
{
	char own[PATH_MAX_BYTES], *path = NULL, *slash;
	bool known = own_path(own) && (slash = strrchr(own, '/')) != NULL;

	if (known) {
		*slash = '\0';
		path = path_join(own, name);
		if (path != NULL && access(path, X_OK) == 0)
			return path;
		free(path);
	}
	/* By that name alone: what leads to where we are may be a link. */
	path = path_join(P11_AGENT_LIBEXECDIR, name);
	if (path == NULL) {
		snprintf(why, HELPER_WHY_BYTES, "out of memory");
	} else if (!known && access(path, X_OK) != 0) {
		snprintf(why, HELPER_WHY_BYTES, "it is not in %s, and " WHERE
		    ", which says where else to look, cannot be read",
		    P11_AGENT_LIBEXECDIR);
		free(path);
		path = NULL;
	}
	return path;
}
