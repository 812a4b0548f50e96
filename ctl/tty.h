/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions to the person at the terminal. */
#ifndef P11_AGENT_CTL_TTY_H
#define P11_AGENT_CTL_TTY_H

#include <stdbool.h>
#include <stddef.h>

enum tty_answer {
	TTY_LINE,     /* maybe an empty one */
	TTY_END,      /* the end of file, or a terminal that is gone */
	TTY_TOO_LONG, /* it was thrown away */
};

/* The terminal of this process; -1 when it has none. */
int tty_open(void);

/*
 * Show the prompt and read a line, with no echo unless `echo`; what was typed
 * before the prompt is dropped. The terminal is as before afterwards, also
 * when a signal ends or stops the program meanwhile. line is NUL-terminated
 * and the caller's to wipe.
 */
enum tty_answer tty_ask(
    int fd, const char *prompt, bool echo, char *line, size_t size);

#endif
