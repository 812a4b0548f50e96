/* SPDX-License-Identifier: BSD-2-Clause */
/* Text inside of markup. */
#ifndef P11_AGENT_COMMON_XML_H
#define P11_AGENT_COMMON_XML_H

#include "common/buffer.h"

/* As it stands between two tags: its own &, < and > mean nothing there. */
void xml_put_text(struct buffer *out, struct bytes text);

#endif
