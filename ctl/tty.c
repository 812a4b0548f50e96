/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions to the person at the terminal. */
#include "ctl/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/wipe.h"

static const int SIGNALS[] = {
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU};

enum { N_SIGNALS = sizeof(SIGNALS) / sizeof(SIGNALS[0]) };

static volatile sig_atomic_t caught;

/* A terminal whose echo is off, and what it was before. */
struct quiet {
	int fd;
	bool is_terminal;
	struct termios before;
	sigset_t mask_before;
	struct sigaction actions_before[N_SIGNALS];
};

static void
on_signal(int number)
{
	caught = number;
}

int
tty_open(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC);
}

/* From here on signals come only while quiet_wait waits. */
static void
quiet_begin(struct quiet *q, bool echo)
{
	const struct sigaction action = {.sa_handler = on_signal};
	struct termios without;
	sigset_t mask;

	caught = 0;
	sigemptyset(&mask);
	for (int i = 0; i < N_SIGNALS; i++)
		sigaddset(&mask, SIGNALS[i]);
	sigprocmask(SIG_BLOCK, &mask, &q->mask_before);
	for (int i = 0; i < N_SIGNALS; i++) {
		sigaction(SIGNALS[i], NULL, &q->actions_before[i]);
		if (q->actions_before[i].sa_handler != SIG_IGN)
			sigaction(SIGNALS[i], &action, NULL);
	}
	q->is_terminal = tcgetattr(q->fd, &q->before) == 0;
	if (!q->is_terminal)
		return;
	without = q->before;
	if (!echo)
		without.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	tcsetattr(q->fd, TCSAFLUSH, &without);
}

/* The signal that came, if one did, has its own effect at the end. */
static void
quiet_end(struct quiet *q)
{
	if (q->is_terminal)
		tcsetattr(q->fd, TCSAFLUSH, &q->before);
	for (int i = 0; i < N_SIGNALS; i++)
		sigaction(SIGNALS[i], &q->actions_before[i], NULL);
	if (caught != 0)
		kill(getpid(), caught);
	sigprocmask(SIG_SETMASK, &q->mask_before, NULL);
}

/* False: a signal came. */
static bool
quiet_wait(const struct quiet *q)
{
	fd_set fds;

	for (;;) {
		FD_ZERO(&fds);
		FD_SET(q->fd, &fds);
		if (pselect(q->fd + 1, &fds, NULL, NULL, NULL,
			&q->mask_before) >= 0)
			return true;
		if (caught != 0 || errno != EINTR)
			return false;
	}
}

/* A terminal hands over a line at a time, but long ones in pieces. */
static enum tty_answer
read_line(const struct quiet *q, char *line, size_t size)
{
	bool too_long = false;
	size_t len = 0;

	for (;;) {
		size_t before = len;
		ssize_t n;

		if (!quiet_wait(q))
			return TTY_END;
		n = read(q->fd, line + len, size - 1 - len);
		if (n <= 0)
			return TTY_END;
		len += bytes_until(bytes_of(line + len, (size_t)n), '\n').len;
		if (len < before + (size_t)n)
			break;
		if (len == size - 1) {
			too_long = true;
			wipe(line, len);
			len = 0;
		}
	}
	if (too_long)
		return TTY_TOO_LONG;
	line[len] = '\0';
	return TTY_LINE;
}

static void
put(int fd, const char *text)
{
	while (*text != '\0') {
		ssize_t n = write(fd, text, strlen(text));

		if (n <= 0 && errno != EINTR)
			return;
		if (n > 0)
			text += n;
	}
}

static bool
is_stop(int number)
{
	return number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

enum tty_answer
tty_ask(int fd, const char *prompt, bool echo, char *line, size_t size)
{
	struct quiet q = {.fd = fd};
	enum tty_answer answer;

	do {
		quiet_begin(&q, echo);
		put(fd, prompt);
		answer = read_line(&q, line, size);
		if (answer != TTY_LINE)
			wipe(line, size);
		if (!echo || answer != TTY_LINE)
			put(fd, "\n");
		quiet_end(&q);
		/* It was stopped, and goes on: ask anew. */
	} while (is_stop(caught));
	return answer;
}
