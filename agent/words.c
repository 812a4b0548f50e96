/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports of provider processes in words. */
#include "agent/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/text.h"

bool
texts_equal(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

char *
words_copy(struct bytes text)
{
	size_t size = text.len * 3 + 1;
	char *out = malloc(size);

	if (out != NULL)
		text_printable(text, out, size);
	return out;
}

char *
wire_error_words(const struct wire_error *e)
{
	char call[64], name[64], text[1024], *out;
	size_t size = sizeof(call) + sizeof(name) + sizeof(text) + 8;

	text_printable(e->call, call, sizeof(call));
	text_printable(e->rv_name, name, sizeof(name));
	text_printable(e->text, text, sizeof(text));
	if ((out = malloc(size)) == NULL)
		return NULL;
	if (call[0] == '\0')
		snprintf(out, size, "%s", text[0] != '\0' ? text :
		    name[0] != '\0' ? name : "no reason was given");
	else if (text[0] == '\0' || name[0] == '\0')
		snprintf(out, size, "%s: %s", call,
		    text[0] == '\0' ? name : text);
	else
		snprintf(out, size, "%s: %s (%s)", call, name, text);
	return out;
}

/* What a person may do, or need not do; NULL: no more to say. */
static const char *
outcome_hint(enum wire_outcome outcome)
{
	switch (outcome) {
	case WIRE_PIN_REFUSED:
		return "the PIN is wrong; it is not sent again";
	case WIRE_PIN_LOCKED:
		return "the PIN is locked; unblock it with its PUK or SO PIN";
	case WIRE_PIN_EXPIRED:
		return "the PIN has to be changed before it may be used";
	case WIRE_LOST:
		return "the token or its module is gone for now; the next "
		    "request starts afresh once it is plugged in";
	case WIRE_KEY_UNUSABLE:
		return "the key leaves the list";
	case WIRE_CANCELLED:
		return "cancelled at the token, or no touch in time; try again";
	case WIRE_OK:
	case WIRE_NEED_LOGIN:
	case WIRE_NEED_CONTEXT:
	case WIRE_ERROR:
	case WIRE_PIN_HELD:
	case WIRE_LOGGED_IN:
		break;
	}
	return NULL;
}

char *
wire_outcome_words(enum wire_outcome outcome, const struct wire_error *e)
{
	CLEANUP(cleanup_free) char *words = wire_error_words(e);
	/* Where there is no CK_RV, the words are our own and say it all. */
	const char *hint = outcome == WIRE_LOST && e->rv == 0 ? NULL :
	    outcome_hint(outcome);
	size_t size;
	char *out;

	if (words == NULL)
		return NULL;
	size = strlen(words) + (hint == NULL ? 0 : strlen(hint)) + 3;
	if ((out = malloc(size)) == NULL)
		return NULL;
	snprintf(out, size, "%s%s%s", words,
	    hint == NULL || words[0] == '\0' ? "" : "; ",
	    hint == NULL ? "" : hint);
	return out;
}
