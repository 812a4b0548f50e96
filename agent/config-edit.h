/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside p11-agent-config: changing allowed.conf, the one file that
 * p11-agentctl writes. Sections are taken out and put in as text, so that
 * what a person wrote around them stays.
 */
#ifndef P11_AGENT_AGENT_CONFIG_EDIT_H
#define P11_AGENT_AGENT_CONFIG_EDIT_H

#include "agent/config-load.h"

/* A key that is to be allowed, or denied; everything is borrowed. */
struct config_edit {
	const char *name;	 /* the title that is wanted */
	const char *fingerprint; /* "SHA256:…" */
	const char *uri;	 /* NULL: deny */
	/* "TYPE BASE64 …", to be stored and named by `file`; or NULL. */
	const char *public_key;
};

struct config_edited {
	char *path;  /* allowed.conf, as the config names it; owned */
	char *title; /* the section's; owned */
};

void config_edited_clear(struct config_edited *d);

/*
 * Write the section in the place of those that allowed.conf has for the same
 * key (allow: with the same URI, or denying it; deny: all of them). False
 * with l->error set, and nothing changed, also when the person's or the
 * system's file stands against it; l is fresh. *ret is the caller's to clear,
 * also then.
 */
bool config_edit(struct config_loader *l, const struct config_edit *e,
    struct config_edited *ret);

#endif
