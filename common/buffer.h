/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A growable buffer that wipes every byte it lets go of, because PINs pass
 * through it; and the writer of SSH-style messages (RFC 4251 section 5).
 *
 * Errors stick: after one failed put (memory out, or more than max bytes)
 * the buffer is `failed`, holds nothing, and every later put does nothing.
 * Check once at the end.
 */
#ifndef P11_AGENT_COMMON_BUFFER_H
#define P11_AGENT_COMMON_BUFFER_H

#include "common/bytes.h"

struct buffer {
	uint8_t *p; /* owned; NULL while nothing was put */
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated */
	size_t max; /* most bytes it may ever hold */
	bool failed;
};

/* An empty buffer of at most max bytes; allocates nothing yet. */
#define BUFFER_INIT(max_bytes) ((struct buffer){.max = (max_bytes)})

/* Wipe and release the memory; the buffer is empty and usable again. */
void buffer_clear(struct buffer *b);

/* For CLEANUP(): the same. */
#define buffer_cleanup buffer_clear

static inline struct bytes
buffer_bytes(const struct buffer *b)
{
	return (struct bytes){b->p, b->len};
}

/*
 * Room for n more bytes behind the content, for a read() into it; call
 * buffer_added with what arrived. NULL, and failed, when there is none.
 */
uint8_t *buffer_room(struct buffer *b, size_t n);
void buffer_added(struct buffer *b, size_t n);

/* Drop the first n bytes (n <= len), wiping what they leave behind. */
void buffer_consume(struct buffer *b, size_t n);

void buffer_put(struct buffer *b, struct bytes raw);
void buffer_put_u8(struct buffer *b, uint8_t v);
void buffer_put_u32(struct buffer *b, uint32_t v);
void buffer_put_u64(struct buffer *b, uint64_t v);
void buffer_put_bool(struct buffer *b, bool v);

/* uint32 length and the bytes; a C string without its NUL (NULL: empty). */
void buffer_put_string(struct buffer *b, struct bytes s);
void buffer_put_cstring(struct buffer *b, const char *s);

/* An unsigned big-endian number as an RFC 4251 mpint. */
void buffer_put_mpint(struct buffer *b, struct bytes big_endian);

/*
 * A string or frame whose length is not known yet: buffer_begin leaves room
 * for it and returns a mark, buffer_end fills it in.
 */
size_t buffer_begin(struct buffer *b);
void buffer_end(struct buffer *b, size_t mark);

#endif
