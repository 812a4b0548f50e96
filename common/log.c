/* SPDX-License-Identifier: BSD-2-Clause */
/* The log: whole lines to standard error, never waited for. */
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

enum { LOG_LINE_BYTES = 2048 };

/* The only state that is not in a context: see style rule 3. */
static enum log_level log_level = LOG_LEVEL_INFO;
static const char *log_name = "p11-agent";
static unsigned long log_dropped;
static int log_fd = STDERR_FILENO;
static int log_system_fd = -1; /* a datagram socket to the system's log */

void
log_set_level(enum log_level level)
{
	log_level = level;
}

void
log_set_name(const char *name)
{
	log_name = name;
}

void
log_to_fd(int fd)
{
	log_fd = fd;
}

void
log_to_system(const char *socket_path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", socket_path);
	if (fd < 0)
		return;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	/* Not connected, it takes no line: standard error is not ours now. */
	(void)!connect(fd, (const struct sockaddr *)&addr, sizeof(addr));
	log_system_fd = fd;
	if (log_fd != STDERR_FILENO)
		close(log_fd);
	log_fd = STDERR_FILENO;
}

/*
 * RFC 3164's form without a time, which the receiver adds. The line begins
 * with our name and ends in a newline.
 */
static bool
log_send(const char *line, size_t len)
{
	char datagram[LOG_LINE_BYTES + 64];
	size_t name = strlen(log_name);
	int n = snprintf(datagram, sizeof(datagram), "<%d>%s[%ld]%.*s",
	    LOG_AUTH | LOG_INFO, log_name, (long)getpid(),
	    (int)(len - name - 1), line + name);

	if (n <= 0)
		return false;
	if ((size_t)n >= sizeof(datagram))
		n = sizeof(datagram) - 1;
	return send(log_system_fd, datagram, (size_t)n, MSG_DONTWAIT) == n;
}

static bool
log_write(const char *line, size_t len)
{
	struct pollfd p = {.fd = log_fd, .events = POLLOUT};
	ssize_t n;

	if (log_system_fd >= 0)
		return log_send(line, len);
	if (poll(&p, 1, 0) != 1 || (p.revents & POLLOUT) == 0)
		return false;
	n = write(log_fd, line, len);
	return n == (ssize_t)len;
}

/* A line fits in PIPE_BUF, so a pipe takes all of it or says EAGAIN. */
static void __attribute__((format(printf, 2, 0)))
log_line(const char *word, const char *format, va_list args)
{
	char line[LOG_LINE_BYTES];
	int saved = errno;
	int head, n;

	head = snprintf(line, sizeof(line), "%s: %s", log_name, word);
	if (head < 0 || (size_t)head >= sizeof(line) - 1)
		return;
	n = vsnprintf(line + head, sizeof(line) - (size_t)head - 1, format,
	    args);
	if (n < 0)
		return;
	n = (int)strlen(line);
	line[n++] = '\n';
	if (log_dropped != 0) {
		char note[128];
		int len = snprintf(note, sizeof(note),
		    "%s: %lu log lines were dropped, nobody read them\n",
		    log_name, log_dropped);

		if (len > 0 && log_write(note, (size_t)len))
			log_dropped = 0;
	}
	if (log_dropped != 0 || !log_write(line, (size_t)n))
		log_dropped++;
	errno = saved;
}

#define LOG_AT(level, word)                     \
	do {                                    \
		va_list args;                   \
		if ((level) > log_level)        \
			return;                 \
		va_start(args, format);         \
		log_line(word, format, args);   \
		va_end(args);                   \
	} while (0)

void
log_error(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_ERROR, "error: ");
}

void
log_warn(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_WARN, "warning: ");
}

void
log_info(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_INFO, "");
}

void
log_debug(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_DEBUG, "debug: ");
}
