/* SPDX-License-Identifier: BSD-2-Clause */
/* What people call a token. */
#include "agent/token-name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/provider.h"
#include "common/text.h"

bool
token_set_name(struct token *t, enum token_name length)
{
	char label[256], serial[128], reader[256], place[32], name[1024];
	char *copy;

	text_printable(t->id.label, label, sizeof(label));
	text_printable(t->id.serial, serial, sizeof(serial));
	text_printable(t->id.slot_description, reader, sizeof(reader));
	snprintf(place, sizeof(place), ", slot %u", t->place.at + 1);
	snprintf(name, sizeof(name), "%s (serial %s%s%s%s%s%s)",
	    label[0] == '\0' ? "token without a label" : label,
	    serial[0] == '\0' ? "unknown" : serial,
	    length >= TOKEN_NAME_READER ? ", in " : "",
	    length >= TOKEN_NAME_READER ? reader : "",
	    length >= TOKEN_NAME_PROVIDER ? ", by " : "",
	    length >= TOKEN_NAME_PROVIDER ? t->provider->name : "",
	    length >= TOKEN_NAME_PLACE ? place : "");
	if (t->name != NULL && strcmp(t->name, name) == 0)
		return true;
	if ((copy = strdup(name)) == NULL)
		return false;
	free(t->name);
	t->name = copy;
	return true;
}

/* How much it takes to tell it from this other one. */
static enum token_name
name_length_beside(const struct token *t, const struct token *other)
{
	if (!bytes_equal(t->id.label, other->id.label) ||
	    !bytes_equal(t->id.serial, other->id.serial))
		return TOKEN_NAME_SHORT;
	if (!bytes_equal(t->id.slot_description, other->id.slot_description))
		return TOKEN_NAME_READER;
	return t->provider == other->provider ? TOKEN_NAME_PLACE :
	    TOKEN_NAME_PROVIDER;
}

void
tokens_set_names(struct agent *agent)
{
	struct token *t, *other;

	TAILQ_FOREACH(t, &agent->tokens, entry) {
		enum token_name length = TOKEN_NAME_SHORT;

		TAILQ_FOREACH(other, &agent->tokens, entry)
			if (other != t &&
			    name_length_beside(t, other) > length)
				length = name_length_beside(t, other);
		token_set_name(t, length);
	}
}
