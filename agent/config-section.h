/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside p11-agent-config: which settings there are, one table row each, and
 * what they do to a struct config. libConfuse is not seen here.
 */
#ifndef P11_AGENT_AGENT_CONFIG_SECTION_H
#define P11_AGENT_AGENT_CONFIG_SECTION_H

#include "agent/config-load.h"

/* The section that is being read, as far as it was read. */
struct config_section {
	struct config_loader *l;
	const char *file;
	uint32_t line; /* of the value that is being set */
	struct config_provider provider;
	struct config_token token;
	struct config_key key;
	bool token_has_uri;
};

/* A setting with what stands for it in the file. */
struct config_values {
	const char *name;
	char *const *v;
	size_t n; /* 1 unless it is a list */
};

struct config_setting {
	const char *name;
	bool list; /* { "a", "b" } */
	/* May be called again: the later one wins. False: l->error is set. */
	bool (*set)(struct config_section *s, const struct config_values *v);
	const char *type;     /* in words, for p11-agent.conf(5) */
	const char *fallback; /* what holds without it, in words */
};

struct config_section_type {
	const char *name;
	const struct config_setting *settings; /* up to a NULL name */
	/* It is whole: check it, move it to the config. */
	bool (*finish)(
	    struct config_section *s, const char *title, uint32_t line);
};

/* The settings outside of sections, and the sections up to a NULL name. */
extern const struct config_setting config_settings[];
extern const struct config_setting config_provider_settings[];
extern const struct config_setting config_token_settings[];
extern const struct config_setting config_key_settings[];
extern const struct config_section_type config_section_types[];

void config_section_clear(struct config_section *s);

/* A copy of text replaces *to; false when memory is out. */
bool config_set_text(struct config_section *s, char **to, const char *text);

/* In settings, by name; NULL. */
const struct config_setting *config_setting_find(
    const struct config_setting *settings, const char *name);

/* By name; NULL. */
const struct config_section_type *config_section_type_find(const char *name);

#endif
