/* SPDX-License-Identifier: BSD-2-Clause */
/* Without D-Bus: no notices, and no user manager to ask. */
#include "prompt/manager.h"
#include "prompt/notice.h"

void
manager_environment(const struct environment *e, struct buffer *out)
{
	(void)e;
	(void)out;
}

struct notice *
notice_show(struct asking *a)
{
	source_cannot(a, "this p11-agent was built without D-Bus");
	return NULL;
}

void
notice_close(struct notice *n)
{
	(void)n;
}
