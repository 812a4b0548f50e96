/* SPDX-License-Identifier: BSD-2-Clause */
/* The reading of one config: which files, in which order, each once. */
#include "agent/config-load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "agent/config-file.h"
#include "agent/config-grammar.h"
#include "common/array.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "config.h"

enum { INCLUDE_DEPTH_MAX = 8 };

enum added { ADDED, FULL, NO_MEMORY };

/* A copy of text at the end of a NULL-terminated list. */
static enum added
add_string(char ***list, size_t max, const char *text)
{
	size_t n = 0;
	char **more;

	while (*list != NULL && (*list)[n] != NULL)
		n++;
	if (n >= max)
		return FULL;
	if ((more = array_resize(*list, n + 2, sizeof(*more))) == NULL)
		return NO_MEMORY;
	*list = more;
	more[n + 1] = NULL;
	more[n] = strdup(text);
	return more[n] != NULL ? ADDED : NO_MEMORY;
}

bool
config_loader_init(struct config_loader *l)
{
	l->error[0] = '\0';
	l->config = config_new();
	return l->config != NULL;
}

void
config_loader_clear(struct config_loader *l)
{
	l->config = config_free(l->config);
}

bool
config_fail(struct config_loader *l, const char *file, uint32_t line,
    const char *format, ...)
{
	char where[32] = "";
	char words[1024];
	va_list ap;

	if (l->error[0] != '\0')
		return false;
	va_start(ap, format);
	vsnprintf(words, sizeof(words), format, ap);
	va_end(ap);
	if (line != 0)
		snprintf(where, sizeof(where), ":%u", line);
	if (file == NULL)
		snprintf(l->error, sizeof(l->error), "%s", words);
	else
		snprintf(l->error, sizeof(l->error), "%.2048s%s: %s", file,
		    where, words);
	return false;
}

void
config_warn(struct config_loader *l, const char *file, uint32_t line,
    const char *format, ...)
{
	char words[1024], text[CONFIG_ERROR_MAX_BYTES];
	char shown[CONFIG_ERROR_MAX_BYTES];
	va_list ap;

	va_start(ap, format);
	vsnprintf(words, sizeof(words), format, ap);
	va_end(ap);
	snprintf(text, sizeof(text), "%.2048s:%u: %s", file, line, words);
	text_printable(bytes_str(text), shown, sizeof(shown));
	/* libConfuse shows the last value of a list twice. */
	for (char **w = l->config->warnings; w != NULL && *w != NULL; w++)
		if (strcmp(*w, shown) == 0)
			return;
	/* Without memory there is one warning less. */
	(void)add_string(&l->config->warnings, CONFIG_WARNINGS_MAX, shown);
}

bool
config_fail_memory(struct config_loader *l)
{
	return config_fail(l, NULL, 0, "out of memory");
}

/* Add to config->files; all that were read are there for the daemon. */
static bool
note_file(struct config_loader *l, const char *path)
{
	switch (add_string(&l->config->files, CONFIG_LIST_MAX, path)) {
	case ADDED:
		return true;
	case FULL:
		return config_fail(
		    l, path, 0, "more than %d files", CONFIG_LIST_MAX);
	case NO_MEMORY:
		break;
	}
	return config_fail_memory(l);
}

/* The last line must count the key sections; see CONFIG_ALLOWED_END. */
static bool
check_allowed_end(
    struct config_loader *l, const char *path, struct bytes text, size_t n_keys)
{
	char end[64];
	size_t len =
	    (size_t)snprintf(end, sizeof(end), CONFIG_ALLOWED_END, n_keys);

	if (text.len >= len && memcmp(text.p + text.len - len, end, len) == 0 &&
	    (text.len == len || text.p[text.len - len - 1] == '\n'))
		return true;
	end[len - 1] = '\0';
	return config_fail(l, path, 0,
	    "is cut or was edited by hand: its "
	    "last line is not \"%s\". Look through its key sections; if all "
	    "are there, write that line",
	    end);
}

static bool
read_text(struct config_loader *l, const struct config_source *source,
    struct bytes text)
{
	size_t n_keys;

	if (!note_file(l, source->path) ||
	    !config_grammar_parse(l, source, text, &n_keys))
		return false;
	return !source->is_allowed ||
	       check_allowed_end(l, source->path, text, n_keys);
}

/* What is read, and where messages say so. */
struct request {
	const char *path;
	bool may_be_missing;
	bool is_allowed;
	const struct config_source *parent; /* the file that includes it */
	uint32_t line;			    /* where */
};

static bool
refuse_file(struct config_loader *l, const struct request *q, const char *words)
{
	if (q->parent == NULL)
		return config_fail(l, q->path, 0, "%s", words);
	return config_fail(
	    l, q->parent->path, q->line, "include: %s: %s", q->path, words);
}

static bool
is_cycle(const struct config_source *source)
{
	const struct config_source *s = source->parent;

	for (; s != NULL; s = s->parent)
		if (s->dev == source->dev && s->ino == source->ino)
			return true;
	return false;
}

static bool
read_file(struct config_loader *l, const struct request *q)
{
	struct config_source source = {
	    .path = q->path,
	    .is_allowed = q->is_allowed,
	    .parent = q->parent,
	};
	char words[CONFIG_FILE_WORDS];
	struct config_file f = {0};
	const char *wrong;
	bool missing, ok;

	wrong = config_file_read(
	    q->path, CONFIG_FILE_MAX_BYTES, &f, &missing, words);
	source.dev = f.dev;
	source.ino = f.ino;
	if (wrong == NULL && is_cycle(&source))
		wrong = "is being read already: it includes itself";
	if (wrong == NULL)
		ok = read_text(l, &source, buffer_bytes(&f.text));
	else if (missing && q->may_be_missing)
		ok = true;
	else
		ok = refuse_file(l, q, wrong);
	buffer_clear(&f.text);
	return ok;
}

bool
config_load_include(struct config_loader *l, const struct config_source *parent,
    uint32_t line, const char *name)
{
	CLEANUP(cleanup_free) char *path = config_path(parent->path, name);
	const struct config_source *s = parent;
	struct request q = {.path = path, .parent = parent, .line = line};
	size_t depth = 1;

	if (parent->is_allowed)
		return config_fail(l, parent->path, line,
		    "has no includes: it is p11-agentctl's own");
	if (path == NULL)
		return config_fail(l, parent->path, line, "include: %s: %s",
		    name, config_path_error());
	for (; s->parent != NULL; s = s->parent)
		depth++;
	if (depth > INCLUDE_DEPTH_MAX)
		return refuse_file(l, &q,
		    "more than 8 includes, one in "
		    "another");
	return read_file(l, &q);
}

static bool
read_person_file(struct config_loader *l, const char *name, bool is_allowed)
{
	CLEANUP(cleanup_free) char *path = config_person_path(name);
	const struct request q = {
	    .path = path,
	    .may_be_missing = true,
	    .is_allowed = is_allowed,
	};

	if (path == NULL && errno == ENOENT)
		return true; /* nobody's home: there is no such file */
	if (path == NULL)
		return config_fail_memory(l);
	return read_file(l, &q);
}

/* What stands in front of allowed.conf. */
static bool
read_first_files(struct config_loader *l)
{
	const struct request system = {
	    .path = P11_AGENT_SYSCONFDIR "/p11-agent.conf",
	    .may_be_missing = true,
	};

	return read_file(l, &system) &&
	       read_person_file(l, "p11-agent.conf", false);
}

bool
config_load(struct config_loader *l, const char *file)
{
	const struct request named = {.path = file};

	if (file != NULL)
		return read_file(l, &named);
	return read_first_files(l) && read_person_file(l, "allowed.conf", true);
}

bool
config_load_allowed(
    struct config_loader *l, const char *path, struct bytes text)
{
	const struct config_source source = {.path = path, .is_allowed = true};

	return read_first_files(l) && read_text(l, &source, text);
}
