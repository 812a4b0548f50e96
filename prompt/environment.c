/* SPDX-License-Identifier: BSD-2-Clause */
/* The environment of the program that asked for a signature. */
#include "prompt/environment.h"

#include "prompt/client.h"
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
    {"SSH_CONNECTION", ALONE},
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
#ifdef __APPLE__
	/* Its desktop is in no variable. */
	if (environment_get(e, "SSH_CONNECTION") == NULL)
		return true;
#endif
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
	client_environ(pid, &e->client);
	client_program(pid, e->program);
	if (e->client.len > 0)
		client_tty(pid, e->tty);
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
