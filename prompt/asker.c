/* SPDX-License-Identifier: BSD-2-Clause */
/* Who asks for a signature. */
#include "prompt/asker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/text.h"

enum {
	ARGUMENTS_MAX_BYTES = 4096,
	HOST_SHOWN_BYTES = 60,
};

/* The start of a small file of a process; empty when it cannot be read. */
static struct bytes
read_of_process(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	CLEANUP(cleanup_close) int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return BYTES_NONE;
	while ((n = read(fd, out, size)) < 0 && errno == EINTR)
		;
	return bytes_of(out, n > 0 ? (size_t)n : 0);
}

/* 0 when there is none, or it cannot be known. */
static pid_t
parent_of(pid_t pid)
{
	char text[512];
	struct bytes stat =
	    read_of_process(pid, "stat", text, sizeof(text) - 1);
	const char *name_end;
	long parent;

	text[stat.len] = '\0';
	/* "PID (NAME) STATE PPID …", where the name may hold anything. */
	if ((name_end = strrchr(text, ')')) == NULL ||
	    sscanf(name_end, ") %*c %ld", &parent) != 1)
		return 0;
	return (pid_t)parent;
}

/* The next of the arguments, without its NUL. */
static struct bytes
next_argument(struct bytes *rest)
{
	struct bytes argument = *rest;
	const uint8_t *end =
	    rest->len == 0 ? NULL : memchr(rest->p, '\0', rest->len);

	if (end == NULL) {
		*rest = BYTES_NONE;
		return argument;
	}
	argument.len = (size_t)(end - rest->p);
	rest->p += argument.len + 1;
	rest->len -= argument.len + 1;
	return argument;
}

/* Is the value of the last letter in "-4vp" the next argument? */
static bool
takes_next(struct bytes options)
{
	/* ssh(1): the options with a value. */
	static const char with_value[] = "BbcDEeFIiJLlmOoPpQRSWw";

	for (size_t i = 1; i < options.len; i++)
		if (strchr(with_value, options.p[i]) != NULL)
			return i + 1 == options.len;
	return false;
}

struct bytes
asker_ssh_host(struct bytes arguments)
{
	struct bytes rest = arguments;

	next_argument(&rest);
	while (rest.len > 0) {
		struct bytes argument = next_argument(&rest);

		if (bytes_is(argument, "--"))
			return next_argument(&rest);
		if (argument.len < 2 || argument.p[0] != '-')
			return argument;
		if (takes_next(argument))
			next_argument(&rest);
	}
	return BYTES_NONE;
}

static void
add_host(pid_t pid, char *name, size_t size)
{
	char arguments[ARGUMENTS_MAX_BYTES], shown[HOST_SHOWN_BYTES];
	struct bytes host = asker_ssh_host(
	    read_of_process(pid, "cmdline", arguments, sizeof(arguments)));
	size_t len = strlen(name);

	if (host.len > 0)
		snprintf(name + len, size - len, " to %s",
		    text_printable(host, shown, sizeof(shown)));
}

static bool
is_one_of(const char *name, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(name, *list) == 0)
			return true;
	return false;
}

/* False when it has no name that says anything. */
static bool
read_name(pid_t pid, char *out, size_t size)
{
	static const char *const nameless[] = {
	    "systemd", "init", "launchd", "(sd-pam)", "", NULL};
	char text[64];
	struct bytes name = read_of_process(pid, "comm", text, sizeof(text));

	if (name.len > 0 && name.p[name.len - 1] == '\n')
		name.len--;
	text_printable(name, out, size);
	if (strcmp(out, "ssh") == 0)
		add_host(pid, out, size);
	return !is_one_of(out, nameless);
}

void
asker_read(struct asker *a, pid_t pid)
{
	*a = (struct asker){.pid = pid};
	/* Process 1 starts everything, and says nothing. */
	for (int i = 0; pid > 1 && i < ASKER_NAMES_MAX; i++) {
		char *name = a->names[a->n];
		bool named = read_name(pid, name, ASKER_NAME_BYTES);

		/* git starts git: once is enough. */
		if (named &&
		    (a->n == 0 || strcmp(name, a->names[a->n - 1]) != 0))
			a->n++;
		pid = parent_of(pid);
	}
}

const char *
asker_line(const struct asker *a, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	if (a->n == 0)
		return out;
	for (size_t i = 0; i < a->n && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s",
		    i == 0 ? "asked for by " : ", ", a->names[i]);
	if (len < size)
		snprintf(out + len, size - len, " (pid %ld)", (long)a->pid);
	return out;
}

/* ssh started by one of these was started by a person. */
static bool
is_shell(const char *name)
{
	static const char *const shells[] = {"sh", "bash", "dash", "zsh",
	    "fish", "ksh", "mksh", "csh", "tcsh", "login", "sshd",
	    "sshd-session", "screen", "tmux: server", NULL};

	return is_one_of(name, shells);
}

const char *
asker_program(const struct asker *a, char *out, size_t size)
{
	out[0] = '\0';
	if (a->n > 1 && strncmp(a->names[0], "ssh", 3) == 0 &&
	    !is_shell(a->names[1]))
		snprintf(out, size, "%s (%s)", a->names[1], a->names[0]);
	else if (a->n > 0)
		snprintf(out, size, "%s", a->names[0]);
	return out;
}
