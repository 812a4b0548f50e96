/* SPDX-License-Identifier: BSD-2-Clause */
/* GnuPG's scdaemon, which takes cards for itself unless it is told not to. */
#ifndef P11_AGENT_PKCS11_SCDAEMON_H
#define P11_AGENT_PKCS11_SCDAEMON_H

#include <stdbool.h>

/* Does one run as our user? False where processes cannot be looked up. */
bool scdaemon_runs(void);

#endif
