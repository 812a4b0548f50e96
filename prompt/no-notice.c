/* SPDX-License-Identifier: BSD-2-Clause */
/* Without D-Bus there are no notices. */
#include "prompt/notice.h"

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
