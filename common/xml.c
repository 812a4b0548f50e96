/* SPDX-License-Identifier: BSD-2-Clause */
/* The three characters that markup begins or ends with. */
#include "common/xml.h"

void
xml_put_text(struct buffer *out, struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		switch (text.p[i]) {
		case '&':
			buffer_put(out, bytes_str("&amp;"));
			break;
		case '<':
			buffer_put(out, bytes_str("&lt;"));
			break;
		case '>':
			buffer_put(out, bytes_str("&gt;"));
			break;
		default:
			buffer_put_u8(out, text.p[i]);
		}
}
