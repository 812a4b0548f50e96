/* SPDX-License-Identifier: BSD-2-Clause */
/* The wiping buffer and the writer of SSH-style messages. */
#include "common/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "common/endian.h"
#include "common/wipe.h"

enum { BUFFER_FIRST_BYTES = 256 };

void
buffer_clear(struct buffer *b)
{
	if (b->p != NULL) {
		wipe(b->p, b->cap);
		free(b->p);
	}
	*b = BUFFER_INIT(b->max);
}

static void
buffer_fail(struct buffer *b)
{
	buffer_clear(b);
	b->failed = true;
}

/* Never realloc(): it would leave the old bytes behind, unwiped. */
static bool
buffer_grow(struct buffer *b, size_t need)
{
	size_t cap = b->cap == 0 ? BUFFER_FIRST_BYTES : b->cap;
	uint8_t *p;

	while (cap < need)
		cap *= 2;
	if ((p = malloc(cap)) == NULL)
		return false;
	if (b->p != NULL) {
		copy_bytewise(p, b->p, b->len);
		wipe(b->p, b->cap);
		free(b->p);
	}
	b->p = p;
	b->cap = cap;
	return true;
}

uint8_t *
buffer_room(struct buffer *b, size_t n)
{
	if (b->failed)
		return NULL;
	if (n > b->max || b->len > b->max - n) {
		buffer_fail(b);
		return NULL;
	}
	if ((b->p == NULL || n > b->cap - b->len) &&
	    !buffer_grow(b, b->len + n)) {
		buffer_fail(b);
		return NULL;
	}
	return b->p + b->len;
}

void
buffer_added(struct buffer *b, size_t n)
{
	b->len += n;
}

void
buffer_consume(struct buffer *b, size_t n)
{
	if (n == 0)
		return;
	copy_bytewise(b->p, b->p + n, b->len - n);
	wipe(b->p + b->len - n, n);
	b->len -= n;
}

void
buffer_put(struct buffer *b, struct bytes raw)
{
	uint8_t *room = buffer_room(b, raw.len);

	if (room == NULL || raw.len == 0)
		return;
	copy_bytewise(room, raw.p, raw.len);
	b->len += raw.len;
}

void
buffer_put_u8(struct buffer *b, uint8_t v)
{
	buffer_put(b, bytes_of(&v, 1));
}

void
buffer_put_bool(struct buffer *b, bool v)
{
	buffer_put_u8(b, v ? 1 : 0);
}

void
buffer_put_u32(struct buffer *b, uint32_t v)
{
	uint8_t raw[4];

	put_be32(raw, v);
	buffer_put(b, bytes_of(raw, sizeof(raw)));
}

void
buffer_put_u64(struct buffer *b, uint64_t v)
{
	buffer_put_u32(b, (uint32_t)(v >> 32));
	buffer_put_u32(b, (uint32_t)v);
}

void
buffer_put_string(struct buffer *b, struct bytes s)
{
	if (s.len > UINT32_MAX) {
		buffer_fail(b);
		return;
	}
	buffer_put_u32(b, (uint32_t)s.len);
	buffer_put(b, s);
}

void
buffer_put_cstring(struct buffer *b, const char *s)
{
	buffer_put_string(b, bytes_str(s));
}

void
buffer_put_mpint(struct buffer *b, struct bytes n)
{
	size_t mark = buffer_begin(b);

	n = bytes_number(n);
	if (n.len > 0 && (n.p[0] & 0x80) != 0)
		buffer_put_u8(b, 0);
	buffer_put(b, n);
	buffer_end(b, mark);
}

size_t
buffer_begin(struct buffer *b)
{
	size_t mark = b->len;

	buffer_put_u32(b, 0);
	return mark;
}

void
buffer_end(struct buffer *b, size_t mark)
{
	if (b->failed)
		return;
	put_be32(b->p + mark, (uint32_t)(b->len - mark - 4));
}
