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

char *
bytes_strdup(struct bytes b)
{
	char *s;

	if (b.len != 0 && memchr(b.p, '\0', b.len) != NULL)
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
