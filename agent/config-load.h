/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside p11-agent-config: the reading of one config, file after file. */
#ifndef P11_AGENT_AGENT_CONFIG_LOAD_H
#define P11_AGENT_AGENT_CONFIG_LOAD_H

#include <sys/types.h>

#include "agent/config-child.h"
#include "agent/config-flat.h"

/* A file that is being read, and those that include it. */
struct config_source {
	const char *path; /* as messages name it; borrowed */
	dev_t dev;
	ino_t ino;
	bool is_allowed; /* p11-agentctl's own allowed.conf */
	const struct config_source *parent; /* or NULL */
};

struct config_loader {
	struct config *config; /* owned; never NULL */
	/* The first error, "FILE:LINE: what"; "" while there is none. */
	char error[CONFIG_ERROR_MAX_BYTES];
};

/* False when memory is out. */
bool config_loader_init(struct config_loader *l);
void config_loader_clear(struct config_loader *l);

/*
 * Record an error unless there is one. file may be NULL, line 0: they are
 * left out. Always false, so that a caller can return it.
 */
__attribute__((format(printf, 4, 5))) bool config_fail(struct config_loader *l,
    const char *file, uint32_t line, const char *format, ...);

/*
 * Say of something that is accepted that it is hardly meant. Those behind the
 * first CONFIG_WARNINGS_MAX are left out.
 */
__attribute__((format(printf, 4, 5))) void config_warn(struct config_loader *l,
    const char *file, uint32_t line, const char *format, ...);

/* config_fail with "out of memory". */
bool config_fail_memory(struct config_loader *l);

/*
 * Read FILE alone; or, where it is NULL, the system's file, the person's and
 * allowed.conf, each if it is there. False with l->error set.
 */
bool config_load(struct config_loader *l, const char *file);

/*
 * As without a FILE, with `text` in the place of what allowed.conf (at `path`)
 * has: what a daemon would say of it.
 */
bool config_load_allowed(
    struct config_loader *l, const char *path, struct bytes text);

/*
 * Read what an include("name") in `parent` at this line names; relative names
 * are beside the parent.
 */
bool config_load_include(struct config_loader *l,
    const struct config_source *parent, uint32_t line, const char *name);

#endif
