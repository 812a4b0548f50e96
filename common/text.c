/* SPDX-License-Identifier: BSD-2-Clause */
/* Text from outside, made fit to be shown. */
#include "common/text.h"

/*
 * Length of the UTF-8 character at p, at most n bytes away; 0 when it is no
 * valid one (overlong, surrogate, cut). *ret gets its code point.
 */
static size_t
utf8_length(const uint8_t *p, size_t n, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = p[0] < 0x80   ? 1
	    : (p[0] & 0xe0) == 0xc0 ? 2
	    : (p[0] & 0xf0) == 0xe0 ? 3
	    : (p[0] & 0xf8) == 0xf0 ? 4
				    : 0;
	uint32_t c;

	if (len == 0 || len > n)
		return 0;
	c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return len;
}

/* Controls, and what turns the direction of the text around it. */
static bool
is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c ||
	    (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069);
}

char *
text_printable(struct bytes text, char *out, size_t size)
{
	size_t at = 0;

	while (text.len > 0) {
		uint32_t c = 0;
		size_t n = utf8_length(text.p, text.len, &c);
		bool shown = n != 0 && !is_control(c);
		size_t width = shown ? n : 1;

		if (at + width >= size)
			break;
		if (shown)
			memcpy(out + at, text.p, n);
		else
			out[at] = '?';
		at += width;
		n = n == 0 ? 1 : n;
		text.p += n;
		text.len -= n;
	}
	out[at] = '\0';
	return out;
}

struct bytes
text_unpad(struct bytes field)
{
	while (field.len > 0 && (field.p[field.len - 1] == ' ' ||
				    field.p[field.len - 1] == '\0'))
		field.len--;
	return field;
}

char *
text_hex(struct bytes b, char *out, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;

	for (size_t i = 0; i < b.len && at + 2 < size; i++) {
		out[at++] = digits[b.p[i] >> 4];
		out[at++] = digits[b.p[i] & 15];
	}
	out[at] = '\0';
	return out;
}
