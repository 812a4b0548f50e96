/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PIN that a command of the config prints, such as a password manager's.
 * The config is the daemon's, so the command has the daemon's environment and
 * nothing of the asking program's.
 */
#include <stdio.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "prompt/program.h"
#include "prompt/source.h"

enum {
	/* Password managers print notes behind the first line. */
	COMMAND_OUTPUT_MAX_BYTES = 16 * 1024,
};

static enum source_result
take_end(struct asking *a, int status, const struct buffer *out)
{
	struct bytes pin = source_first_line(out);

	if (WIFSIGNALED(status))
		return source_cannot(a,
		    "the PIN command was ended by signal %d", WTERMSIG(status));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return source_cannot(a, "the PIN command ended with status %d",
		    WEXITSTATUS(status));
	if (pin.len == 0)
		return source_cannot(a, "the PIN command printed no PIN");
	return source_take_pin(a, pin);
}

static enum source_result
run_command(struct asking *a, char *command)
{
	CLEANUP(buffer_cleanup)
	struct buffer out = BUFFER_INIT(COMMAND_OUTPUT_MAX_BYTES + 1);
	char shell[] = "/bin/sh", option[] = "-c";
	char *const argv[] = {shell, option, command, NULL};
	int ret = 0;

	switch (program_run(argv, a->environment->own, a->peer, &out, &ret)) {
	case PROGRAM_ENDED:
		return take_end(a, ret, &out);
	case PROGRAM_NOT_STARTED:
		return source_cannot(
		    a, "%s cannot be run: %s", shell, strerror(ret));
	case PROGRAM_TOO_LONG:
		return source_cannot(a,
		    "the PIN command printed more than %d bytes",
		    COMMAND_OUTPUT_MAX_BYTES);
	case PROGRAM_NOBODY_WAITS:
		break;
	}
	return SOURCE_NOBODY_WAITS;
}

enum source_result
command_ask(struct asking *a)
{
	CLEANUP(cleanup_free) char *command = bytes_strdup(a->argument);

	if (command == NULL)
		return source_cannot(a, "no memory for the PIN command");
	if (command[0] == '\0')
		return source_cannot(a, "the PIN command is empty");
	return run_command(a, command);
}
