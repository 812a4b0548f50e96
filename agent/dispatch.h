/* SPDX-License-Identifier: BSD-2-Clause */
/* From the bytes of a request to the handler that answers it. */
#ifndef P11_AGENT_AGENT_DISPATCH_H
#define P11_AGENT_AGENT_DISPATCH_H

#include "agent/client.h"

/*
 * Answer one request (type byte and body, borrowed), now or later. The
 * client may be gone when this returns.
 */
void dispatch(struct reply *r, struct bytes message);

#endif
