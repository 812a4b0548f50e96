/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory for arrays that grow; macOS has no reallocarray. */
#ifndef P11_AGENT_COMMON_ARRAY_H
#define P11_AGENT_COMMON_ARRAY_H

#include <stdint.h>
#include <stdlib.h>

/* realloc for n elements of size bytes; NULL also when that overflows. */
static inline void *
array_resize(void *array, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size)
		return NULL;
	return realloc(array, n * size);
}

#endif
