/* SPDX-License-Identifier: BSD-2-Clause */
/* "Did you mean": the nearest name by edits. */
#include "agent/config-suggest.h"

enum { DISTANCE_MAX = 2, NAME_MAX_BYTES = 32 };

/* The number of single-character edits that make b of a. */
static size_t
edit_distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_BYTES + 1];
	size_t b_len = strlen(b);

	if (b_len > NAME_MAX_BYTES)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t before = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < b_len; j++) {
			size_t best = before + (a[i] == b[j] ? 0 : 1);

			before = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (before + 1 < best)
				best = before + 1;
			row[j + 1] = best;
		}
	}
	return row[b_len];
}

static void
consider(const char *wrong, const char *name, size_t *best, const char **ret)
{
	size_t distance = edit_distance(wrong, name);

	if (distance < *best && distance < strlen(name)) {
		*best = distance;
		*ret = name;
	}
}

const char *
config_suggest(const char *wrong, const struct config_setting *settings,
    const struct config_section_type *types)
{
	size_t best = DISTANCE_MAX + 1;
	const char *found = NULL;

	for (; settings->name != NULL; settings++)
		consider(wrong, settings->name, &best, &found);
	for (; types != NULL && types->name != NULL; types++)
		consider(wrong, types->name, &best, &found);
	return found;
}
