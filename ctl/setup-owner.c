/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Agents by where they put their sockets. (The peer of a socket that systemd
 * listens on is systemd, so its process would say less.)
 */
#include "ctl/setup-owner.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *part; /* of the path */
	struct setup_owner owner;
} owners[] = {
    {"/p11-agent/agent.sock", {"p11-agent", NULL}},
    {"/.p11-agent/agent.sock", {"p11-agent", NULL}},
    {"/gcr/ssh", {"GNOME's gcr-ssh-agent",
	"systemctl --user mask gcr-ssh-agent.socket gcr-ssh-agent.service"}},
    {"/keyring/ssh", {"gnome-keyring",
	"copy /etc/xdg/autostart/gnome-keyring-ssh.desktop to "
	"~/.config/autostart and add the line Hidden=true"}},
    {"/.gcr/ssh", {"gnome-keyring", NULL}},
    {"/S.gpg-agent.ssh", {"GnuPG's gpg-agent",
	"systemctl --user mask gpg-agent-ssh.socket, and no "
	"enable-ssh-support in ~/.gnupg/gpg-agent.conf"}},
    {"/com.apple.launchd.", {"Apple's ssh-agent, which launchd starts",
	"nothing: ssh asks p11-agent first (IdentityAgent)"}},
    {"/openssh_agent", {"OpenSSH's ssh-agent, as a user service",
	"systemctl --user mask ssh-agent.service ssh-agent.socket"}},
    {"/.ssh/agent/", {"OpenSSH's ssh-agent, or a forwarded agent", NULL}},
    {"/tmp/ssh-", {"OpenSSH's ssh-agent, or a forwarded agent",
	"where a login starts it: no use-ssh-agent in "
	"/etc/X11/Xsession.options, no ssh-agent in your startup files"}},
};

struct setup_owner
setup_owner_of(const char *socket)
{
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
		if (strstr(socket, owners[i].part) != NULL)
			return owners[i].owner;
	return (struct setup_owner){"an agent that is not known here", NULL};
}
