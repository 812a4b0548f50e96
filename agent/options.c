/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the command line. */
#include "agent/options.h"

#include <getopt.h>
#include <stdio.h>

#include "config.h"

static const char USAGE[] =
    "usage: p11-agent -D | -d [-a socket] [-f config]\n";

static const char HELP[] =
    "\n"
    "An SSH agent for keys on PKCS#11 tokens. Point SSH_AUTH_SOCK at its\n"
    "socket, and ssh, git, scp and ssh-add use it.\n"
    "\n"
    "  -D          stay in the foreground; the log goes to standard error\n"
    "  -d          the same with a talkative log\n"
    "  -a SOCKET   the socket to serve\n"
    "              (default: $XDG_RUNTIME_DIR/p11-agent/agent.sock)\n"
    "  -f CONFIG   this config file alone\n"
    "              (default: " P11_AGENT_SYSCONFDIR "/p11-agent.conf, then\n"
    "              ~/.config/p11-agent/p11-agent.conf)\n"
    "  -h, --help     this text\n"
    "  -V, --version  the version\n"
    "\n"
    "p11-agentctl shows what the agent has and why.\n";

enum options_result
options_parse(int argc, char **argv, struct options *ret)
{
	static const struct option names[] = {
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	int c;

	*ret = (struct options){0};
	while ((c = getopt_long(argc, argv, "+Dda:f:hV", names, NULL)) != -1) {
		switch (c) {
		case 'D':
			ret->foreground = true;
			break;
		case 'd':
			ret->foreground = true;
			ret->debug = true;
			break;
		case 'a':
			ret->socket = optarg;
			break;
		case 'f':
			ret->config = optarg;
			break;
		case 'h':
			printf("%s%s", USAGE, HELP);
			return OPTIONS_DONE;
		case 'V':
			printf("p11-agent %s\n", P11_AGENT_VERSION);
			return OPTIONS_DONE;
		default:
			fprintf(stderr, "%s", USAGE);
			return OPTIONS_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "p11-agent: what is \"%s\"?\n%s",
		    argv[optind], USAGE);
		return OPTIONS_USAGE;
	}
	if (!ret->foreground) {
		fprintf(stderr, "p11-agent: run it with -D, in the "
		    "foreground\n%s", USAGE);
		return OPTIONS_USAGE;
	}
	return OPTIONS_RUN;
}
