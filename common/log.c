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

#include "common/journal.h"

enum { LOG_LINE_BYTES = 2048, LOG_ENTRY_BYTES = 4096 };

/* How a level is called in a line, and to the system's log. */
static const struct {
	const char *word;
	int priority;
} log_levels[] = {
	[LOG_LEVEL_ERROR] = {"error: ", LOG_ERR},
	[LOG_LEVEL_WARN] = {"warning: ", LOG_WARNING},
	[LOG_LEVEL_INFO] = {"", LOG_INFO},
	[LOG_LEVEL_DEBUG] = {"debug: ", LOG_DEBUG},
};

/* The only state that is not in a context: see style rule 3. */
static enum log_level log_level = LOG_LEVEL_INFO;
static const char *log_name = "p11-agent";
static unsigned long log_dropped;
static int log_fd = STDERR_FILENO;
static enum log_sink {
	LOG_TO_FD,
	LOG_TO_SYSTEM,
	LOG_TO_JOURNAL,
} log_sink;
static int log_socket = -1; /* for datagrams to log_address */
static struct sockaddr_un log_address;

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
	log_sink = LOG_TO_FD;
}

/* False when there is no socket; who listens at the other end may change. */
static bool
log_open(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (fd < 0)
		return false;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (log_socket >= 0)
		close(log_socket);
	log_socket = fd;
	log_address.sun_family = AF_UNIX;
	snprintf(log_address.sun_path, sizeof(log_address.sun_path), "%s",
	    path);
	return true;
}

void
log_to_system(const char *socket_path)
{
	if (!log_open(socket_path))
		return;
	log_sink = LOG_TO_SYSTEM;
	if (log_fd != STDERR_FILENO)
		close(log_fd);
	log_fd = STDERR_FILENO;
}

void
log_to_journal(const char *socket_path)
{
	if (log_open(socket_path))
		log_sink = LOG_TO_JOURNAL;
}

static bool
log_send(const char *datagram, size_t len)
{
	return sendto(log_socket, datagram, len, MSG_DONTWAIT,
	    (const struct sockaddr *)&log_address, sizeof(log_address)) ==
	    (ssize_t)len;
}

/*
 * RFC 3164's form without a time, which the receiver adds. The line begins
 * with our name and ends in a newline.
 */
static bool
log_write_system(enum log_level level, const char *line, size_t len)
{
	char datagram[LOG_LINE_BYTES + 64];
	size_t name = strlen(log_name);
	int n = snprintf(datagram, sizeof(datagram), "<%d>%s[%ld]%.*s",
	    LOG_AUTH | log_levels[level].priority, log_name, (long)getpid(),
	    (int)(len - name - 1), line + name);

	if (n <= 0)
		return false;
	if ((size_t)n >= sizeof(datagram))
		n = sizeof(datagram) - 1;
	return log_send(datagram, (size_t)n);
}

/* message: the line without what the other fields say. */
static bool
log_write_journal(enum log_level level, const struct log_fields *about,
    const char *message)
{
	const char priority[] = {
		(char)('0' + log_levels[level].priority), '\0'};
	const struct journal_field fields[] = {
		{"MESSAGE", message},
		{"PRIORITY", priority},
		{"SYSLOG_IDENTIFIER", log_name},
		{"P11_TOKEN", about->token},
		{"P11_KEY", about->key},
		{"P11_CLIENT", about->client},
		{"P11_HOST", about->host},
	};
	char entry[LOG_ENTRY_BYTES];

	return log_send(entry, journal_entry(entry, sizeof(entry), fields,
	    sizeof(fields) / sizeof(fields[0])));
}

/* A line fits in PIPE_BUF, so a pipe takes all of it or says EAGAIN. */
static bool
log_write_fd(const char *line, size_t len)
{
	struct pollfd p = {.fd = log_fd, .events = POLLOUT};

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0 &&
	    write(log_fd, line, len) == (ssize_t)len;
}

static bool
log_write(enum log_level level, const struct log_fields *about,
    const char *message)
{
	char line[LOG_LINE_BYTES];
	int n;

	if (log_sink == LOG_TO_JOURNAL)
		return log_write_journal(level, about, message);
	n = snprintf(line, sizeof(line) - 1, "%s: %s%s", log_name,
	    log_levels[level].word, message);
	if (n < 0)
		return false;
	n = (int)strlen(line);
	line[n++] = '\n';
	return log_sink == LOG_TO_SYSTEM ?
	    log_write_system(level, line, (size_t)n) :
	    log_write_fd(line, (size_t)n);
}

static void __attribute__((format(printf, 3, 0)))
log_message(enum log_level level, const struct log_fields *about,
    const char *format, va_list args)
{
	static const struct log_fields nothing;
	char message[LOG_LINE_BYTES], note[128];
	int saved = errno;

	if (level > log_level ||
	    vsnprintf(message, sizeof(message), format, args) < 0)
		return;
	if (log_dropped != 0) {
		snprintf(note, sizeof(note), "%lu log lines were dropped, "
		    "nobody read them", log_dropped);
		if (log_write(LOG_LEVEL_INFO, &nothing, note))
			log_dropped = 0;
	}
	if (log_dropped != 0 ||
	    !log_write(level, about == NULL ? &nothing : about, message))
		log_dropped++;
	errno = saved;
}

#define LOG_AT(level, about)                              \
	do {                                              \
		va_list args;                             \
		va_start(args, format);                   \
		log_message(level, about, format, args);  \
		va_end(args);                             \
	} while (0)

void
log_event(enum log_level level, const struct log_fields *about,
    const char *format, ...)
{
	LOG_AT(level, about);
}

void
log_error(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_ERROR, NULL);
}

void
log_warn(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_WARN, NULL);
}

void
log_info(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_INFO, NULL);
}

void
log_debug(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_DEBUG, NULL);
}
