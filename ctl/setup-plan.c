/* SPDX-License-Identifier: BSD-2-Clause */
/* What all plans are made of. */
#include "ctl/setup-steps.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct setup_step *
step_new(struct setup_plan *p, enum setup_kind kind)
{
	struct setup_step *s;

	if (p->failed || p->n == SETUP_STEPS_MAX) {
		p->failed = true;
		return NULL;
	}
	s = &p->steps[p->n++];
	*s = (struct setup_step){.kind = kind};
	return s;
}

static char *__attribute__((format(printf, 2, 0)))
format_text(struct setup_plan *p, const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) >= 0)
		return text;
	p->failed = true;
	return NULL;
}

char *
setup_text(struct setup_plan *p, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = format_text(p, format, args);
	va_end(args);
	return text;
}

void
setup_add_text(struct setup_plan *p, enum setup_kind kind, char *path,
    char *text)
{
	struct setup_step *s = step_new(p, kind);

	if (s == NULL) {
		free(path);
		free(text);
		return;
	}
	s->path = path;
	s->text = text;
}

/* Copy up to the NULL; what is too much is our own mistake. */
static void
words_copy(struct setup_plan *p, char **to, const char *const *from)
{
	for (size_t i = 0; from != NULL && from[i] != NULL; i++)
		if (i == SETUP_ARGS_MAX || (to[i] = strdup(from[i])) == NULL) {
			p->failed = true;
			return;
		}
}

void
setup_add_run(struct setup_plan *p, const char *const *words,
    const char *const *undo)
{
	struct setup_step *s = step_new(p, SETUP_RUN);

	if (s == NULL)
		return;
	words_copy(p, s->words, words);
	words_copy(p, s->undo, undo);
}

const char *const *
setup_unset(const struct setup_place *at, const char *const *unset)
{
	return at->manager != NULL && strcmp(at->manager, at->socket) == 0 ?
	    unset : NULL;
}

void
setup_plan_clear(struct setup_plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct setup_step *s = &p->steps[i];

		free(s->path);
		free(s->text);
		for (size_t w = 0; w < SETUP_ARGS_MAX; w++) {
			free(s->words[w]);
			free(s->undo[w]);
		}
	}
	*p = (struct setup_plan){0};
}
