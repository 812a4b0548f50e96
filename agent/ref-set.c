/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys by their references: open addressing, at most half full. */
#include "agent/ref-set.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/wire.h"

bool
ref_set_init(struct ref_set *s, size_t n)
{
	struct ref_set new = {.size = 2, .shift = 63};

	while (new.size < 2 * n) {
		new.size *= 2;
		new.shift--;
	}
	/* References are hashes: only whoever chose them could be evil. */
	if (RAND_bytes((unsigned char *)&new.factor,
	    sizeof(new.factor)) != 1)
		return false;
	new.factor |= 1;
	new.entries = calloc(new.size, sizeof(*new.entries));
	if (new.entries == NULL)
		return false;
	*s = new;
	return true;
}

void
ref_set_clear(struct ref_set *s)
{
	free(s->entries);
	*s = (struct ref_set){0};
}

/* Where it is, or belongs. */
static struct ref_entry *
ref_set_find(const struct ref_set *s, const uint8_t *ref, size_t *steps)
{
	uint64_t head;
	size_t at;

	memcpy(&head, ref, sizeof(head));
	at = (size_t)((head * s->factor) >> s->shift);
	for (;; at = (at + 1) & (s->size - 1)) {
		struct ref_entry *e = &s->entries[at];

		(*steps)++;
		if (e->ref == NULL || memcmp(e->ref, ref, KEY_REF_BYTES) == 0)
			return e;
	}
}

void *
ref_set_put(struct ref_set *s, const uint8_t *ref, void *value)
{
	struct ref_entry *e = ref_set_find(s, ref, &s->steps);

	if (e->ref != NULL)
		return e->value;
	*e = (struct ref_entry){ref, value};
	return NULL;
}

void *
ref_set_get(const struct ref_set *s, const uint8_t *ref)
{
	size_t steps = 0;

	return s->size == 0 ? NULL : ref_set_find(s, ref, &steps)->value;
}
