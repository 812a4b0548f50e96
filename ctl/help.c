/* SPDX-License-Identifier: BSD-2-Clause */
/* The help of each command, 80 columns wide. */
#include "ctl/help.h"

#include <stddef.h>
#include <string.h>

#define KEY_WORDS                                                           \
	"KEY is a section's name, the token's label for the key, a SHA256\n" \
	"fingerprint or an unambiguous start of it (4 characters or more), or\n" \
	"a .pub file.\n"

static const struct {
	const char *command;
	const char *text;
} texts[] = {
    {"status",
	"usage: p11-agentctl status [--json]\n"
	"\n"
	"Show the agent, the config files that it read, its providers and\n"
	"tokens, and what went wrong last with each.\n"},
    {"keys",
	"usage: p11-agentctl keys [--json]\n"
	"\n"
	"Show every key of every token. A key with a * is exposed, and the\n"
	"number is its place in the list that connections see; the others say\n"
	"why they are not. For a token without a key it shows the commands that\n"
	"make one.\n"},
    {"allow",
	"usage: p11-agentctl allow KEY [NAME]\n"
	"\n"
	"Expose a key: write a key section for it into allowed.conf (in\n"
	"${XDG_CONFIG_HOME:-~/.config}/p11-agent), reload the config, and show\n"
	"what connections see of it now. NAME is the section's title and the\n"
	"key's comment in ssh-add -L; without it, it is the key's label.\n"
	"\n" KEY_WORDS
	"\n"
	"Your own p11-agent.conf is never changed. Where a section there denies\n"
	"the key, its file and line are printed, and nothing is written.\n"},
    {"deny",
	"usage: p11-agentctl deny KEY\n"
	"\n"
	"Expose a key no longer, whatever other sections say: write a section\n"
	"with deny = yes into allowed.conf, in the place of the one that\n"
	"`p11-agentctl allow` wrote, and reload the config.\n"
	"\n" KEY_WORDS},
    {"export",
	"usage: p11-agentctl export [KEY ...] [--authorized-keys |\n"
	"                           --allowed-signers PRINCIPAL | --pub FOLDER]\n"
	"\n"
	"Print public keys: those named, else those that are exposed.\n"
	"\n"
	"  --authorized-keys   lines for a server's authorized_keys (default)\n"
	"  --allowed-signers PRINCIPAL\n"
	"                      lines for git's gpg.ssh.allowedSignersFile; the\n"
	"                      PRINCIPAL is your e-mail address there\n"
	"  --pub FOLDER        a .pub file for each, such as IdentityFile and\n"
	"                      git's user.signingKey name; a file that another\n"
	"                      key has is left alone\n"
	"\n" KEY_WORDS},
    {"unlock",
	"usage: p11-agentctl unlock [TOKEN] [--stdin]\n"
	"\n"
	"Log in to a token: ask for its PIN on the terminal and give it to the\n"
	"agent. TOKEN is its label, its serial or its name in `p11-agentctl\n"
	"status`; it may be left out when one token waits for a PIN. A wrong PIN\n"
	"is asked for again, three times in all, and the same wrong PIN is not\n"
	"sent twice. What may be the last try wants a `yes` first.\n"
	"\n"
	"  --stdin   the PIN is the first line of standard input; it is tried\n"
	"            once, and never on what may be the last try\n"},
    {"lock",
	"usage: p11-agentctl lock [--json]\n"
	"\n"
	"Log out of all tokens, wipe what there is of PINs, and end the processes\n"
	"that may hold a copy. The keys stay listed; the next signature asks for\n"
	"the PIN.\n"},
    {"release",
	"usage: p11-agentctl release [TOKEN] [--json]\n"
	"\n"
	"Let go of a token, so that another program may have it for itself (GnuPG\n"
	"wants that): end the process that serves it, as soon as it has made the\n"
	"signatures that it was asked for. Without TOKEN, of all tokens. TOKEN is\n"
	"its label, its serial or its name in `p11-agentctl status`.\n"
	"\n"
	"The keys stay listed, and the next signature takes the token again. A\n"
	"PIN that keep-pin keeps stays (`p11-agentctl lock` wipes it).\n"},
    {"watch",
	"usage: p11-agentctl watch [--json]\n"
	"\n"
	"Show what happens, a line each, until interrupted: tokens that come and\n"
	"go, logins and their ends, prompts, wrong PINs, signatures and who asked\n"
	"for them, processes, config files that are read. Who reads too slowly\n"
	"is told how many events were lost.\n"
	"\n"
	"  --json   one JSON object a line\n"},
    {"reload",
	"usage: p11-agentctl reload [--json]\n"
	"\n"
	"Have the agent read its config again and look at its tokens anew. A\n"
	"config with an error changes nothing: the error is printed.\n"},
    {"env",
	"usage: p11-agentctl env [-s | -c | --fish]\n"
	"\n"
	"Print what a shell evaluates to use the agent:\n"
	"    eval \"$(p11-agentctl env)\"\n"
	"For the shell that SHELL names, unless told otherwise. In a login over\n"
	"SSH that brought an agent along, that one stays.\n"
	"\n"
	"  -s       for sh, bash, zsh and their kin\n"
	"  -c       for csh\n"
	"  --fish   for fish\n"},
    {"setup",
	"usage: p11-agentctl setup [--undo] [--yes]\n"
	"\n"
	"Have the agent started on demand, and SSH_AUTH_SOCK point at it in all of\n"
	"your programs, from the next login on: by the user manager of systemd, or\n"
	"by launchd and ~/.ssh/config on macOS. Shows first who has SSH_AUTH_SOCK\n"
	"now and every change, and makes none before you type yes.\n"
	"\n"
	"  --undo   take all of it back\n"
	"  --yes    do not ask\n"},
    {"check-config",
	"usage: p11-agentctl check-config [FILE]\n"
	"\n"
	"Read the config as the agent would, without one, and say what is in it\n"
	"or where it is wrong. With a FILE, only that file. What is accepted but\n"
	"hardly meant, such as a module that is not there, is a warning.\n"},
    {"help",
	"usage: p11-agentctl help [COMMAND]\n"
	"\n"
	"Show all commands, or what one does.\n"},
};

const char *
help_text(const char *command)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(texts[i].command, command) == 0)
			return texts[i].text;
	return NULL;
}
