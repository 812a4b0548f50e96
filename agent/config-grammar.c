/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One config text, by libConfuse. It gets the text from memory and opens no
 * file; what it finds is taken over in its callbacks, in the order of the
 * file, so that includes stand where they are and every value has its line.
 */
#include "agent/config-grammar.h"

#include <confuse.h>
#include <stdio.h>

#include "agent/config-scan.h"
#include "agent/config-section.h"
#include "agent/config-suggest.h"
#include "common/cleanup.h"

enum {
	/* Sections, and what a section or the text itself may hold. */
	TYPES_MAX = 8,
	SETTINGS_MAX = 16,
	OPTIONS_MAX = SETTINGS_MAX + TYPES_MAX + 4,
};

/* A setting behind the text, to see its end; no file can hold its name. */
#define SENTINEL "\001end"

/* libConfuse's callbacks have no argument of ours: an option brings it. */
#define CONTEXT_OPTION "\001context"

struct grammar {
	struct config_loader *l;
	const struct config_source *source;
	struct config_scan scan;
	struct config_section section;
	uint32_t line_before; /* lines of the text in front of this part */
	char *include;	      /* what this part ends with; owned; or NULL */
	size_t n_sections;
	size_t n_keys;
	uint32_t set; /* settings of this section, by their places */
	bool ended; /* the sentinel behind this part was seen */
};

static struct grammar *
grammar_of(cfg_t *cfg)
{
	return (struct grammar *)cfg_getopt(cfg, CONTEXT_OPTION)
	    ->simple_value.ptr;
}

/* Is it the text itself, and no section of it? */
static bool
is_root(const cfg_t *cfg)
{
	return cfg->title == NULL;
}

/* The sentinel's line is none of the file's. */
static uint32_t
line_of(const struct grammar *g, const cfg_t *cfg)
{
	uint32_t line =
	    g->line_before + (cfg->line > 0 ? (uint32_t)cfg->line : 1);

	return line < g->scan.n_lines ? line : g->scan.n_lines;
}

static const struct config_setting *
settings_of(const cfg_t *cfg)
{
	if (is_root(cfg))
		return config_settings;
	return config_section_type_find(cfg->name)->settings;
}

static void
refuse_unknown(struct grammar *g, const cfg_t *cfg, const char *name)
{
	const struct config_setting *settings = settings_of(cfg);
	const char *meant = config_suggest(
	    name, settings, is_root(cfg) ? config_section_types : NULL);
	char where[128] = "";

	if (strcmp(name, SENTINEL) == 0) {
		config_fail(g->l, g->source->path, 0,
		    "ends inside a section: is it cut?");
		return;
	}
	if (!is_root(cfg))
		snprintf(where, sizeof(where), "%s \"%.64s\": ", cfg->name,
		    cfg->title);
	config_fail(g->l, g->source->path, line_of(g, cfg),
	    "%sno such %s \"%s\"%s%s%s", where,
	    is_root(cfg) ? "setting or section" : "setting", name,
	    meant == NULL ? "" : "; did you mean \"",
	    meant == NULL ? "" : meant, meant == NULL ? "" : "\"?");
}

/* libConfuse's own words, or ours where they can say more. */
__attribute__((format(printf, 2, 0))) static void
on_error(cfg_t *cfg, const char *format, va_list ap)
{
	struct grammar *g = grammar_of(cfg);
	char words[512];

	if (strcmp(format, "no such option '%s'") == 0) {
		refuse_unknown(g, cfg, va_arg(ap, const char *));
		return;
	}
	vsnprintf(words, sizeof(words), format, ap);
	config_fail(g->l, g->source->path, line_of(g, cfg), "%s", words);
}

/* What holds for the values of all settings; the last one is the new one. */
static bool
check_values(struct grammar *g, const struct config_values *v)
{
	const char *file = g->source->path;
	uint32_t line = g->section.line;

	if (v->n == 0)
		return true;
	if (v->n > CONFIG_LIST_MAX)
		return config_fail(g->l, file, line, "%s: more than %d values",
		    v->name, CONFIG_LIST_MAX);
	/* `NAME =` at the end of the file takes it for the value. */
	if (strcmp(v->v[v->n - 1], SENTINEL) == 0)
		return config_fail(g->l, file, line,
		    "%s has no value: is the file cut?", v->name);
	return true;
}

/* The last value is taken; in a section, two are a slip. */
static void
warn_of_second(struct grammar *g, const cfg_t *cfg,
    const struct config_setting *setting)
{
	uint32_t bit = 1u << (setting - settings_of(cfg));

	/* Of a list this is called for each of its values, maybe twice. */
	if (is_root(cfg) || setting->list)
		return;
	if ((g->set & bit) != 0)
		config_warn(g->l, g->source->path, g->section.line,
		    "%s is there twice in this section: the first one is "
		    "without effect",
		    setting->name);
	g->set |= bit;
}

/* A value was read; of a list, one more. */
static int
on_setting(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct config_setting *setting =
	    config_setting_find(settings_of(cfg), opt->name);
	struct grammar *g = grammar_of(cfg);
	char *values[CONFIG_LIST_MAX];
	struct config_values v = {opt->name, values, cfg_opt_size(opt)};

	g->section.line = line_of(g, cfg);
	for (size_t i = 0; i < v.n && i < CONFIG_LIST_MAX; i++)
		values[i] = cfg_opt_getnstr(opt, (unsigned int)i);
	if (!check_values(g, &v))
		return -1;
	warn_of_second(g, cfg, setting);
	return setting->set(&g->section, &v) ? 0 : -1;
}

static int
on_sentinel(cfg_t *cfg, cfg_opt_t *opt)
{
	(void)opt;
	grammar_of(cfg)->ended = true;
	return 0;
}

static bool
check_title(
    struct grammar *g, const char *type, const char *title, uint32_t line)
{
	if (title[0] == '\0')
		return config_fail(g->l, g->source->path, line,
		    "%s without a title: write %s \"NAME\" {", type, type);
	if (strlen(title) > CONFIG_TITLE_MAX_BYTES)
		return config_fail(g->l, g->source->path, line,
		    "a title of more than %d bytes", CONFIG_TITLE_MAX_BYTES);
	return true;
}

/* A section was read. */
static int
on_section(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct config_section_type *type =
	    config_section_type_find(opt->name);
	struct grammar *g = grammar_of(cfg);
	const char *title = cfg_title(cfg_opt_getnsec(opt, 0));
	uint32_t line = g->n_sections < g->scan.n_sections
			    ? g->scan.section_lines[g->n_sections]
			    : line_of(g, cfg);
	bool ok = check_title(g, opt->name, title, line) &&
		  type->finish(&g->section, title, line);

	g->n_sections++;
	g->n_keys += strcmp(opt->name, "key") == 0;
	config_section_clear(&g->section);
	g->set = 0;
	/* It would join two sections of one title. */
	cfg_free_value(opt);
	return ok ? 0 : -1;
}

/*
 * It is read when libConfuse is through with this part: its lexer does not
 * come back from a text inside a text.
 */
static int
on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	struct grammar *g = grammar_of(cfg);

	(void)opt;
	if (argc == 1 && (g->include = strdup(argv[0])) != NULL)
		return 0;
	if (argc == 1)
		config_fail_memory(g->l);
	else
		config_fail(g->l, g->source->path, line_of(g, cfg),
		    "include(\"FILE\") takes one file");
	return -1;
}

/* The options of the settings, and the one that leads back to us. */
static size_t
fill_settings(
    cfg_opt_t *options, const struct config_setting *settings, void **context)
{
	const cfg_opt_t one = CFG_STR("", NULL, CFGF_NODEFAULT);
	const cfg_opt_t list = CFG_STR_LIST("", NULL, CFGF_NODEFAULT);
	const cfg_opt_t pointer =
	    CFG_PTR_CB(CONTEXT_OPTION, NULL, CFGF_NODEFAULT, NULL, NULL);
	size_t n = 0;

	for (; n < SETTINGS_MAX && settings[n].name != NULL; n++) {
		options[n] = settings[n].list ? list : one;
		options[n].name = settings[n].name;
		options[n].validcb = on_setting;
	}
	options[n] = pointer;
	options[n].simple_value.ptr = context;
	return n + 1;
}

/* NULL when memory is out. */
static cfg_t *
grammar_init(void **context)
{
	const struct config_section_type *types = config_section_types;
	cfg_opt_t sections[TYPES_MAX][OPTIONS_MAX] = {0};
	cfg_opt_t root[OPTIONS_MAX] = {0};
	const cfg_opt_t section = CFG_SEC("", NULL, CFGF_MULTI | CFGF_TITLE);
	const cfg_opt_t include = CFG_FUNC("include", on_include);
	const cfg_opt_t sentinel = CFG_STR(SENTINEL, NULL, CFGF_NODEFAULT);
	size_t n = fill_settings(root, config_settings, context);
	cfg_t *cfg;

	for (size_t i = 0; i < TYPES_MAX && types[i].name != NULL; i++, n++) {
		fill_settings(sections[i], types[i].settings, context);
		root[n] = section;
		root[n].name = types[i].name;
		root[n].subopts = sections[i];
		root[n].validcb = on_section;
	}
	root[n++] = include;
	root[n] = sentinel;
	root[n].validcb = on_sentinel;
	if ((cfg = cfg_init(root, CFGF_NONE)) != NULL)
		cfg_set_error_function(cfg, on_error);
	return cfg;
}

static bool
parse_text(struct grammar *g, const char *text)
{
	void *context = g;
	cfg_t *cfg = grammar_init(context);
	int rc;

	if (cfg == NULL)
		return config_fail_memory(g->l);
	g->ended = false;
	rc = cfg_parse_buf(cfg, text);
	/* It says what is wrong, but for this; and cannot free what it has. */
	if (rc != CFG_SUCCESS && g->l->error[0] == '\0')
		return config_fail_memory(g->l);
	cfg_free(cfg);
	if (!g->ended)
		return config_fail(
		    g->l, g->source->path, 0, "could not be read to its end");
	return g->l->error[0] == '\0';
}

/* A part of the text that ends behind an include, or with the text. */
static bool
parse_part(struct grammar *g, struct bytes part)
{
	static const char end[] = "\n" SENTINEL " = 1\n";
	CLEANUP(cleanup_free) char *text = malloc(part.len + sizeof(end));
	CLEANUP(cleanup_free) char *include = NULL;

	if (text == NULL)
		return config_fail_memory(g->l);
	if (part.len > 0)
		memcpy(text, part.p, part.len);
	memcpy(text + part.len, end, sizeof(end));
	if (!parse_text(g, text))
		return false;
	for (size_t i = 0; i < part.len; i++)
		g->line_before += part.p[i] == '\n';
	if ((include = g->include) == NULL)
		return true;
	g->include = NULL;
	return config_load_include(
	    g->l, g->source, g->line_before + 1, include);
}

static bool
parse_parts(struct grammar *g)
{
	const struct config_scan *scan = &g->scan;
	size_t from = 0;

	for (size_t i = 0; i <= scan->n_includes; i++) {
		size_t to =
		    i < scan->n_includes ? scan->include_ends[i] : scan->len;

		if (!parse_part(g, bytes_of(scan->text + from, to - from)))
			return false;
		from = to;
	}
	return true;
}

bool
config_grammar_parse(struct config_loader *l,
    const struct config_source *source, struct bytes text, size_t *ret_keys)
{
	struct grammar g = {
	    .l = l,
	    .source = source,
	    .section = {.l = l, .file = source->path},
	};
	bool ok =
	    config_scan(l, source->path, text, &g.scan) && parse_parts(&g);

	*ret_keys = g.n_keys;
	free(g.include);
	config_section_clear(&g.section);
	config_scan_clear(&g.scan);
	return ok;
}
