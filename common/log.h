/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: one line a call, to standard error, for the daemon and the
 * programs; libraries return errors and do not log. A line that could only be
 * written by waiting (a pipe that nobody reads, a stopped terminal) is
 * dropped and counted, so a log never holds up the event loop.
 */
#ifndef P11_AGENT_COMMON_LOG_H
#define P11_AGENT_COMMON_LOG_H

#include <stdarg.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Lines above this level are left out. Default: LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/* The name in front of each line; borrowed for ever. */
void log_set_name(const char *name);

/* From now on to this fd, which the log owns, instead of standard error. */
void log_to_fd(int fd);

/*
 * From now on to the system's log (a datagram socket, _PATH_LOG) instead of
 * standard error: for a daemon that left its terminal. Where nobody reads
 * there, lines are lost.
 */
void log_to_system(const char *socket_path);

/*
 * From now on as entries with fields to journald's socket instead of standard
 * error.
 */
void log_to_journal(const char *socket_path);

/* What a line is about, so that the journal can be searched for it. */
struct log_fields {
	const char *token;  /* P11_TOKEN: its name for people */
	const char *key;    /* P11_KEY: its fingerprint */
	const char *client; /* P11_CLIENT: name and pid of who asked */
	const char *host;   /* P11_HOST: for which host */
};

/*
 * printf-style, without a newline. Text from outside goes through
 * text_printable first; secrets never come here.
 */
#define LOG_PRINTF __attribute__((format(printf, 1, 2)))
void log_error(const char *format, ...) LOG_PRINTF;
void log_warn(const char *format, ...) LOG_PRINTF;
void log_info(const char *format, ...) LOG_PRINTF;
void log_debug(const char *format, ...) LOG_PRINTF;

/* A line with fields, each NULL where it is not about one. */
void log_event(enum log_level level, const struct log_fields *about,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
