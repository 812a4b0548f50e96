/* SPDX-License-Identifier: BSD-2-Clause */
/* Shell commands on standard output. */
#include "agent/shell.h"

#include <stdlib.h>
#include <string.h>

static bool
shell_is_csh(enum shell shell)
{
	const char *name = getenv("SHELL");
	size_t len = name == NULL ? 0 : strlen(name);

	if (shell != SHELL_GUESS)
		return shell == SHELL_CSH;
	return len >= 3 && strcmp(name + len - 3, "csh") == 0;
}

/* In single quotes, which only a quote itself can leave. */
static void
put_quoted(FILE *out, const char *s)
{
	fputc('\'', out);
	for (; *s != '\0'; s++)
		if (*s == '\'')
			fputs("'\\''", out);
		else
			fputc(*s, out);
	fputc('\'', out);
}

/* As ssh-agent prints it: quotes only where the shell would need them. */
static void
put_value(FILE *out, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%";

	if (s[strspn(s, plain)] == '\0')
		fputs(s, out);
	else
		put_quoted(out, s);
}

static void
put_variable(FILE *out, bool csh, const char *name, const char *value)
{
	fprintf(out, csh ? "setenv %s " : "%s=", name);
	put_value(out, value);
	if (csh)
		fputs(";\n", out);
	else
		fprintf(out, "; export %s;\n", name);
}

void
shell_print_set(FILE *out, enum shell shell, const char *socket, pid_t pid)
{
	bool csh = shell_is_csh(shell);
	char number[24];

	put_variable(out, csh, "SSH_AUTH_SOCK", socket);
	if (pid == 0)
		return;
	snprintf(number, sizeof(number), "%ld", (long)pid);
	put_variable(out, csh, "SSH_AGENT_PID", number);
	fprintf(out, "echo Agent pid %s;\n", number);
}

void
shell_print_unset(FILE *out, enum shell shell, pid_t pid)
{
	const char *word = shell_is_csh(shell) ? "unsetenv" : "unset";

	fprintf(out, "%s SSH_AUTH_SOCK;\n%s SSH_AGENT_PID;\n"
	    "echo Agent pid %ld killed;\n", word, word, (long)pid);
}
