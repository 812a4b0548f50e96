/* SPDX-License-Identifier: BSD-2-Clause */
/* Is standard error the journal? systemd.exec(5), JOURNAL_STREAM. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/service.h"

const char *
service_log_socket(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;
	char more;

	/* Another file, and it is a parent's variable. */
	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0 ||
	    sscanf(stream, "%ju:%ju%c", &dev, &ino, &more) != 2 ||
	    dev != (uintmax_t)st.st_dev || ino != (uintmax_t)st.st_ino)
		return NULL;
	return "/run/systemd/journal/socket";
}
