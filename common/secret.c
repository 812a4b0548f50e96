/* SPDX-License-Identifier: BSD-2-Clause */
/* Secrets on locked, undumpable, wiped pages. */
#include "common/secret.h"

#include <sys/mman.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/wipe.h"

struct secret {
	size_t len;
	uint8_t p[];
};

static size_t
page_bytes(void)
{
	long n = sysconf(_SC_PAGESIZE);

	return n > 0 ? (size_t)n : 4096;
}

struct secret *
secret_new(struct bytes b)
{
	size_t page = page_bytes();
	struct secret *s;
	uint8_t *base;

	if (b.len > SECRET_MAX_BYTES || b.len > page - sizeof(*s))
		return NULL;
	base = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	    0);
	if (base == MAP_FAILED)
		return NULL;
	if (mprotect(base + page, page, PROT_READ | PROT_WRITE) != 0) {
		munmap(base, 3 * page);
		return NULL;
	}
	/* Best effort: RLIMIT_MEMLOCK may be 0, and no swap is the rule. */
	(void)mlock(base + page, page);
#ifdef MADV_DONTDUMP
	(void)madvise(base + page, page, MADV_DONTDUMP);
#endif
	s = (struct secret *)(void *)(base + page);
	s->len = b.len;
	if (b.len != 0)
		copy_bytewise(s->p, b.p, b.len);
	return s;
}

struct secret *
secret_free(struct secret *s)
{
	size_t page = page_bytes();

	if (s != NULL) {
		wipe(s, sizeof(*s) + s->len);
		munmap((uint8_t *)s - page, 3 * page);
	}
	return NULL;
}

void
secret_freep(struct secret **s)
{
	*s = secret_free(*s);
}

struct bytes
secret_bytes(const struct secret *s)
{
	return s == NULL ? BYTES_NONE : bytes_of(s->p, s->len);
}

bool
secret_equal(const struct secret *a, const struct secret *b)
{
	const volatile uint8_t *p, *q;
	uint8_t diff = 0;

	if (a == NULL || b == NULL || a->len != b->len)
		return false;
	/* Compare one byte at a time: see copy_bytewise. */
	p = a->p;
	q = b->p;
	for (size_t i = 0; i < a->len; i++)
		diff |= p[i] ^ q[i];
	return diff == 0;
}
