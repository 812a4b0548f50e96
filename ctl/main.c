/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agentctl: the command line. */
#include <getopt.h>
#include <string.h>

#include "config.h"
#include "ctl/ctl.h"

static const struct command {
	const char *name;
	const char *args; /* as the help shows them */
	const char *help;
	unsigned max_args;
	enum ctl_exit (*run)(const struct ctl *c); /* NULL: the help */
	bool takes_json;
	bool takes_csh;
} commands[] = {
    {"status", "", "the agent, its providers and its tokens", 0, ctl_status,
	.takes_json = true},
    {"keys", "", "every key of every token, exposed or not, and why", 0,
	ctl_keys, .takes_json = true},
    {"env", "[-c]", "print SSH_AUTH_SOCK for a shell to evaluate (-c: csh)", 0,
	ctl_env, .takes_csh = true},
    {"check-config", "[FILE]", "read the config and say what is wrong", 1,
	ctl_check_config},
    {"help", "", "this text", 0, NULL},
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const char USAGE[] =
    "usage: p11-agentctl [-a SOCKET] COMMAND [--json]\n";

static enum ctl_exit
help(void)
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
	      "  -h, --help      this text\n"
	      "  -V, --version   the version\n"
	      "\n"
	      "It exits with 0 when done, 1 when the agent said no, 2 for a "
	      "command line\nthat it does not understand, 3 when there is no "
	      "agent.\n",
	    stdout);
	return CTL_DONE;
}

static enum ctl_exit
usage(const char *why)
{
	ctl_error("%s", why);
	fprintf(stderr, "%sp11-agentctl help shows the commands.\n", USAGE);
	return CTL_USAGE;
}

enum parsed { PARSED, PARSED_USAGE, PARSED_HELP, PARSED_VERSION };

/* Options may stand anywhere, whatever POSIXLY_CORRECT says. */
static enum parsed
parse(int argc, char **argv, struct ctl *c)
{
	static const struct option names[] = {
	    {"help", no_argument, NULL, 'h'},
	    {"json", no_argument, NULL, 'j'},
	    {"version", no_argument, NULL, 'V'},
	    {0},
	};

	while (optind < argc) {
		switch (getopt_long(argc, argv, "+a:chV", names, NULL)) {
		case 'a':
			c->socket = optarg;
			break;
		case 'c':
			c->csh = true;
			break;
		case 'j':
			c->json = true;
			break;
		case 'h':
			return PARSED_HELP;
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
	return PARSED;
}

static enum ctl_exit
run(const struct ctl *c)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		const struct command *command = &commands[i];

		if (strcmp(c->words[0], command->name) != 0)
			continue;
		if (c->n_words - 1 > command->max_args)
			return usage("too many arguments");
		if (c->json && !command->takes_json)
			return usage("this command has no --json");
		if (c->csh && !command->takes_csh)
			return usage("this command has no -c");
		return command->run == NULL ? help() : command->run(c);
	}
	return usage("there is no such command");
}

int
main(int argc, char **argv)
{
	struct ctl c = {0};
	enum ctl_exit e = CTL_DONE;

	switch (parse(argc, argv, &c)) {
	case PARSED:
		e = c.n_words == 0 ? usage("which command?") : run(&c);
		break;
	case PARSED_USAGE:
		e = usage("the command line is not understood");
		break;
	case PARSED_HELP:
		e = help();
		break;
	case PARSED_VERSION:
		printf("p11-agentctl %s\n", P11_AGENT_VERSION);
		break;
	}
	if (fflush(stdout) != 0 || ferror(stdout) != 0) {
		ctl_error("standard output cannot be written");
		return CTL_REFUSED;
	}
	return e;
}
