/* SPDX-License-Identifier: BSD-2-Clause */
/* One datagram of fields. */
#include "common/journal.h"

#include <stdint.h>
#include <string.h>

enum { LENGTH_BYTES = 8 };

/* Always with a length, little-endian: a value may have more lines. */
static size_t
put_field(char *out, size_t size, const struct journal_field *f)
{
	size_t name = strlen(f->name), value = strlen(f->value);
	char *p = out;

	if (name + value + LENGTH_BYTES + 2 > size)
		return 0;
	memcpy(p, f->name, name);
	p += name;
	*p++ = '\n';
	for (unsigned i = 0; i < LENGTH_BYTES; i++)
		*p++ = (char)((uint64_t)value >> (8 * i) & 0xff);
	memcpy(p, f->value, value);
	p += value;
	*p++ = '\n';
	return (size_t)(p - out);
}

size_t
journal_entry(char *out, size_t size, const struct journal_field *fields,
    size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		if (fields[i].value != NULL)
			len += put_field(out + len, size - len, &fields[i]);
	return len;
}
