/* SPDX-License-Identifier: BSD-2-Clause */
/* A changed copy of the effective opensc.conf, for this process only. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "pkcs11/opensc-conf.h"

/* Where OpenSC is built to look when OPENSC_CONF is not set. */
static const char *const installed[] = {
#ifdef __APPLE__
	"/Library/OpenSC/etc/opensc.conf",
	"/opt/homebrew/etc/opensc/opensc.conf",
	"/usr/local/etc/opensc/opensc.conf",
#else
	"/etc/opensc/opensc.conf",
	"/etc/opensc.conf",
#if defined(__x86_64__)
	"/etc/opensc-x86_64.conf", /* Fedora */
#elif defined(__aarch64__)
	"/etc/opensc-aarch64.conf",
#endif
#endif
};
enum { N_INSTALLED = sizeof(installed) / sizeof(installed[0]) };

static const char *
effective_path(void)
{
	const char *path = getenv("OPENSC_CONF");

	if (path != NULL)
		return path;
	for (size_t i = 0; i < N_INSTALLED; i++)
		if (access(installed[i], F_OK) == 0)
			return installed[i];
	return installed[0];
}

static bool
fail(struct p11_err *err, const char *path, const char *why)
{
	return p11_err_set(err, "", CKR_OK, "%s: %s", path, why);
}

/* All of a file; none is an empty one. Never waits for a FIFO's writer. */
static bool
read_conf(const char *path, struct buffer *ret, struct p11_err *err)
{
	CLEANUP(cleanup_close) int fd =
	    open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT || fail(err, path, strerror(errno));
	if (fstat(fd, &st) != 0)
		return fail(err, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(err, path, "is no regular file");
	for (;;) {
		uint8_t *room = buffer_room(ret, BUFSIZ);
		ssize_t n;

		if (room == NULL || ret->len > CONFIG_FILE_MAX_BYTES)
			return fail(err, path, "is too large");
		n = read(fd, room, BUFSIZ);
		if (n < 0 && errno != EINTR)
			return fail(err, path, strerror(errno));
		if (n == 0)
			return true;
		if (n > 0)
			buffer_added(ret, (size_t)n);
	}
}

/*
 * A file without a name, and the path by which this process can open it.
 * /dev/fd shares the offset of the descriptor: good for one reading, which
 * is what one C_Initialize does.
 */
static int
unnamed_file(char *path, size_t size)
{
#ifdef __linux__
	int fd = memfd_create("opensc.conf", MFD_CLOEXEC);

	snprintf(path, size, "/proc/self/fd/%d", fd);
#else
	char name[] = "/tmp/p11-agent-opensc.XXXXXX";
	int fd = mkstemp(name);

	if (fd >= 0) {
		unlink(name);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	snprintf(path, size, "/dev/fd/%d", fd);
#endif
	return fd;
}

static bool
write_all(int fd, struct bytes b)
{
	while (b.len > 0) {
		ssize_t n = write(fd, b.p, b.len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			b.p += n;
			b.len -= (size_t)n;
		}
	}
	return lseek(fd, 0, SEEK_SET) == 0;
}

/* The descriptor stays open as long as the process lives. */
static bool
use_text(struct bytes text, struct p11_err *err)
{
	char path[64];
	int fd = unnamed_file(path, sizeof(path));

	if (fd >= 0 && write_all(fd, text) && setenv("OPENSC_CONF", path, 1) == 0)
		return true;
	fail(err, "a copy of opensc.conf", strerror(errno));
	if (fd >= 0)
		close(fd);
	return false;
}

bool
opensc_conf_apply(const struct opensc_readers *readers, struct p11_err *err)
{
	CLEANUP(buffer_cleanup) struct buffer text =
	    BUFFER_INIT(CONFIG_FILE_MAX_BYTES + 2 * BUFSIZ);
	CLEANUP(buffer_cleanup) struct buffer changed =
	    BUFFER_INIT(CONFIG_FILE_MAX_BYTES +
	    WIRE_READERS_MAX * (WIRE_TEXT_MAX_BYTES + 4) + BUFSIZ);
	const char *path = effective_path();
	unsigned int line;

	if (readers->n_ignored == 0)
		return true;
	if (!read_conf(path, &text, err))
		return false;
	if (!opensc_conf_merge(buffer_bytes(&text), readers, &changed, &line))
		return p11_err_set(err, "", CKR_OK,
		    "%s:%u: not in OpenSC's format", path, line);
	if (changed.failed)
		return fail(err, path, "out of memory");
	return use_text(buffer_bytes(&changed), err);
}
