/* SPDX-License-Identifier: BSD-2-Clause */
/* Where no service manager holds sockets for us. */
#include "common/service.h"

bool
service_take_sockets(struct service_sockets *ret, char *why, size_t size)
{
	(void)why;
	(void)size;
	*ret = SERVICE_SOCKETS_NONE;
	return true;
}
