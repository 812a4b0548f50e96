/* SPDX-License-Identifier: BSD-2-Clause */
/* The user's folder for sockets. */
#include "common/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __APPLE__
static const char VARIABLE[] = "HOME";
#else
static const char VARIABLE[] = "XDG_RUNTIME_DIR";
#endif

/* A login without the variable, such as by su or cron, may have one. */
static bool
usual_base(char out[static PATH_MAX_BYTES])
{
#ifdef __linux__
	char why[TRUST_WHY_BYTES];
	struct stat st;

	snprintf(out, PATH_MAX_BYTES, "/run/user/%lu",
	    (unsigned long)geteuid());
	return lstat(out, &st) == 0 && trust_own(out, &st, why);
#else
	(void)out;
	return false;
#endif
}

bool
place_base(char out[static PATH_MAX_BYTES], char why[static TRUST_WHY_BYTES])
{
	const char *base = getenv(VARIABLE);
	char words[TRUST_WHY_BYTES];
	struct stat st;

	if (base == NULL || base[0] != '/') {
		if (usual_base(out))
			return true;
		snprintf(why, TRUST_WHY_BYTES, "%s is not set, so there is no "
		    "default place for the socket: name one with -a",
		    VARIABLE);
		return false;
	}
	if (strlen(base) >= PATH_MAX_BYTES)
		snprintf(words, sizeof(words), "it is too long");
	else if (stat(base, &st) != 0)
		snprintf(words, sizeof(words), "%.300s: %s", base,
		    strerror(errno));
	else if (trust_own(base, &st, words)) {
		memcpy(out, base, strlen(base) + 1);
		return true;
	}
	snprintf(why, TRUST_WHY_BYTES, "%s names no place for the socket: "
	    "%.400s", VARIABLE, words);
	return false;
}
