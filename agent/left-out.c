/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots that scans leave out. */
#include "agent/left-out.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/clock.h"
#include "agent/token.h"
#include "common/array.h"
#include "common/text.h"

enum {
	/* Scans that die there in a row; the next one waits for a change. */
	DEATHS_MAX = 8,
	WORDS_BYTES = 1024,
};

struct left_out_slot {
	struct slot_place place;
	struct token_id id; /* views of text; empty: only the place is known */
	uint8_t *text;	    /* owned */
	char *why;	    /* owned */
	struct backoff backoff;
};

static void
slot_clear(struct left_out_slot *s)
{
	free(s->text);
	free(s->why);
	*s = (struct left_out_slot){0};
}

void
left_out_clear(struct left_out *l)
{
	for (size_t i = 0; i < l->n; i++)
		slot_clear(&l->slots[i]);
	free(l->slots);
	*l = (struct left_out){0};
}

static bool
place_is(struct slot_place a, struct slot_place b)
{
	return a.at == b.at && a.of == b.of;
}

/* By its place; by its texts, where slots have come or gone since. */
static struct left_out_slot *
left_out_find(const struct left_out *l, const struct wire_slot *w)
{
	for (size_t i = 0; i < l->n; i++) {
		struct left_out_slot *s = &l->slots[i];

		if (place_is(s->place, w->place) ||
		    (s->place.of != w->place.of && !token_id_empty(&s->id) &&
		    token_id_equal(&s->id, &w->id)))
			return s;
	}
	return NULL;
}

/* Copy the five texts of an id behind one another. */
static bool
slot_set_id(struct left_out_slot *s, const struct token_id *id)
{
	const struct bytes from[] = {id->manufacturer, id->model, id->serial,
	    id->label, id->slot_description};
	struct bytes *const to[] = {&s->id.manufacturer, &s->id.model,
	    &s->id.serial, &s->id.label, &s->id.slot_description};
	size_t n = sizeof(from) / sizeof(from[0]), len = 1;
	uint8_t *p;

	for (size_t i = 0; i < n; i++)
		len += from[i].len;
	if ((p = s->text = malloc(len)) == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (from[i].len > 0)
			memcpy(p, from[i].p, from[i].len);
		*to[i] = bytes_of(p, from[i].len);
		p += from[i].len;
	}
	return true;
}

static struct left_out_slot *
left_out_new(struct left_out *l, const struct wire_slot *w)
{
	struct left_out_slot s = {.place = w->place};
	struct left_out_slot *slots;

	if (l->n >= SLOTS_LEFT_OUT_MAX)
		return NULL;
	slots = array_resize(l->slots, l->n + 1, sizeof(*slots));
	if (slots == NULL)
		return NULL;
	l->slots = slots;
	if (!slot_set_id(&s, &w->id))
		return NULL;
	slots[l->n] = s;
	return &slots[l->n++];
}

static void
left_out_remove(struct left_out *l, struct left_out_slot *s)
{
	slot_clear(s);
	*s = l->slots[--l->n];
}

bool
left_out_add(struct left_out *l, const struct wire_slot *slot,
    const char *why)
{
	struct left_out_slot *s = left_out_find(l, slot);
	struct backoff backoff = {0};

	/* The slot may have said more, or less, of itself than before. */
	if (s != NULL) {
		backoff = s->backoff;
		left_out_remove(l, s);
	}
	if ((s = left_out_new(l, slot)) == NULL)
		return false;
	s->why = strdup(why);
	s->backoff = backoff;
	backoff_died_resting(&s->backoff);
	return true;
}

bool
left_out_passed(struct left_out *l, const struct wire_slot *slot)
{
	struct left_out_slot *s = left_out_find(l, slot);

	/* Left out by its texts, it was asked for these alone. */
	if (s == NULL || (!token_id_empty(&s->id) && token_id_empty(&slot->id)))
		return false;
	left_out_remove(l, s);
	return true;
}

static bool
slot_is_due(const struct left_out_slot *s, int64_t now_ms)
{
	return s->backoff.deaths < DEATHS_MAX && s->backoff.until_ms <= now_ms;
}

bool
left_out_survived(struct left_out *l, int64_t began_ms)
{
	size_t before = l->n;

	for (size_t i = l->n; i > 0; i--)
		if (slot_is_due(&l->slots[i - 1], began_ms))
			left_out_remove(l, &l->slots[i - 1]);
	return l->n < before;
}

void
left_out_put(const struct left_out *l, struct wire_start *start)
{
	const int64_t now = clock_life_ms();

	for (size_t i = 0; i < l->n; i++) {
		const struct left_out_slot *s = &l->slots[i];

		start->left_out[start->n_left_out++] = (struct wire_left_out){
			.place = s->place,
			.id = s->id,
			.last = slot_is_due(s, now),
		};
	}
}

bool
left_out_hides(const struct left_out *l, const struct token *t)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct left_out_slot *s = &l->slots[i];

		if (place_is(s->place, t->place) ||
		    (!token_id_empty(&s->id) && token_id_equal(&s->id, &t->id)))
			return true;
	}
	return false;
}

int64_t
left_out_rest_ms(const struct left_out *l)
{
	int64_t least = -1;

	for (size_t i = 0; i < l->n; i++) {
		int64_t ms = backoff_rest_ms(&l->slots[i].backoff);

		if (l->slots[i].backoff.deaths < DEATHS_MAX &&
		    (least < 0 || ms < least))
			least = ms;
	}
	return least;
}

/* "slot 2 of 3 (token bad, serial 1)" */
static void
slot_name(const struct left_out_slot *s, char *out, size_t size)
{
	char label[256], serial[128];

	text_printable(s->id.label, label, sizeof(label));
	text_printable(s->id.serial, serial, sizeof(serial));
	if (token_id_empty(&s->id))
		snprintf(out, size, "slot %u of %u", s->place.at + 1,
		    s->place.of);
	else
		snprintf(out, size, "slot %u of %u (token %s, serial %s)",
		    s->place.at + 1, s->place.of, label, serial);
}

static json_t *
slot_json(const struct left_out_slot *s)
{
	char name[512], when[64], words[WORDS_BYTES];

	slot_name(s, name, sizeof(name));
	if (s->backoff.deaths < DEATHS_MAX)
		snprintf(when, sizeof(when), "in %lld s, or ",
		    (long long)backoff_rest_sec(&s->backoff));
	else
		when[0] = '\0';
	snprintf(words, sizeof(words), "%s is left out: the scan died there "
	    "(%s); it is looked at again %swhen a card or the config changes, "
	    "or by `p11-agentctl reload`", name,
	    s->why == NULL ? "out of memory" : s->why, when);
	return json_string(words);
}

json_t *
left_out_json(const struct left_out *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(list, slot_json(&l->slots[i]));
	return list;
}
