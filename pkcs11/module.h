/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PKCS#11 module, loaded and initialised, for use by several threads if
 * it can be. A process loads one, once, and never finalises it beside other
 * threads: it exits instead.
 */
#ifndef P11_AGENT_PKCS11_MODULE_H
#define P11_AGENT_PKCS11_MODULE_H

#include "pkcs11/error.h"

/*
 * NSS softokn's own form of CK_C_INITIALIZE_ARGS has its parameters where the
 * standard has pReserved, and one pointer more behind them.
 */
struct module_init {
	CK_C_INITIALIZE_ARGS standard;
	void *nss_reserved;
};

struct module {
	char *real_path;	  /* owned; NULL for one that p11-kit runs */
	CK_FUNCTION_LIST *calls;  /* = &filled */
	CK_FUNCTION_LIST filled;  /* without a NULL: see module-calls.h */
	CK_INFO info;		  /* blank where C_GetInfo failed */
	struct bytes description; /* views of info, unpadded */
	struct bytes manufacturer;
	char *init_args; /* owned; modules may keep both pointers */
	struct module_init init;
	bool pcsc;	 /* it has loaded PC/SC's library */
	bool one_thread; /* it cannot lock: one call at a time */
};

/*
 * Find (module-path.h), load and C_Initialize a module, a bare file name or
 * an absolute path; or the one that p11-kit runs by this name. init_args is
 * handed to it as pReserved (NSS softokn wants "configdir=… certPrefix=…"),
 * NULL when empty. *m must stay where it is. False with *err filled; the
 * process can then do nothing better than end.
 */
bool module_open(struct module *m, const struct wire_start *start,
    struct p11_err *err);

/* What the daemon is told of it; *ret borrows from m. */
void module_wire(const struct module *m, struct wire_module *ret);

#endif
