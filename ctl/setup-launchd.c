/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * On macOS no environment reaches the programs of the desktop reliably, and
 * Apple's own agent owns SSH_AUTH_SOCK. So ssh is told by its config, and
 * the programs that look at the variable by launchctl setenv, as far as they
 * are started later.
 */
#include "ctl/setup-steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/xml.h"

enum { PLIST_MAX_BYTES = 64 * 1024 };

#define MADE_BY "# Made by `p11-agentctl setup`; `setup --undo` removes it.\n"

/* A login over SSH keeps the agent that came with it. */
static const char ssh_config[] = MADE_BY
    "Match exec \"sh -c 'case $SSH_CONNECTION in ?*) exit 1; esac'\"\n"
    "\tIdentityAgent ~/.p11-agent/agent.sock\n";

static const char include[] = "Include ~/.ssh/p11-agent.conf\n";

/* The template with what its names stand for; the caller's. */
static char *
fill_plist(struct setup_plan *p, const struct setup_place *at)
{
	CLEANUP(buffer_cleanup) struct buffer out = BUFFER_INIT(PLIST_MAX_BYTES);
	CLEANUP(cleanup_free) char *log =
	    setup_text(p, "%s/Library/Logs/p11-agent.log", at->home);
	const struct {
		const char *name, *value;
	} names[] = {{"@PROGRAM@", at->agent}, {"@SOCKET@", at->socket},
	    {"@LOG@", log}};
	const char *rest = at->plist;
	char *text;

	while (log != NULL && *rest != '\0') {
		size_t i = 0, n = sizeof(names) / sizeof(names[0]);

		while (i < n && strncmp(rest, names[i].name,
		    strlen(names[i].name)) != 0)
			i++;
		if (i == n) {
			buffer_put_u8(&out, (uint8_t)*rest++);
			continue;
		}
		xml_put_text(&out, bytes_str(names[i].value));
		rest += strlen(names[i].name);
	}
	text = out.failed ? NULL : bytes_strdup(buffer_bytes(&out));
	p->failed |= text == NULL;
	return text;
}

void
setup_plan_launchd(struct setup_plan *p, const struct setup_place *at)
{
	static const char *const unsetenv[] = {"launchctl", "unsetenv",
	    "SSH_AUTH_SOCK", NULL};
	char *job = setup_text(p, "%s/Library/LaunchAgents/org.p11-agent.plist",
	    at->home);
	char *domain = setup_text(p, "gui/%lu", (unsigned long)at->uid);
	char *service = setup_text(p, "gui/%lu/org.p11-agent",
	    (unsigned long)at->uid);
	const char *const setenv[] = {"launchctl", "setenv", "SSH_AUTH_SOCK",
	    at->socket, NULL};
	const char *const bootstrap[] = {"launchctl", "bootstrap", domain, job,
	    NULL};
	const char *const bootout[] = {"launchctl", "bootout", service, NULL};

	setup_add_text(p, SETUP_FILE,
	    setup_text(p, "%s/.ssh/p11-agent.conf", at->home),
	    setup_text(p, "%s", ssh_config));
	setup_add_text(p, SETUP_TOP, setup_text(p, "%s/.ssh/config", at->home),
	    setup_text(p, "%s", include));
	setup_add_text(p, SETUP_FILE, setup_text(p, "%s", job),
	    fill_plist(p, at));
	setup_add_run(p, bootstrap, bootout);
	setup_add_run(p, setenv, setup_unset(at, unsetenv));
	free(job);
	free(domain);
	free(service);
}
