/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads one module and initialises it. */
#include "pkcs11/module.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>

#include <p11-kit/p11-kit.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "pkcs11/module-path.h"

/*
 * NSS softokn's own form of CK_C_INITIALIZE_ARGS has its parameters where the
 * standard has pReserved, and one pointer more behind them.
 */
struct init_args {
	CK_C_INITIALIZE_ARGS standard;
	void *nss_reserved;
};

/* What is called here; a module that leaves one NULL would end us. */
#define CALL(name) {#name, offsetof(CK_FUNCTION_LIST, name)}
static const struct {
	const char *name;
	size_t at;
} calls_needed[] = {
	CALL(C_Initialize),
	CALL(C_GetInfo),
	CALL(C_GetSlotList),
	CALL(C_GetSlotInfo),
	CALL(C_GetTokenInfo),
	CALL(C_GetMechanismList),
	CALL(C_GetMechanismInfo),
	CALL(C_WaitForSlotEvent),
	CALL(C_OpenSession),
	CALL(C_CloseSession),
	CALL(C_GetSessionInfo),
	CALL(C_Login),
	CALL(C_GetAttributeValue),
	CALL(C_FindObjectsInit),
	CALL(C_FindObjects),
	CALL(C_FindObjectsFinal),
	CALL(C_SignInit),
	CALL(C_Sign),
};
enum { N_CALLS_NEEDED = sizeof(calls_needed) / sizeof(calls_needed[0]) };

static bool
check_calls(CK_FUNCTION_LIST *calls, struct p11_err *err)
{
	if (calls->version.major < 2)
		return p11_err_set(err, "C_GetFunctionList", CKR_OK,
		    "the module is of PKCS#11 %u.%u, wanted is 2 or later",
		    calls->version.major, calls->version.minor);
	for (size_t i = 0; i < N_CALLS_NEEDED; i++) {
		void *call;

		memcpy(&call, (const char *)calls + calls_needed[i].at,
		    sizeof(call));
		if (call == NULL)
			return p11_err_set(err, "C_GetFunctionList", CKR_OK,
			    "the module has no %s", calls_needed[i].name);
	}
	return true;
}

/*
 * Unmanaged: p11-kit's own bookkeeping is for modules that several parts of
 * a program share, and costs a look-up each call. Its message has the
 * linker's words.
 */
static bool
load(struct module *m, struct p11_err *err)
{
	const char *why;

	p11_kit_be_quiet();
	m->calls = p11_kit_module_load(m->real_path, P11_KIT_MODULE_UNMANAGED);
	if (m->calls != NULL)
		return check_calls(m->calls, err);
	if ((why = p11_kit_message()) == NULL)
		why = "the module cannot be loaded";
	return p11_err_set(err, "", CKR_OK, "%s", why);
}

static bool
initialize(struct module *m, struct p11_err *err)
{
	struct init_args args = {
		.standard = {
			.flags = CKF_OS_LOCKING_OK,
			.pReserved = m->init_args,
		},
	};
	CK_RV rv = m->calls->C_Initialize(&args.standard);

	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return p11_err_set(err, "C_Initialize", rv, NULL);
	return true;
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
open_all(struct module *m, struct bytes module, struct bytes init_args,
    struct p11_err *err)
{
	CLEANUP(cleanup_free) char *name = bytes_strdup(module);

	if (name == NULL)
		return p11_err_set(
		    err, "", CKR_OK, "the module's name cannot be used");
	if (init_args.len > 0 &&
	    (m->init_args = bytes_strdup(init_args)) == NULL)
		return p11_err_set(
		    err, "", CKR_OK, "the module's arguments cannot be used");
	return (m->real_path = module_path_resolve(name, err)) != NULL &&
	    load(m, err) && initialize(m, err);
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
module_open(struct module *m, struct bytes module, struct bytes init_args,
    struct p11_err *err)
{
	*m = (struct module){0};
	if (!open_all(m, module, init_args, err)) {
		free(m->real_path);
		m->real_path = NULL;
		return false;
	}
	get_info(m);
	m->pcsc = has_pcsc();
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
