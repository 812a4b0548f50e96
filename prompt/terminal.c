/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal that is lent to whatever asks. */
#include "prompt/terminal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

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

void
terminal_lend(struct terminal *t, const char *path)
{
	CLEANUP(cleanup_close) int fd = terminal_open(path);

	t->path = fd >= 0 && tcgetattr(fd, &t->before) == 0 ? path : NULL;
}

static bool
terminal_same(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
	       a->c_cflag == b->c_cflag && a->c_lflag == b->c_lflag &&
	       memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)) == 0;
}

void
terminal_take_back(const struct terminal *t)
{
	CLEANUP(cleanup_close) int fd = -1;
	struct termios now;

	if (t->path == NULL || (fd = terminal_open(t->path)) < 0 ||
	    tcgetattr(fd, &now) != 0 || terminal_same(&now, &t->before))
		return;
	/* We may not be in its foreground, but it is not our terminal. */
	tcsetattr(fd, TCSAFLUSH, &t->before);
}
