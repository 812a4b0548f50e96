/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the command line. */
#include "agent/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

static const char USAGE[] =
    "usage: p11-agent [-s | -c] [-dD] [-a socket] [-f config] [command "
    "[arg ...]]\n"
    "       p11-agent [-s | -c] -k\n";

static const char HELP[] =
    "\n"
    "An SSH agent for keys on PKCS#11 tokens. Point SSH_AUTH_SOCK at its\n"
    "socket, and ssh, git, scp and ssh-add use it.\n"
    "\n"
    "  (nothing)   go to the background and print what a shell has to eval\n"
    "  -s, -c      the same for a Bourne shell, for a C shell\n"
    "  COMMAND     run it with an agent of its own, which ends with it\n"
    "  -D          stay in the foreground; the log goes to standard error\n"
    "  -d          the same with a talkative log\n"
    "  -k          end the agent whose pid is in SSH_AGENT_PID\n"
    "  -a SOCKET   the socket to serve\n"
    "              (default: $XDG_RUNTIME_DIR/p11-agent/agent.sock)\n"
    "  -f CONFIG   this config file alone\n"
    "              (default: " P11_AGENT_SYSCONFDIR "/p11-agent.conf, then\n"
    "              ~/.config/p11-agent/p11-agent.conf, then allowed.conf\n"
    "              beside it)\n"
    "  -E HASH     for ssh-agent's sake: fingerprints are sha256 in any case\n"
    "  -h, --help     this text\n"
    "  -V, --version  the version\n"
    "\n"
    "SIGHUP and `p11-agentctl reload` read the config again; SIGUSR1 hides\n"
    "all keys, as ssh-add -D does.\n"
    "`p11-agentctl status` and `p11-agentctl keys` say what the agent has,\n"
    "and why.\n";

/* False for a hash that ssh-agent would not take either. */
static bool
hash_is_known(const char *name)
{
	if (strcmp(name, "sha256") == 0 || strcmp(name, "md5") == 0)
		return true;
	fprintf(stderr, "p11-agent: -E takes sha256 or md5, not \"%s\"\n",
	    name);
	return false;
}

/* One switch. False when it is wrong. */
static bool
option_take(int c, const char *value, struct options *ret)
{
	switch (c) {
	case 'D':
		ret->foreground = true;
		return true;
	case 'd':
		ret->foreground = true;
		ret->debug = true;
		return true;
	case 'a':
		ret->socket = value;
		return true;
	case 'f':
		ret->config = value;
		return true;
	case 's':
		ret->shell = SHELL_SH;
		return true;
	case 'c':
		ret->shell = SHELL_CSH;
		return true;
	case 'k':
		ret->kill = true;
		return true;
	case 'E':
		return hash_is_known(value);
	default:
		return false;
	}
}

/* Switches that do not go together: which, or NULL. */
static const char *
options_clash(const struct options *o)
{
	if (o->kill && (o->foreground || o->command != NULL ||
	    o->socket != NULL))
		return "-k takes only -s or -c beside it";
	if (o->foreground && o->command != NULL)
		return "a command does not go with -D or -d";
	return NULL;
}

enum options_result
options_parse(int argc, char **argv, struct options *ret)
{
	static const struct option names[] = {
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	const char *clash;
	int c;

	*ret = (struct options){0};
	while ((c = getopt_long(argc, argv, "+Ddscka:f:E:hV", names,
	    NULL)) != -1) {
		if (c == 'h') {
			printf("%s%s", USAGE, HELP);
			return OPTIONS_DONE;
		}
		if (c == 'V') {
			printf("p11-agent %s\n", P11_AGENT_VERSION);
			return OPTIONS_DONE;
		}
		if (!option_take(c, optarg, ret)) {
			fprintf(stderr, "%s", USAGE);
			return OPTIONS_USAGE;
		}
	}
	if (optind < argc)
		ret->command = argv + optind;
	if ((clash = options_clash(ret)) != NULL) {
		fprintf(stderr, "p11-agent: %s\n%s", clash, USAGE);
		return OPTIONS_USAGE;
	}
	return OPTIONS_RUN;
}
