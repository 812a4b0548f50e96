/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agentctl: the command line. */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "ctl/ctl.h"
#include "ctl/help.h"

/* Options that only some commands take. */
enum {
	TAKES_JSON = 1 << 0,
	TAKES_SHELL = 1 << 1,
	TAKES_STDIN = 1 << 2,
	TAKES_EXPORT = 1 << 3,
	TAKES_SETUP = 1 << 4,
};

static const struct command {
	const char *name;
	const char *args; /* as the help shows them */
	const char *help;
	unsigned min_args, max_args;
	enum ctl_exit (*run)(const struct ctl *c); /* NULL: the help */
	unsigned takes;
} commands[] = {
    {"status", "", "the agent, its providers and its tokens", 0, 0, ctl_status,
	TAKES_JSON},
    {"keys", "", "every key of every token, exposed or not, and why", 0, 0,
	ctl_keys, TAKES_JSON},
    {"allow", "KEY [NAME]", "expose a key", 1, 2, ctl_allow, 0},
    {"deny", "KEY", "expose a key no longer", 1, 1, ctl_deny, 0},
    {"export", "[KEY ...]", "print public keys, or write .pub files", 0,
	CONTROL_ARGS_MAX, ctl_export, TAKES_EXPORT},
    {"unlock", "[TOKEN]", "log in to a token with the PIN that it asks for", 0,
	1, ctl_unlock, TAKES_STDIN},
    {"lock", "", "log out of all tokens, and wipe PINs", 0, 0, ctl_lock,
	TAKES_JSON},
    {"release", "[TOKEN]", "let go of idle tokens, for other programs", 0, 1,
	ctl_release, TAKES_JSON},
    {"watch", "", "what happens, as it happens, until interrupted", 0, 0,
	ctl_watch, TAKES_JSON},
    {"reload", "", "read the config again, and look at the tokens anew", 0, 0,
	ctl_reload, TAKES_JSON},
    {"env", "", "print SSH_AUTH_SOCK for a shell to evaluate", 0, 0, ctl_env,
	TAKES_SHELL},
    {"setup", "[--undo]", "SSH_AUTH_SOCK for all of your programs, from login on",
	0, 0, ctl_setup, TAKES_SETUP},
    {"check-config", "[FILE]", "read the config and say what is wrong", 0, 1,
	ctl_check_config, 0},
    {"help", "[COMMAND]", "this text, or what one command does", 0, 1, NULL,
	0},
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const char USAGE[] =
    "usage: p11-agentctl [-a SOCKET] COMMAND [--json]\n";

static enum ctl_exit
usage(const char *why)
{
	ctl_error("%s", why);
	fprintf(stderr, "%sp11-agentctl help shows the commands.\n", USAGE);
	return CTL_USAGE;
}

static enum ctl_exit
help_all(void)
{
	printf("%s\nShow and steer a running p11-agent.\n\n", USAGE);
	for (size_t i = 0; i < N_COMMANDS; i++) {
		char call[32];

		snprintf(call, sizeof(call), "%s %s", commands[i].name,
		    commands[i].args);
		printf("  %-20s  %s\n", call, commands[i].help);
	}
	fputs("\n"
	      "  -a SOCKET       the agent's socket (default: SSH_AUTH_SOCK, "
	      "if it is a\n"
	      "                  p11-agent's, else "
	      "$XDG_RUNTIME_DIR/p11-agent/agent.sock)\n"
	      "      --json      print the agent's answer as JSON\n"
	      "  -h, --help      this text, or the help of the COMMAND\n"
	      "  -V, --version   the version\n"
	      "\n"
	      "It exits with 0 when done, 1 when the agent said no, 2 for a "
	      "command line\nthat it does not understand, 3 when there is no "
	      "agent.\n",
	    stdout);
	return CTL_DONE;
}

static enum ctl_exit
help(const struct ctl *c)
{
	const char *word = c->n_words > 0 ? c->words[0] : "help";
	const char *text;

	if (strcmp(word, "help") == 0 && c->n_words > 1)
		word = c->words[1];
	else if (strcmp(word, "help") == 0)
		return help_all();
	if ((text = help_text(word)) == NULL)
		return usage("there is no such command");
	fputs(text, stdout);
	return CTL_DONE;
}

enum parsed { PARSED, PARSED_USAGE, PARSED_HELP, PARSED_VERSION };

/* Options may stand anywhere, whatever POSIXLY_CORRECT says. */
static enum parsed
parse(int argc, char **argv, struct ctl *c)
{
	static const struct option names[] = {
	    {"allowed-signers", required_argument, NULL, 'l'},
	    {"authorized-keys", no_argument, NULL, 'k'},
	    {"fish", no_argument, NULL, 'f'},
	    {"help", no_argument, NULL, 'h'},
	    {"json", no_argument, NULL, 'j'},
	    {"pub", required_argument, NULL, 'p'},
	    {"stdin", no_argument, NULL, 'i'},
	    {"undo", no_argument, NULL, 'u'},
	    {"version", no_argument, NULL, 'V'},
	    {"yes", no_argument, NULL, 'y'},
	    {0},
	};
	bool help = false;

	while (optind < argc) {
		switch (getopt_long(argc, argv, "+a:chsV", names, NULL)) {
		case 'a':
			c->socket = optarg;
			break;
		case 'c':
			c->shell = SHELL_CSH;
			break;
		case 's':
			c->shell = SHELL_SH;
			break;
		case 'f':
			c->shell = SHELL_FISH;
			break;
		case 'u':
			c->undo = true;
			break;
		case 'y':
			c->yes = true;
			break;
		case 'j':
			c->json = true;
			break;
		case 'i':
			c->from_stdin = true;
			break;
		case 'k':
			c->authorized_keys = true;
			break;
		case 'l':
			c->principal = optarg;
			break;
		case 'p':
			c->folder = optarg;
			break;
		case 'h':
			help = true;
			break;
		case 'V':
			return PARSED_VERSION;
		case -1:
			if (optind == argc)
				break;
			if (c->n_words == CONTROL_ARGS_MAX)
				return PARSED_USAGE;
			c->words[c->n_words++] = argv[optind++];
			break;
		default:
			return PARSED_USAGE;
		}
	}
	return help ? PARSED_HELP : PARSED;
}

/* What is wrong with the words of a command; or NULL. */
static const char *
fault_of(const struct command *command, const struct ctl *c)
{
	const unsigned takes = command->takes;

	if (c->n_words - 1 < command->min_args)
		return "too few arguments";
	if (c->n_words - 1 > command->max_args)
		return "too many arguments";
	if (c->json && (takes & TAKES_JSON) == 0)
		return "this command has no --json";
	if (c->shell != SHELL_GUESS && (takes & TAKES_SHELL) == 0)
		return "only env has -s, -c and --fish";
	if ((c->undo || c->yes) && (takes & TAKES_SETUP) == 0)
		return "only setup has --undo and --yes";
	if (c->from_stdin && (takes & TAKES_STDIN) == 0)
		return "this command has no --stdin";
	if ((c->authorized_keys || c->principal != NULL ||
		c->folder != NULL) &&
	    (takes & TAKES_EXPORT) == 0)
		return "only export has --authorized-keys, --allowed-signers "
		       "and --pub";
	return NULL;
}

static enum ctl_exit
run(const struct ctl *c)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		const struct command *command = &commands[i];
		const char *fault;

		if (strcmp(c->words[0], command->name) != 0)
			continue;
		if ((fault = fault_of(command, c)) != NULL)
			return usage(fault);
		return command->run == NULL ? help(c) : command->run(c);
	}
	return usage("there is no such command");
}

/*
 * Where one of the three is closed, a file or a socket of ours would take its
 * place and get what is printed. These refuse that, as a closed one does.
 */
static void
fill_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int
main(int argc, char **argv)
{
	struct ctl c = {0};
	enum ctl_exit e = CTL_DONE;

	fill_standard_files();
	/* Where it is ignored nobody can say how a child of ours ended. */
	signal(SIGCHLD, SIG_DFL);
	switch (parse(argc, argv, &c)) {
	case PARSED:
		e = c.n_words == 0 ? usage("which command?") : run(&c);
		break;
	case PARSED_USAGE:
		e = usage("the command line is not understood");
		break;
	case PARSED_HELP:
		e = help(&c);
		break;
	case PARSED_VERSION:
		printf("p11-agentctl %s\n", P11_AGENT_VERSION);
		break;
	}
	if (fflush(stdout) != 0 || ferror(stdout) != 0) {
		ctl_error("standard output cannot be written");
		return CTL_REFUSED;
	}
	return (int)e;
}
