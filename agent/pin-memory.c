/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of PIN tries. */
#include "agent/pin-memory.h"

#include <stdlib.h>
#include <string.h>

static struct pin_record *
pin_record_new(const struct token_id *id)
{
	const struct bytes from[] = {id->manufacturer, id->model, id->serial,
	    id->label};
	struct pin_record *r = calloc(1, sizeof(*r));
	size_t n = sizeof(from) / sizeof(from[0]), len = 1;
	char *p;

	if (r == NULL)
		return NULL;
	struct bytes *const to[] = {&r->id.manufacturer, &r->id.model,
	    &r->id.serial, &r->id.label};
	for (size_t i = 0; i < n; i++)
		len += from[i].len;
	if ((p = r->text = malloc(len)) == NULL) {
		free(r);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		if (from[i].len > 0)
			memcpy(p, from[i].p, from[i].len);
		*to[i] = bytes_of(p, from[i].len);
		p += from[i].len;
	}
	return r;
}

struct pin_record *
pin_record_get(struct agent *agent, const struct token_id *id)
{
	struct pin_record *r;

	TAILQ_FOREACH(r, &agent->pin_records, entry) {
		if (!token_id_same(&r->id, id))
			continue;
		while (r->same != NULL)
			r = r->same;
		return r;
	}
	if ((r = pin_record_new(id)) != NULL)
		TAILQ_INSERT_TAIL(&agent->pin_records, r, entry);
	return r;
}

void
pin_record_join(struct pin_record *into, struct pin_record *from)
{
	if (from->wrong > into->wrong)
		into->wrong = from->wrong;
	into->unattended_off |= from->unattended_off;
	if (into->refused == NULL)
		into->refused = from->refused;
	else
		secret_free(from->refused);
	from->refused = NULL;
	from->same = into;
}

void
pin_records_free(struct agent *agent)
{
	struct pin_record *r;

	while ((r = TAILQ_FIRST(&agent->pin_records)) != NULL) {
		TAILQ_REMOVE(&agent->pin_records, r, entry);
		secret_free(r->refused);
		free(r->text);
		free(r);
	}
}
