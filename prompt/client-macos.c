/* SPDX-License-Identifier: BSD-2-Clause */
/* The asking program, as macOS tells it. */
#include "prompt/client.h"

#include <libproc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysctl.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "prompt/procargs.h"

static bool
client_info(pid_t pid, struct proc_bsdinfo *ret)
{
	return proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, ret, sizeof(*ret)) ==
	    (int)sizeof(*ret) && ret->pbi_uid == getuid();
}

void
client_environ(pid_t pid, struct buffer *out)
{
	int name[] = {CTL_KERN, KERN_PROCARGS2, pid};
	CLEANUP(cleanup_free) uint8_t *answer = malloc(ENVIRONMENT_MAX_BYTES);
	size_t len = ENVIRONMENT_MAX_BYTES;
	struct proc_bsdinfo info;

	if (answer != NULL && client_info(pid, &info) &&
	    sysctl(name, 3, answer, &len, NULL, 0) == 0)
		(void)procargs_environ(bytes_of(answer, len), out);
}

void
client_program(pid_t pid, char out[static ENVIRONMENT_PROGRAM_BYTES])
{
	char name[2 * MAXCOMLEN];
	struct proc_bsdinfo info;

	if (client_info(pid, &info) &&
	    proc_name(pid, name, sizeof(name)) > 0)
		text_printable(bytes_str(name), out,
		    ENVIRONMENT_PROGRAM_BYTES);
}

void
client_tty(pid_t pid, char out[static ENVIRONMENT_TTY_BYTES])
{
	struct proc_bsdinfo info;
	const char *name;

	if (!client_info(pid, &info) || info.e_tdev == (uint32_t)NODEV)
		return;
	name = devname((dev_t)info.e_tdev, S_IFCHR);
	if (name != NULL)
		snprintf(out, ENVIRONMENT_TTY_BYTES, "/dev/%s", name);
}
