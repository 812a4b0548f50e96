/* SPDX-License-Identifier: BSD-2-Clause */
/* The log: whole lines to standard error, never waited for. */
#include "common/log.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LOG_LINE_BYTES = 2048 };

/* The only state that is not in a context: see style rule 3. */
static enum log_level log_level = LOG_LEVEL_INFO;
static const char *log_name = "p11-agent";
static unsigned long log_dropped;

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

static bool
log_write(const char *line, size_t len)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t n;

	if (poll(&p, 1, 0) != 1 || (p.revents & POLLOUT) == 0)
		return false;
	n = write(STDERR_FILENO, line, len);
	return n == (ssize_t)len;
}

/* A line fits in PIPE_BUF, so a pipe takes all of it or says EAGAIN. */
static void
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
