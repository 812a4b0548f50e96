/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One PKCS#11 module, loaded and initialised for use by several threads. A
 * process loads one, once, and never finalises it beside other threads: it
 * exits instead.
 */
#ifndef P11_AGENT_PKCS11_MODULE_H
#define P11_AGENT_PKCS11_MODULE_H

#include "pkcs11/error.h"

struct module {
	char *real_path;	  /* owned */
	CK_FUNCTION_LIST *calls;  /* the module's C_ functions; all are there */
	CK_INFO info;		  /* blank where C_GetInfo failed */
	struct bytes description; /* views of info, unpadded */
	struct bytes manufacturer;
	char *init_args; /* owned; modules may keep the pointer */
	bool pcsc;	 /* it has loaded PC/SC's library */
};

/*
 * Find (module-path.h), load and C_Initialize a module, a bare file name or
 * an absolute path. init_args is handed to it as pReserved (NSS softokn wants
 * "configdir=… certPrefix=…"), NULL when empty. *m must stay where it is.
 * False with *err filled; the process can then do nothing better than end.
 */
bool module_open(struct module *m, struct bytes module, struct bytes init_args,
    struct p11_err *err);

/* What the daemon is told of it; *ret borrows from m. */
void module_wire(const struct module *m, struct wire_module *ret);

#endif
