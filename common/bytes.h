/* SPDX-License-Identifier: BSD-2-Clause */
/* A borrowed view of bytes: passed by value, never freed by who holds it. */
#ifndef P11_AGENT_COMMON_BYTES_H
#define P11_AGENT_COMMON_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *p;
	size_t len;
};

#define BYTES_NONE ((struct bytes){NULL, 0})

static inline struct bytes
bytes_of(const void *p, size_t len)
{
	return (struct bytes){p, len};
}

static inline struct bytes
bytes_str(const char *s)
{
	return (struct bytes){(const uint8_t *)s, s == NULL ? 0 : strlen(s)};
}

static inline bool
bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* Is s, without its NUL, exactly these bytes? */
static inline bool
bytes_is(struct bytes a, const char *s)
{
	return bytes_equal(a, bytes_str(s));
}

/*
 * Order by content, then by length: <0, 0, >0 as memcmp.
 */
int bytes_compare(struct bytes a, struct bytes b);

/* A big-endian number without its leading zeros, and how many bits it has. */
struct bytes bytes_number(struct bytes big_endian);
size_t bytes_number_bits(struct bytes big_endian);

/*
 * The part in front of the first such byte; all when there is none. Looks at
 * no byte behind it, and at no two at once, because a PIN may be there.
 */
struct bytes bytes_until(struct bytes b, uint8_t end);

/*
 * A NUL-terminated copy, to be freed by the caller. NULL when memory is out
 * or when the bytes hold a NUL themselves (no silent cut).
 */
char *bytes_strdup(struct bytes b);

/*
 * Copy into *ret (allocated; freed by the caller with free()).
 * False, with *ret untouched, when memory is out. An empty view gives a
 * non-NULL pointer, too.
 */
bool bytes_dup(struct bytes b, uint8_t **ret, size_t *ret_len);

#endif
