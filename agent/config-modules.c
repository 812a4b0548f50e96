/* SPDX-License-Identifier: BSD-2-Clause */
/* Are the providers' modules there? */
#include "agent/config-modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "config.h"
#include "pkcs11/module-path.h"

static bool
is_in(const char *folder, const char *below, const char *name)
{
	char path[PATH_MAX_BYTES];
	int n = snprintf(
	    path, sizeof(path), "%s%s/%s.module", folder, below, name);

	return n > 0 && (size_t)n < sizeof(path) && access(path, F_OK) == 0;
}

/* By its file, without asking p11-kit, which would load all modules. */
static bool
is_registered(const char *name)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (is_in(P11_KIT_MODULE_CONFIGS, "", name) ||
	    is_in(P11_KIT_SYSTEM_CONFIGS, "", name))
		return true;
	/* Of root's own folder p11-kit reads nothing. */
	if (geteuid() == 0)
		return false;
	if (config != NULL && config[0] == '/')
		return is_in(config, "/pkcs11/modules", name);
	return home != NULL && is_in(home, "/.config/pkcs11/modules", name);
}

void
config_modules_check(struct config_loader *l)
{
	for (size_t i = 0; i < l->config->n_providers; i++) {
		const struct config_provider *p = &l->config->providers[i];
		CLEANUP(cleanup_free) char *path = NULL;
		bool is_file = strchr(p->module, '/') != NULL;
		struct p11_err err = {.call = ""};

		if ((!is_file && is_registered(p->module)) ||
		    (path = module_path_resolve(p->module, &err)) != NULL)
			continue;
		config_warn(l, p->place.file, p->place.line,
		    "provider \"%s\" has no module, and so no keys: %s%s",
		    p->name, err.text,
		    is_file ? "" : "; nor is that a name that p11-kit has "
				   "registered");
	}
}
