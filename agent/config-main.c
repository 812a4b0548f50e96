/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agent-config: files, for the daemon; see config-child.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "agent/config-edit.h"
#include "agent/config-file.h"
#include "agent/config-modules.h"
#include "agent/config-section.h"
#include "agent/config-state.h"
#include "common/cleanup.h"
#include "common/frame.h"
#include "common/text.h"
#include "config.h"

enum { EXIT_OK = 0, EXIT_ERROR = 1, EXIT_USAGE = 2 };

static int
send_frame(const struct buffer *b, int code)
{
	if (frame_write(CONFIG_CHILD_FD, b))
		return code;
	fprintf(stderr,
	    "p11-agent-config: nobody reads fd %d: the daemon "
	    "starts this program; people want `check`\n",
	    CONFIG_CHILD_FD);
	return EXIT_USAGE;
}

static int
send_error(const char *text)
{
	CLEANUP(buffer_cleanup)
	struct buffer b = BUFFER_INIT(CONFIG_REPLY_MAX_BYTES + 4);

	config_reply_put_error(&b, text);
	return send_frame(&b, EXIT_ERROR);
}

static int
command_load(const char *file)
{
	CLEANUP(buffer_cleanup)
	struct buffer b = BUFFER_INIT(CONFIG_REPLY_MAX_BYTES + 4);
	CLEANUP(config_loader_clear) struct config_loader l;

	if (!config_loader_init(&l))
		return send_error("out of memory");
	if (!config_load(&l, file))
		return send_error(l.error);
	config_reply_put_config(&b, l.config);
	if (b.failed)
		return send_error("the config is too large");
	return send_frame(&b, EXIT_OK);
}

static int
command_resolve(const char *path)
{
	CLEANUP(buffer_cleanup)
	struct buffer b = BUFFER_INIT(CONFIG_REPLY_MAX_BYTES + 4);
	CLEANUP(cleanup_free) char *real = NULL;

	if (path[0] != '/')
		return send_error("a path that does not begin with /");
	if ((real = realpath(path, NULL)) == NULL)
		return send_error(strerror(errno));
	config_reply_put_path(&b, real);
	return send_frame(&b, EXIT_OK);
}

/* Names come from files: make them fit for a terminal. */
static void
print_text(const char *label, const char *text)
{
	char shown[CONFIG_ERROR_MAX_BYTES];

	text_printable(bytes_str(text), shown, sizeof(shown));
	printf("%s%s\n", label, shown);
}

static void
print_error(const char *text)
{
	char shown[CONFIG_ERROR_MAX_BYTES];

	text_printable(bytes_str(text), shown, sizeof(shown));
	fprintf(stderr, "%s\n", shown);
}

static void
print_config(const struct config *c)
{
	size_t n_denied = 0;

	for (size_t i = 0; c->files != NULL && c->files[i] != NULL; i++)
		print_text("file ", c->files[i]);
	if (c->files == NULL)
		puts("no config file: no key is exposed");
	for (size_t i = 0; i < c->n_providers; i++) {
		print_text("provider ", c->providers[i].name);
		print_text("  module ", c->providers[i].module);
	}
	for (size_t i = 0; i < c->n_tokens; i++)
		print_text("token ", c->tokens[i].name);
	for (size_t i = 0; i < c->n_keys; i++) {
		print_text(
		    c->keys[i].deny ? "deny key " : "key ", c->keys[i].name);
		n_denied += c->keys[i].deny;
	}
	printf("%zu key sections, %zu of them deny; a connection sees at "
	       "most %u keys\n",
	    c->n_keys, n_denied, c->max_identities);
}

/* Behind all that is fine, for it to be seen. */
static void
print_warnings(const struct config *c)
{
	size_t n = 0;

	fflush(stdout);
	for (; c->warnings != NULL && c->warnings[n] != NULL; n++)
		fprintf(stderr, "warning: %s\n", c->warnings[n]);
	if (n == 0)
		puts("OK");
	else
		printf("OK, with %zu warning%s\n", n, n == 1 ? "" : "s");
}

/* Then no file of a person's own was looked for. */
static void
print_missing_home(void)
{
	CLEANUP(cleanup_free) char *path = config_person_path("p11-agent.conf");

	if (path == NULL)
		printf("no file of your own: %s\n", config_path_error());
}

static int
command_check(const char *file)
{
	CLEANUP(config_loader_clear) struct config_loader l;

	if (!config_loader_init(&l)) {
		print_error("out of memory");
		return EXIT_ERROR;
	}
	if (!config_load(&l, file)) {
		print_error(l.error);
		return EXIT_ERROR;
	}
	config_modules_check(&l);
	if (file == NULL)
		print_missing_home();
	print_config(l.config);
	print_warnings(l.config);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_ERROR;
}

static int
command_edit(const struct config_edit *e)
{
	CLEANUP(config_loader_clear) struct config_loader l;
	CLEANUP(config_edited_clear) struct config_edited done = {0};

	/* A limit on file sizes is an error of write(), like a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	if (!config_loader_init(&l)) {
		print_error("out of memory");
		return EXIT_ERROR;
	}
	if (!config_edit(&l, e, &done)) {
		print_error(l.error);
		return EXIT_ERROR;
	}
	print_text("", done.path);
	print_text("", done.title);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_ERROR;
}

static void
print_settings(const char *section, const struct config_setting *s)
{
	for (; s->name != NULL; s++)
		printf("%s\t%s\t%s\t%s\n", s->name, section, s->type,
		    s->fallback);
}

/* The parser's own table, for whoever compares p11-agent.conf(5) with it. */
static int
run_settings(char *const *args)
{
	const struct config_section_type *t = config_section_types;

	(void)args;
	print_settings("-", config_settings);
	for (; t->name != NULL; t++)
		print_settings(t->name, t->settings);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_ERROR;
}

static int
run_load(char *const *args)
{
	return command_load(args[0]);
}

static int
run_check(char *const *args)
{
	return command_check(args[0]);
}

static int
run_resolve(char *const *args)
{
	return command_resolve(args[0]);
}

/* A missing last argument is NULL, as argv ends in one. */
static int
run_allow(char *const *args)
{
	const struct config_edit e = {
	    .name = args[0],
	    .fingerprint = args[1],
	    .uri = args[2],
	    .public_key = args[3],
	};

	return command_edit(&e);
}

static int
run_deny(char *const *args)
{
	const struct config_edit e = {
	    .name = args[0],
	    .fingerprint = args[1],
	};

	return command_edit(&e);
}

static int
run_pins(char *const *args)
{
	CLEANUP(buffer_cleanup)
	struct buffer pins = BUFFER_INIT(PIN_STORE_MAX_BYTES);
	CLEANUP(buffer_cleanup)
	struct buffer b = BUFFER_INIT(CONFIG_REPLY_MAX_BYTES + 4);
	char words[CONFIG_STATE_WORDS];
	const char *wrong = config_state_pins(&pins, words);

	(void)args;
	if (wrong != NULL)
		return send_error(wrong);
	config_reply_put_bytes(&b, buffer_bytes(&pins));
	return send_frame(&b, EXIT_OK);
}

static int
run_pins_set(char *const *args)
{
	CLEANUP(buffer_cleanup)
	struct buffer b = BUFFER_INIT(CONFIG_REPLY_MAX_BYTES + 4);
	CLEANUP(cleanup_free) char *path = NULL;
	char words[CONFIG_STATE_WORDS];
	struct pin_entry e;
	const char *wrong;

	signal(SIGXFSZ, SIG_IGN);
	if (!pin_entry_from_words(args, &e))
		return EXIT_USAGE;
	if ((wrong = config_state_set_pins(&e, &path, words)) != NULL)
		return send_error(wrong);
	config_reply_put_path(&b, path);
	return send_frame(&b, EXIT_OK);
}

static const struct command {
	const char *name;
	int min_args, max_args;
	int (*run)(char *const *args);
} commands[] = {
    {"load", 0, 1, run_load},
    {"check", 0, 1, run_check},
    {"settings", 0, 0, run_settings},
    {"resolve", 1, 1, run_resolve},
    {"allow", 3, 4, run_allow},
    {"deny", 2, 2, run_deny},
    {"pins", 0, 0, run_pins},
    {"pins-set", PIN_ENTRY_WORDS, PIN_ENTRY_WORDS, run_pins_set},
};

int
main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];

		if (argc - 2 >= c->min_args && argc - 2 <= c->max_args &&
		    strcmp(argv[1], c->name) == 0)
			return c->run(argv + 2);
	}
	fprintf(stderr,
	    "usage: p11-agent-config load [FILE]\n"
	    "       p11-agent-config check [FILE]\n"
	    "       p11-agent-config settings\n"
	    "       p11-agent-config resolve PATH\n"
	    "       p11-agent-config allow NAME FINGERPRINT URI [PUBLIC-KEY]\n"
	    "       p11-agent-config deny NAME FINGERPRINT\n"
	    "       p11-agent-config pins\n"
	    "       p11-agent-config pins-set HASH WRONG DOUBT OFF\n"
	    "Reads and writes the files of p11-agent %s.\n",
	    P11_AGENT_VERSION);
	return EXIT_USAGE;
}
