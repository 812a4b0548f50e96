/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal that is lent to whatever asks. */
#include "prompt/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

enum {
	/* A prompt that is closed ends in a second, or is killed. */
	LOCK_LOOKS = 75,
	LOCK_LOOK_MSEC = 20,
};

const char *
terminal_of(const struct environment *e)
{
	const char *named = environment_get(e, "GPG_TTY");

	return named != NULL ? named : e->tty;
}

/* -1 for what is no terminal; it never becomes our controlling one. */
static int
terminal_open(const char *path)
{
	struct stat st;

	if (path[0] != '/' || stat(path, &st) != 0 || !S_ISCHR(st.st_mode))
		return -1;
	return open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

/* How it is set is not known while another prompt has it. */
static bool
terminal_lock(int fd)
{
	for (int i = 0; i < LOCK_LOOKS; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		poll(NULL, 0, LOCK_LOOK_MSEC);
	}
	return false;
}

void
terminal_lend(struct terminal *t, const char *path)
{
	t->fd = terminal_open(path);
	if (t->fd >= 0 && (tcgetattr(t->fd, &t->before) != 0 ||
			      !terminal_lock(t->fd) ||
			      tcgetattr(t->fd, &t->before) != 0))
		terminal_end(t);
}

void
terminal_end(struct terminal *t)
{
	cleanup_close(&t->fd);
	t->fd = -1;
}

static bool
terminal_same(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
	       a->c_cflag == b->c_cflag && a->c_lflag == b->c_lflag &&
	       memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)) == 0;
}

/* No pinentry leaves it so: somebody else has set it meanwhile. */
static bool
terminal_has_new_echo(const struct terminal *t, const struct termios *now)
{
	return (now->c_lflag & ECHO) != 0 && (t->before.c_lflag & ECHO) == 0;
}

void
terminal_take_back(const struct terminal *t)
{
	struct termios now;

	if (t->fd < 0 || tcgetattr(t->fd, &now) != 0 ||
	    terminal_same(&now, &t->before) || terminal_has_new_echo(t, &now))
		return;
	/* We may not be in its foreground, but it is not our terminal. */
	tcsetattr(t->fd, TCSAFLUSH, &t->before);
}
