/* SPDX-License-Identifier: BSD-2-Clause */
/* Borrowed views of bytes: comparing and copying them. */
#include "common/bytes.h"

#include <stdlib.h>

int
bytes_compare(struct bytes a, struct bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int r = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (r != 0)
		return r;
	return a.len < b.len ? -1 : a.len > b.len;
}

struct bytes
bytes_number(struct bytes n)
{
	while (n.len > 0 && n.p[0] == 0) {
		n.p++;
		n.len--;
	}
	return n;
}

size_t
bytes_number_bits(struct bytes big_endian)
{
	struct bytes n = bytes_number(big_endian);
	size_t bits = n.len * 8;

	if (n.len > 0)
		for (unsigned top = n.p[0]; top < 0x80; top <<= 1)
			bits--;
	return bits;
}

struct bytes
bytes_until(struct bytes b, uint8_t end)
{
	const volatile uint8_t *p = b.p;
	size_t len = 0;

	while (len < b.len && p[len] != end)
		len++;
	b.len = len;
	return b;
}

char *
bytes_strdup(struct bytes b)
{
	char *s;

	if (bytes_until(b, '\0').len != b.len)
		return NULL;
	if ((s = malloc(b.len + 1)) == NULL)
		return NULL;
	if (b.len != 0)
		memcpy(s, b.p, b.len);
	s[b.len] = '\0';
	return s;
}

bool
bytes_dup(struct bytes b, uint8_t **ret, size_t *ret_len)
{
	uint8_t *p = malloc(b.len == 0 ? 1 : b.len);

	if (p == NULL)
		return false;
	if (b.len != 0)
		memcpy(p, b.p, b.len);
	*ret = p;
	*ret_len = b.len;
	return true;
}
