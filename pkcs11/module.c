/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads one module and initialises it. */
#include "pkcs11/module.h"

#include <dlfcn.h>
#include <stdlib.h>

#include <p11-kit/p11-kit.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "pkcs11/module-calls.h"
#include "pkcs11/module-path.h"
#include "pkcs11/mutex.h"
#include "pkcs11/registered.h"

/*
 * Unmanaged: p11-kit's own bookkeeping is for modules that several parts of
 * a program share, and costs a look-up each call. Its message has the
 * linker's words.
 */
static CK_FUNCTION_LIST *
load_file(const char *real_path, struct p11_err *err)
{
	CK_FUNCTION_LIST *calls = p11_kit_module_load(real_path,
	    P11_KIT_MODULE_UNMANAGED);
	const char *why;

	if (calls == NULL) {
		if ((why = p11_kit_message()) == NULL)
			why = "the module cannot be loaded";
		p11_err_set(err, "", CKR_OK, "%s", why);
	}
	return calls;
}

static CK_FUNCTION_LIST *
load(struct module *m, const struct wire_start *start, struct p11_err *err)
{
	CLEANUP(cleanup_free) char *name = bytes_strdup(start->module);

	p11_kit_be_quiet();
	if (name == NULL) {
		p11_err_set(err, "", CKR_OK, "the module's name cannot be "
		    "used");
		return NULL;
	}
	if (start->remote)
		return registered_load_remote(start->module, err);
	m->real_path = module_path_resolve(name, err);
	return m->real_path == NULL ? NULL : load_file(m->real_path, err);
}

/* CKR_OK also for a module that initialised itself. */
static CK_RV
initialize_with(struct module *m, CK_FLAGS flags, bool offer)
{
	CK_C_INITIALIZE_ARGS *args = &m->init.standard;
	CK_RV rv;

	m->init = (struct module_init){.standard = {
		.flags = flags, .pReserved = m->init_args,
	}};
	if (offer)
		mutex_offer(args);
	/* Without any argument, as ssh-agent does it. */
	if (flags == 0 && m->init_args == NULL)
		args = NULL;
	rv = m->calls->C_Initialize(args);
	return rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : rv;
}

/*
 * With mutexes of ours or of its own, as the module likes; else with its own;
 * else with none, for one thread at a time. CKR_ARGUMENTS_BAD may be about
 * the mutexes as well. The error is that of the first attempt.
 */
static bool
initialize(struct module *m, struct p11_err *err)
{
	CK_RV rv = initialize_with(m, CKF_OS_LOCKING_OK, true);

	if (rv == CKR_OK)
		return true;
	if (rv == CKR_CANT_LOCK || rv == CKR_ARGUMENTS_BAD) {
		if (initialize_with(m, CKF_OS_LOCKING_OK, false) == CKR_OK)
			return true;
		m->one_thread = initialize_with(m, 0, false) == CKR_OK;
	}
	return m->one_thread || p11_err_set(err, "C_Initialize", rv, NULL);
}

static void
get_info(struct module *m)
{
	if (m->calls->C_GetInfo(&m->info) != CKR_OK)
		memset(&m->info, 0, sizeof(m->info));
	m->description = text_unpad(bytes_of(m->info.libraryDescription,
	    sizeof(m->info.libraryDescription)));
	m->manufacturer = text_unpad(bytes_of(
	    m->info.manufacturerID, sizeof(m->info.manufacturerID)));
}

static bool
open_all(struct module *m, const struct wire_start *start,
    struct p11_err *err)
{
	CK_FUNCTION_LIST *calls;

	if (start->init_args.len > 0 &&
	    (m->init_args = bytes_strdup(start->init_args)) == NULL)
		return p11_err_set(
		    err, "", CKR_OK, "the module's arguments cannot be used");
	if ((calls = load(m, start, err)) == NULL)
		return false;
	m->calls = &m->filled;
	return module_calls_fill(&m->filled, calls, err) && initialize(m, err);
}

/*
 * Its tokens are cards then, also while no reader is there that would show
 * it. Nothing of ours in this process uses PC/SC.
 */
static bool
has_pcsc(void)
{
#ifdef __APPLE__
	static const char library[] =
	    "/System/Library/Frameworks/PCSC.framework/PCSC";
#else
	static const char library[] = "libpcsclite.so.1";
#endif
	void *handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);

	return handle != NULL && dlclose(handle) == 0;
}

bool
module_open(struct module *m, const struct wire_start *start,
    struct p11_err *err)
{
	*m = (struct module){0};
	if (!open_all(m, start, err)) {
		free(m->real_path);
		m->real_path = NULL;
		return false;
	}
	get_info(m);
	/* PC/SC may be that of others, which p11-kit loads for a `remote`. */
	m->pcsc = !start->remote && has_pcsc();
	return true;
}

void
module_wire(const struct module *m, struct wire_module *ret)
{
	ret->real_path = bytes_str(m->real_path);
	ret->description = m->description;
	ret->manufacturer = m->manufacturer;
	ret->pcsc = m->pcsc;
}
