/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking for GnuPG's scdaemon among the processes of our user. */
#include "pkcs11/scdaemon.h"

#ifdef __linux__

#include <dirent.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * By /proc/PID/status, which everybody may read: its folder is root's when a
 * process hides its memory, as GnuPG's do.
 */
static bool
is_our_scdaemon(const char *pid)
{
	char path[64], line[256];
	bool named = false, ours = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/status", pid);
	if ((f = fopen(path, "re")) == NULL)
		return false;
	while (fgets(line, sizeof(line), f) != NULL) {
		unsigned uid;

		if (strcmp(line, "Name:\tscdaemon\n") == 0)
			named = true;
		if (sscanf(line, "Uid:\t%u", &uid) == 1)
			ours = uid == getuid();
	}
	fclose(f);
	return named && ours;
}

bool
scdaemon_runs(void)
{
	DIR *processes = opendir("/proc");
	const struct dirent *e;
	bool found = false;

	if (processes == NULL)
		return false;
	while (!found && (e = readdir(processes)) != NULL)
		found = isdigit((unsigned char)e->d_name[0]) != 0 &&
		    is_our_scdaemon(e->d_name);
	closedir(processes);
	return found;
}

#else

bool
scdaemon_runs(void)
{
	return false;
}

#endif
