/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ask with an askpass program, as ssh(1) and ssh-agent(1) do: it gets the
 * question as its argument and prints the answer. SSH_ASKPASS_PROMPT=confirm
 * asks for yes or no.
 */
#include <stdio.h>
#include <strings.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "prompt/program.h"
#include "prompt/source.h"

/* Where systems keep one. Bare names are looked for on PATH. */
static const char *const usual_programs[] = {
    "ssh-askpass",
    "/usr/lib/ssh/ssh-askpass",
    "/usr/libexec/openssh/ssh-askpass",
    "/usr/lib/openssh/gnome-ssh-askpass",
    "/usr/libexec/openssh/gnome-ssh-askpass",
    "/usr/lib/seahorse/ssh-askpass",
    "/usr/libexec/seahorse/ssh-askpass",
    "ksshaskpass",
    "lxqt-openssh-askpass",
    "x11-ssh-askpass",
};

enum {
	/* CR, LF, and one that shows that there is more. */
	OUTPUT_MAX_BYTES = SECRET_MAX_BYTES + 3,
	QUESTION_TEXT_MAX_BYTES = 2 * WIRE_TEXT_MAX_BYTES + 2,
};

static bool
find_usual(const struct environment *e, char *path, size_t size)
{
	size_t n = sizeof(usual_programs) / sizeof(usual_programs[0]);

	for (size_t i = 0; i < n; i++)
		if (program_find(e, usual_programs[i], path, size))
			return true;
	return false;
}

/* "p11-agent nor for the program that asked (ssh, pid 123)" */
static void
name_unset(const struct environment *e, char *out, size_t size)
{
	if (e->client_pid == 0)
		snprintf(out, size, "for p11-agent");
	else if (e->client.len == 0)
		snprintf(out, size,
		    "for p11-agent (and the environment of the "
		    "program that asked, pid %ld, cannot be read)",
		    (long)e->client_pid);
	else
		snprintf(out, size,
		    "for p11-agent nor for the program that asked "
		    "(%s, pid %ld)",
		    e->program, (long)e->client_pid);
}

/* SOURCE_OK with the program to run in path, or SOURCE_CANNOT. */
static enum source_result
find_askpass(struct asking *a, char *path, size_t size)
{
	const struct environment *e = a->environment;
	const char *named = environment_get(e, "SSH_ASKPASS");
	char shown[256], where[160];

	if (named != NULL) {
		if (program_find(e, named, path, size))
			return SOURCE_OK;
		return source_cannot(a,
		    "SSH_ASKPASS is \"%s\", "
		    "which is no program (an absolute path or a name on PATH)",
		    text_printable(bytes_str(named), shown, sizeof(shown)));
	}
	name_unset(e, where, sizeof(where));
	if (!environment_has_display(e))
		return source_cannot(a,
		    "SSH_ASKPASS is not set %s, "
		    "and there is no display (DISPLAY, WAYLAND_DISPLAY)",
		    where);
	if (find_usual(e, path, size))
		return SOURCE_OK;
	return source_cannot(a,
	    "SSH_ASKPASS is not set %s, and no "
	    "askpass program is installed in the usual places (install "
	    "ssh-askpass, ksshaskpass or lxqt-openssh-askpass)",
	    where);
}

/* The program's own end says yes; some print the word as well. */
static bool
is_yes(struct bytes line)
{
	return line.len == 0 ||
	       (line.len == 3 &&
		   strncasecmp((const char *)line.p, "yes", 3) == 0);
}

static enum source_result
take_output(struct asking *a, const struct buffer *out)
{
	/* As OpenSSH reads it. */
	struct bytes line = source_first_line(out);

	if (a->question->kind == QUESTION_CONFIRM)
		return is_yes(line) ? SOURCE_OK : SOURCE_CANCEL;
	return source_take_pin(a, line);
}

static enum source_result
take_end(
    struct asking *a, const char *path, int status, const struct buffer *out)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return take_output(a, out);
	if (WIFEXITED(status))
		return SOURCE_CANCEL;
	return source_cannot(
	    a, "%s was ended by signal %d", path, WTERMSIG(status));
}

static enum source_result
run_askpass(struct asking *a, char *path, char *text)
{
	CLEANUP(buffer_cleanup)
	struct buffer out = BUFFER_INIT(OUTPUT_MAX_BYTES);
	char confirm[] = "SSH_ASKPASS_PROMPT=confirm";
	char *const argv[] = {path, text, NULL};
	struct environment_block vars;
	int ret = 0;

	environment_pick(a->environment, &vars);
	if (a->question->kind == QUESTION_CONFIRM)
		environment_block_add(&vars, confirm);
	switch (program_run(argv, vars.vars, a->peer, &out, &ret)) {
	case PROGRAM_ENDED:
		return take_end(a, path, ret, &out);
	case PROGRAM_NOT_STARTED:
		return source_cannot(
		    a, "%s cannot be run: %s", path, strerror(ret));
	case PROGRAM_TOO_LONG:
		return source_cannot(a,
		    "%s printed more than a PIN of %d "
		    "bytes",
		    path, SECRET_MAX_BYTES);
	case PROGRAM_NOBODY_WAITS:
		break;
	}
	return SOURCE_NOBODY_WAITS;
}

enum source_result
askpass_ask(struct asking *a)
{
	CLEANUP(buffer_cleanup)
	struct buffer text = BUFFER_INIT(QUESTION_TEXT_MAX_BYTES);
	char path[PATH_MAX_BYTES];

	if (find_askpass(a, path, sizeof(path)) != SOURCE_OK)
		return SOURCE_CANNOT;
	asking_text(a->question, &text);
	if (text.failed)
		return source_cannot(a, "no memory for the question");
	return run_askpass(a, path, (char *)text.p);
}
