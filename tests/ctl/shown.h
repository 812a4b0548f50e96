/* SPDX-License-Identifier: BSD-2-Clause */
/* Documents and the text that is made of them. */
#ifndef P11_AGENT_TESTS_CTL_SHOWN_H
#define P11_AGENT_TESTS_CTL_SHOWN_H

#include <stdlib.h>
#include <string.h>

#include "ctl/show.h"
#include "tests/cmocka-all.h"

typedef void (*show_fn)(const json_t *document, FILE *out);

/* The text of a document, for free(). */
static char *
shown_of(show_fn show, const json_t *document)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	show(document, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void
check_shown(show_fn show, const char *json, const char *want)
{
	json_error_t error;
	json_t *document = json_loads(json, JSON_DECODE_ANY, &error);
	char *text;

	if (document == NULL)
		fail_msg("%s: %s", json, error.text);
	text = shown_of(show, document);
	assert_string_equal(text, want);
	free(text);
	json_decref(document);
}

static json_t *
wrong_value(int kind)
{
	switch (kind) {
	case 0:
		return json_null();
	case 1:
		return json_integer(-7);
	case 2:
		return json_string("\x1b[2J\nx");
	case 3:
		return json_pack("[i, n, [], {}]", 1);
	case 4:
		return json_pack("{s:s}", "name", "x");
	case 5:
		return json_real(1e300);
	default:
		return json_true();
	}
}

enum { WRONG_VALUES = 7 };

/* No control character may reach the terminal, whatever stood there. */
static void
check_harmless(show_fn show, const json_t *root)
{
	char *text = shown_of(show, root);

	for (const char *p = text; *p != '\0'; p++)
		assert_true((unsigned char)*p >= 0x20 || *p == '\n');
	free(text);
}

/*
 * Put each wrong value in the place of each value of a document, and leave
 * each out, one at a time; `root` is all of it, `at` the part gone through.
 */
static unsigned
check_wrong_values(show_fn show, json_t *root, json_t *at)
{
	/* Gone through in its stead: what is put back goes to the end. */
	json_t *members = json_copy(at);
	unsigned n = 0;
	const char *name;
	json_t *value;
	size_t i;

	json_array_foreach(at, i, value)
	{
		json_incref(value);
		for (int kind = 0; kind < WRONG_VALUES; kind++, n++) {
			json_array_set_new(at, i, wrong_value(kind));
			check_harmless(show, root);
		}
		json_array_set_new(at, i, value);
		n += check_wrong_values(show, root, value);
	}
	json_object_foreach(members, name, value)
	{
		for (int kind = 0; kind < WRONG_VALUES; kind++, n++) {
			json_object_set_new(at, name, wrong_value(kind));
			check_harmless(show, root);
		}
		json_object_del(at, name);
		check_harmless(show, root);
		json_object_set(at, name, value);
		n += check_wrong_values(show, root, value);
	}
	json_decref(members);
	return n;
}

static void
check_any_wrong_value(show_fn show, const char *json)
{
	json_error_t error;
	json_t *document = json_loads(json, 0, &error);

	if (document == NULL)
		fail_msg("%s: %s", json, error.text);
	assert_true(check_wrong_values(show, document, document) > 50);
	json_decref(document);
	for (int kind = 0; kind < WRONG_VALUES; kind++) {
		document = wrong_value(kind);
		check_harmless(show, document);
		json_decref(document);
	}
}

#endif
