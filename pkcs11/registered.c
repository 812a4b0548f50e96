/* SPDX-License-Identifier: BSD-2-Clause */
/* Modules that p11-kit has registered, by p11-kit's own loader. */
#include "pkcs11/registered.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* p11_kit_set_progname, which all releases since 0.18 have. */
#define P11_KIT_FUTURE_UNSTABLE_API 1
#include <p11-kit/p11-kit.h>

#include "common/cleanup.h"
#include "config.h"

/* Our name in enable-in and disable-in of pkcs11.conf(5). */
static const char program_name[] = "p11-agent";

/* Packages' files, and the administrator's. */
static const char *const system_folders[] = {
	P11_KIT_MODULE_CONFIGS,
	P11_KIT_SYSTEM_CONFIGS,
	NULL,
};

CK_FUNCTION_LIST **
registered_load(struct p11_err *err)
{
	CK_FUNCTION_LIST **modules;
	const char *why;

	p11_kit_set_progname(program_name);
	/* Managed: without that p11-kit gives none that has `remote`. */
	if ((modules = p11_kit_modules_load(NULL, 0)) != NULL)
		return modules;
	why = p11_kit_message();
	p11_err_set(err, "", CKR_OK, "%s",
	    why == NULL ? "p11-kit gives no reason" : why);
	return NULL;
}

static bool
is_remote(CK_FUNCTION_LIST *module, struct bytes want)
{
	CLEANUP(cleanup_free) char *name = p11_kit_module_get_name(module);
	CLEANUP(cleanup_free) char *remote =
	    p11_kit_config_option(module, "remote");

	return name != NULL && remote != NULL &&
	    bytes_equal(bytes_str(name), want);
}

CK_FUNCTION_LIST *
registered_load_remote(struct bytes name, struct p11_err *err)
{
	CK_FUNCTION_LIST **modules = registered_load(err);

	for (; modules != NULL && *modules != NULL; modules++)
		if (is_remote(*modules, name))
			return *modules;
	if (modules != NULL)
		p11_err_set(err, "", CKR_OK, "no module %.*s with `remote` is "
		    "registered with p11-kit any more", (int)name.len,
		    (const char *)name.p);
	return NULL;
}

/* A view without white space at both ends. */
static struct bytes
trimmed(const char *p, size_t len)
{
	static const char white[] = " \t\r\n";

	while (len > 0 && strchr(white, p[0]) != NULL) {
		p++;
		len--;
	}
	while (len > 0 && strchr(white, p[len - 1]) != NULL)
		len--;
	return bytes_of(p, len);
}

/* Is it "remote: VALUE"? */
static bool
line_is(const char *line, const char *remote)
{
	const char *colon = strchr(line, ':');

	return colon != NULL && line[0] != '#' &&
	    bytes_is(trimmed(line, (size_t)(colon - line)), "remote") &&
	    bytes_equal(trimmed(colon + 1, strlen(colon + 1)),
	    trimmed(remote, strlen(remote)));
}

static bool
file_says(const char *path, const char *remote)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (f != NULL && !found && getline(&line, &size, f) > 0)
		found = line_is(line, remote);
	free(line);
	if (f != NULL)
		fclose(f);
	return found;
}

bool
registered_in(const char *const *folders, const char *name, const char *remote)
{
	for (; *folders != NULL; folders++) {
		char path[PATH_MAX_BYTES];
		int len = snprintf(path, sizeof(path), "%s/%s.module",
		    *folders, name);

		if (len > 0 && (size_t)len < sizeof(path) &&
		    (*folders)[0] != '\0' && file_says(path, remote))
			return true;
	}
	return false;
}

bool
registered_by_system(const char *name, const char *remote)
{
	return registered_in(system_folders, name, remote);
}
