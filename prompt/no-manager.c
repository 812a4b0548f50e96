/* SPDX-License-Identifier: BSD-2-Clause */
/* Without D-Bus there is no user manager to ask. */
#include "prompt/manager.h"

void
manager_environment(const struct environment *e, struct buffer *out)
{
	(void)e;
	(void)out;
}
