/* SPDX-License-Identifier: BSD-2-Clause */
/* The environment of the program that asked for a signature. */
#include "prompt/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "prompt/manager.h"

/* Variables of one group are taken from the same environment. */
enum group { ALONE, DISPLAY_GROUP, SESSION_GROUP, LOCALE_GROUP, TTY_GROUP };

static const struct variable {
	const char *name;
	enum group group;
} variables[] = {
    {"DISPLAY", DISPLAY_GROUP},
    {"WAYLAND_DISPLAY", DISPLAY_GROUP},
    {"XAUTHORITY", DISPLAY_GROUP},
    {"XDG_RUNTIME_DIR", SESSION_GROUP},
    {"DBUS_SESSION_BUS_ADDRESS", SESSION_GROUP},
    {"XDG_SESSION_TYPE", SESSION_GROUP},
    {"XDG_CURRENT_DESKTOP", SESSION_GROUP},
    {"DESKTOP_SESSION", SESSION_GROUP},
    {"KDE_FULL_SESSION", SESSION_GROUP},
    {"KDE_SESSION_VERSION", SESSION_GROUP},
    {"LANG", LOCALE_GROUP},
    {"LANGUAGE", LOCALE_GROUP},
    {"LC_ALL", LOCALE_GROUP},
    {"LC_CTYPE", LOCALE_GROUP},
    {"LC_MESSAGES", LOCALE_GROUP},
    {"TERM", TTY_GROUP},
    {"GPG_TTY", TTY_GROUP},
    {"HOME", ALONE},
    {"USER", ALONE},
    {"LOGNAME", ALONE},
    {"SHELL", ALONE},
    {"PATH", ALONE},
    {"TMPDIR", ALONE},
    {"QT_QPA_PLATFORM", ALONE},
    {"QT_SCALE_FACTOR", ALONE},
    {"GDK_BACKEND", ALONE},
    {"GDK_SCALE", ALONE},
    {"SSH_ASKPASS", ALONE},
    {"PINENTRY_PROGRAM", ALONE},
    {"PINENTRY_USER_DATA", ALONE},
};

enum { N_VARIABLES = sizeof(variables) / sizeof(variables[0]) };

/* Some are added to those of the list, for the program that is started. */
_Static_assert(N_VARIABLES + 4 <= ENVIRONMENT_VARS_MAX,
    "a block holds all variables of the list");

/* What stands behind "NAME=", or NULL when that is not what entry begins with.
 */
static char *
value_of(char *entry, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(entry, name, len) != 0 || entry[len] != '=')
		return NULL;
	return entry + len + 1;
}

/* The entry NAME=VALUE with a value that is not empty, or NULL. */
static char *
find_in_block(const struct buffer *block, const char *name)
{
	char *entry = (char *)block->p;
	char *end = entry == NULL ? NULL : entry + block->len;

	/* Whoever made the block put a NUL behind the last one. */
	for (; entry != end; entry += strlen(entry) + 1) {
		char *value = value_of(entry, name);

		if (value != NULL && *value != '\0')
			return entry;
	}
	return NULL;
}

static char *
find_in_own(const struct environment *e, const char *name)
{
	for (char *const *p = e->own; p != NULL && *p != NULL; p++) {
		char *value = value_of(*p, name);

		if (value != NULL && *value != '\0')
			return *p;
	}
	return NULL;
}

static bool
has_of_group(const struct buffer *block, enum group group)
{
	for (size_t i = 0; i < N_VARIABLES; i++)
		if (variables[i].group == group &&
		    find_in_block(block, variables[i].name) != NULL)
			return true;
	return false;
}

static char *
find_variable(const struct environment *e, const struct variable *v)
{
	const struct buffer *const blocks[] = {&e->client, &e->manager};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		char *entry = find_in_block(blocks[i], v->name);

		if (entry != NULL ||
		    (v->group != ALONE && has_of_group(blocks[i], v->group)))
			return entry;
	}
	return find_in_own(e, v->name);
}

const char *
environment_get(const struct environment *e, const char *name)
{
	for (size_t i = 0; i < N_VARIABLES; i++) {
		char *entry;

		if (strcmp(variables[i].name, name) != 0)
			continue;
		entry = find_variable(e, &variables[i]);
		return entry == NULL ? NULL : value_of(entry, name);
	}
	return NULL;
}

const char *
environment_own(const struct environment *e, const char *name)
{
	char *entry = find_in_own(e, name);

	return entry == NULL ? NULL : value_of(entry, name);
}

bool
environment_has_display(const struct environment *e)
{
	return environment_get(e, "DISPLAY") != NULL ||
	       environment_get(e, "WAYLAND_DISPLAY") != NULL;
}

void
environment_pick(const struct environment *e, struct environment_block *ret)
{
	*ret = (struct environment_block){0};
	for (size_t i = 0; i < N_VARIABLES; i++) {
		char *entry = find_variable(e, &variables[i]);

		if (entry != NULL)
			environment_block_add(ret, entry);
	}
}

void
environment_block_add(struct environment_block *b, char *variable)
{
	if (b->n < ENVIRONMENT_VARS_MAX)
		b->vars[b->n++] = variable;
}

/* -1 also for a process of somebody else, whatever its file's mode. */
static int
open_of_process(pid_t pid, const char *name)
{
	char path[64];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return -1;
	if (fstat(fd, &st) != 0 || st.st_uid != getuid()) {
		close(fd);
		return -1;
	}
	return fd;
}

/* All of it, or what fits; a NUL is put behind what does not end in one. */
static void
read_environ(struct environment *e)
{
	CLEANUP(cleanup_close)
	int fd = open_of_process(e->client_pid, "environ");
	struct buffer *b = &e->client;

	while (fd >= 0 && b->max - b->len > 1) {
		size_t most = b->max - b->len - 1;
		uint8_t *room;
		ssize_t n;

		if (most > 4096)
			most = 4096;
		if ((room = buffer_room(b, most)) == NULL)
			return;
		n = read(fd, room, most);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		buffer_added(b, (size_t)n);
	}
	if (b->len > 0 && b->p[b->len - 1] != '\0')
		buffer_put_u8(b, 0);
}

static void
read_program(struct environment *e)
{
	CLEANUP(cleanup_close) int fd = open_of_process(e->client_pid, "comm");
	char name[ENVIRONMENT_PROGRAM_BYTES];
	ssize_t n = fd < 0 ? -1 : read(fd, name, sizeof(name));

	if (n > 0 && name[n - 1] == '\n')
		n--;
	if (n > 0)
		text_printable(
		    bytes_of(name, (size_t)n), e->program, sizeof(e->program));
}

static bool
is_terminal(const char *path)
{
	return strncmp(path, "/dev/pts/", 9) == 0 ||
	       strncmp(path, "/dev/tty", 8) == 0;
}

/* ssh's standard input is often a pipe, but seldom all three are. */
static void
read_tty(struct environment *e)
{
	for (int fd = 0; fd <= 2; fd++) {
		char path[64], to[ENVIRONMENT_TTY_BYTES];
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%ld/fd/%d",
		    (long)e->client_pid, fd);
		n = readlink(path, to, sizeof(to) - 1);
		if (n <= 0)
			continue;
		to[n] = '\0';
		if (is_terminal(to)) {
			memcpy(e->tty, to, (size_t)n + 1);
			return;
		}
	}
}

void
environment_read(struct environment *e, pid_t pid, char *const *own)
{
	*e = (struct environment){
	    .client = BUFFER_INIT(ENVIRONMENT_MAX_BYTES),
	    .manager = BUFFER_INIT(ENVIRONMENT_MAX_BYTES),
	    .own = own,
	    .client_pid = pid,
	};
	if (pid <= 0) {
		e->client_pid = 0;
		return;
	}
	read_environ(e);
	read_program(e);
	if (e->client.len > 0)
		read_tty(e);
}

void
environment_add_manager(struct environment *e)
{
	if (e->tty[0] != '\0' || find_in_block(&e->client, "GPG_TTY") != NULL ||
	    has_of_group(&e->client, DISPLAY_GROUP))
		return;
	manager_environment(e, &e->manager);
}

void
environment_clear(struct environment *e)
{
	buffer_clear(&e->client);
	buffer_clear(&e->manager);
}
