/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agentctl reload and lock. */
#include <stdlib.h>

#include "common/cleanup.h"
#include "ctl/client.h"
#include "ctl/show.h"

/* Warn of what the config hardly means, and of modules that do not work. */
static void
warn_of_config(const json_t *status)
{
	const json_t *list = json_object_get(status, "config_warnings");
	const json_t *providers = json_object_get(status, "providers");

	for (size_t i = 0; i < json_array_size(list); i++) {
		CLEANUP(cleanup_free)
		char *text = show_value(json_array_get(list, i));

		if (text != NULL)
			ctl_error("warning: %s", text);
	}
	for (size_t i = 0; i < json_array_size(providers); i++) {
		const json_t *p = json_array_get(providers, i);
		CLEANUP(cleanup_free) char *name = show_text(p, "name");
		CLEANUP(cleanup_free) char *place = show_text(p, "place");
		CLEANUP(cleanup_free) char *error = show_text(p, "error");

		if (name != NULL && error != NULL)
			ctl_error("warning: %s%sprovider \"%s\": %s",
			    place == NULL ? "" : place,
			    place == NULL ? "" : ": ", name, error);
	}
}

static void
show_reloaded(const json_t *status, FILE *out)
{
	const json_t *files = json_object_get(status, "config");
	long long n = (long long)show_number(status, "identities", 0);

	fprintf(out, "the config was read again; %lld allowed key%s here\n", n,
	    n == 1 ? " is" : "s are");
	warn_of_config(status);
	if (json_array_size(files) == 0)
		fputs("there is no config file\n", out);
	for (size_t i = 0; i < json_array_size(files); i++) {
		CLEANUP(cleanup_free)
		char *file = show_value(json_array_get(files, i));

		if (file != NULL)
			fprintf(out, "    %s\n", file);
	}
}

enum ctl_exit
ctl_reload(const struct ctl *c)
{
	return client_show(c, show_reloaded);
}

static void
show_locked(const json_t *document, FILE *out)
{
	long long n = (long long)show_number(document, "locked", 0);

	if (n == 0)
		fputs("no token was logged in; nothing of a PIN is left\n",
		    out);
	else
		fprintf(out, "%lld token%s logged out, and the PIN%s wiped\n",
		    n, n == 1 ? "" : "s", n == 1 ? "" : "s");
}

enum ctl_exit
ctl_lock(const struct ctl *c)
{
	return client_show(c, show_locked);
}
