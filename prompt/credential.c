/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PIN that the service manager hands to the daemon: a file in
 * $CREDENTIALS_DIRECTORY (systemd.exec(5), LoadCredential=). Whoever owns the
 * token answered once and for all, so no person does now.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/read-all.h"
#include "common/text.h"
#include "prompt/source.h"

enum {
	/* CR, LF, and one that shows that there is more. */
	FILE_MAX_BYTES = SECRET_MAX_BYTES + 3,
	NAME_MAX_BYTES = 255,
};

static bool
is_name(struct bytes name)
{
	return name.len > 0 && name.len <= NAME_MAX_BYTES &&
	       memchr(name.p, '/', name.len) == NULL &&
	       memchr(name.p, '\0', name.len) == NULL && !bytes_is(name, ".") &&
	       !bytes_is(name, "..");
}

/* One newline at the end is the editor's, not the PIN's. */
static struct bytes
without_newline(const struct buffer *file)
{
	struct bytes pin = buffer_bytes(file);

	if (pin.len == 0 || pin.p[pin.len - 1] != '\n')
		return pin;
	pin.len--;
	if (pin.len > 0 && pin.p[pin.len - 1] == '\r')
		pin.len--;
	return pin;
}

static enum source_result
take_file(struct asking *a, const char *path, int fd)
{
	CLEANUP(buffer_cleanup)
	struct buffer file = BUFFER_INIT(FILE_MAX_BYTES);
	struct bytes pin;
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return source_cannot(a, "%s is no regular file", path);
	/* What is too much is too long for a PIN, too. */
	if (!read_all(fd, &file) && errno != EFBIG)
		return source_cannot(a, "%s: %s", path, strerror(errno));
	pin = without_newline(&file);
	if (pin.len == 0)
		return source_cannot(a, "%s is empty", path);
	if (bytes_until(pin, '\n').len != pin.len)
		return source_cannot(a, "%s has more than one line", path);
	return source_take_pin(a, pin);
}

enum source_result
credential_ask(struct asking *a)
{
	const char *folder =
	    environment_own(a->environment, "CREDENTIALS_DIRECTORY");
	char path[PATH_MAX_BYTES], shown[64];
	/* Nonblocking: a FIFO must not hold up the other sources. */
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	CLEANUP(cleanup_close) int fd = -1;
	int n;

	if (!is_name(a->argument))
		return source_cannot(a, "\"%s\" is no credential's name",
		    text_printable(a->argument, shown, sizeof(shown)));
	if (folder == NULL)
		return source_cannot(a, "p11-agent was given no credentials "
					"(CREDENTIALS_DIRECTORY is not set)");
	n = snprintf(path, sizeof(path), "%s/%.*s", folder,
	    (int)a->argument.len, (const char *)a->argument.p);
	if (n < 0 || (size_t)n >= sizeof(path))
		return source_cannot(a, "CREDENTIALS_DIRECTORY is too long");
	if ((fd = open(path, flags)) < 0)
		return source_cannot(a, "%s: %s", path, strerror(errno));
	return take_file(a, path, fd);
}
