/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agentctl allow and deny: allowed.conf, then what connections see. */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "ctl/choose.h"
#include "ctl/client.h"
#include "ctl/program.h"
#include "ctl/show.h"

enum { ANSWER_BYTES = 16 * 1024 };

/* One call of the command. */
struct edit {
	const struct ctl *c;
	const char *name; /* that the person gave; or NULL */
	bool deny;
	bool written;
	char *path; /* of allowed.conf, once it was written; owned */
};

static void
json_freep(json_t **j)
{
	json_decref(*j);
}

static bool
is_allowed_conf(const char *file)
{
	const char *name = file == NULL ? NULL : strrchr(file, '/');

	return name != NULL && strcmp(name, "/allowed.conf") == 0;
}

/* The section's title: given, the one that it has, or what the token says. */
static char *
title_of(const struct edit *e, const json_t *key)
{
	static const char *const members[] = {"name", "label", "id", "token"};

	if (e->name != NULL)
		return strdup(e->name);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		char *text = show_text(key, members[i]);

		if (text != NULL)
			return text;
	}
	return strdup("key");
}

/* What p11-agent-config printed: the file, the section's title. */
static void
take_answer(struct edit *e, const struct buffer *out, const char *print)
{
	CLEANUP(cleanup_free) char *text = bytes_strdup(buffer_bytes(out));
	char *path, *title, *save = NULL;

	path = text == NULL ? NULL : strtok_r(text, "\n", &save);
	title = path == NULL ? NULL : strtok_r(NULL, "\n", &save);
	if (title == NULL)
		return;
	printf("%s %s as key \"%s\" in %s\n", e->deny ? "denied" : "allowed",
	    print, title, path);
	free(e->path);
	e->path = strdup(path);
}

static enum ctl_exit
write_section(struct edit *e, const json_t *key)
{
	static char program[] = CONFIG_PROGRAM, allow[] = "allow",
		    deny[] = "deny";
	CLEANUP(buffer_cleanup) struct buffer out = BUFFER_INIT(ANSWER_BYTES);
	CLEANUP(cleanup_free) char *title = title_of(e, key);
	CLEANUP(cleanup_free) char *print = show_text(key, "fingerprint");
	/* The fingerprint tells the key: with it, CKA_ID may change. */
	CLEANUP(cleanup_free) char *uri = show_text(key, "token_uri");
	CLEANUP(cleanup_free) char *public_key = show_text(key, "public_key");
	bool hidden =
	    json_is_true(json_object_get(key, "hidden_before_login"));
	char *const argv[] = {program, e->deny ? deny : allow, title, print,
	    e->deny ? NULL : uri, hidden ? public_key : NULL, NULL};
	enum ctl_exit result;

	if (title == NULL || print == NULL || uri == NULL) {
		ctl_error("the agent's answer is not understood");
		return CTL_REFUSED;
	}
	result = program_run(argv, &out);
	if (result != CTL_DONE)
		return result;
	e->written = true;
	take_answer(e, &out, print);
	return CTL_DONE;
}

/* Does a person's own section settle it, so that there is nothing to write? */
static bool
is_settled(const struct edit *e, const json_t *key, enum ctl_exit *ret)
{
	CLEANUP(cleanup_free) char *file = show_text(key, "section_file");
	CLEANUP(cleanup_free) char *name = show_text(key, "name");
	long long line = (long long)show_number(key, "section_line", 0);
	bool denied = json_is_true(json_object_get(key, "denied"));

	if (file == NULL || is_allowed_conf(file))
		return false;
	if (denied && !e->deny) {
		ctl_error("%s:%lld: key \"%s\" denies this key: take it out "
			  "first",
		    file, line, name == NULL ? "" : name);
		*ret = CTL_REFUSED;
		return true;
	}
	if (denied != e->deny)
		return false;
	printf("%s already by key \"%s\" (%s:%lld)\n",
	    denied ? "denied" : "allowed", name == NULL ? "" : name, file,
	    line);
	*ret = CTL_DONE;
	return true;
}

/* The chosen key's copies; to deny it one section is enough. */
static enum ctl_exit
write_sections(struct edit *e, const json_t *copies)
{
	size_t n = e->deny ? 1 : json_array_size(copies);
	enum ctl_exit result = CTL_DONE;

	for (size_t i = 0; i < n && result == CTL_DONE; i++) {
		const json_t *key = json_array_get(copies, i);
		CLEANUP(cleanup_free) char *why = show_text(key, "reason");

		if (json_string_length(json_object_get(key, "public_key")) ==
		    0) {
			ctl_error("this key cannot be used: %s",
			    why == NULL ? "SSH has no such keys" : why);
			return CTL_REFUSED;
		}
		if (!is_settled(e, key, &result))
			result = write_section(e, key);
	}
	return result;
}

/* With -f, or from another folder, it reads another config. */
static bool
agent_reads(const json_t *status, const char *path)
{
	const json_t *files = json_object_get(status, "config");

	for (size_t i = 0; i < json_array_size(files); i++) {
		CLEANUP(cleanup_free)
		char *file = show_value(json_array_get(files, i));

		if (file != NULL && strcmp(file, path) == 0)
			return true;
	}
	return false;
}

static enum ctl_exit
reload(const struct edit *e)
{
	CLEANUP(json_freep) json_t *status = NULL;
	enum ctl_exit result = client_command(e->c, "reload", &status);

	if (result != CTL_DONE || e->path == NULL ||
	    agent_reads(status, e->path))
		return result;
	ctl_error("this p11-agent does not read %s: it was started with -f, "
		  "or with another XDG_CONFIG_HOME",
	    e->path);
	return CTL_REFUSED;
}

/* What connections see of one copy of the key; false: against the command. */
static bool
tell_exposed(const struct edit *e, const json_t *key)
{
	CLEANUP(cleanup_free) char *reason = show_text(key, "reason");
	bool exposed = json_is_true(json_object_get(key, "exposed"));

	if (exposed)
		printf("connections see it as number %lld\n",
		    (long long)show_number(key, "position", 0));
	else
		printf("connections do not see it: %s\n",
		    reason == NULL ? "no reason given" : reason);
	if (e->deny)
		return !exposed;
	return exposed || !json_is_true(json_object_get(key, "denied"));
}

static enum ctl_exit
tell_now(const struct edit *e, const json_t *chosen)
{
	const json_t *wanted =
	    json_object_get(json_array_get(chosen, 0), "public_key");
	CLEANUP(json_freep) json_t *document = NULL;
	enum ctl_exit result = client_command(e->c, "keys", &document);
	const json_t *keys = json_object_get(document, "keys");
	size_t seen = 0;

	if (result != CTL_DONE)
		return result;
	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *key = json_array_get(keys, i);

		if (!json_equal(json_object_get(key, "public_key"), wanted))
			continue;
		seen++;
		if (!tell_exposed(e, key))
			result = CTL_REFUSED;
	}
	if (seen == 0)
		printf("its token is not there now%s\n",
		    e->deny ? "" : ", or shows it only after a login");
	return result;
}

static enum ctl_exit
edit_key(struct edit *e, const char *word)
{
	CLEANUP(json_freep) json_t *document = NULL;
	CLEANUP(json_freep) json_t *copies = NULL;
	enum ctl_exit result = client_command(e->c, "keys", &document);

	if (result != CTL_DONE)
		return result;
	if (!choose_key(document, word, &copies))
		return CTL_REFUSED;
	result = write_sections(e, copies);
	/* One section may be there before another one failed. */
	if (e->written) {
		enum ctl_exit loaded = reload(e);

		if (result == CTL_DONE)
			result = loaded;
	}
	return result == CTL_DONE ? tell_now(e, copies) : result;
}

enum ctl_exit
ctl_allow(const struct ctl *c)
{
	struct edit e = {
	    .c = c,
	    .name = c->n_words > 2 ? c->words[2] : NULL,
	};
	enum ctl_exit result = edit_key(&e, c->words[1]);

	free(e.path);
	return result;
}

enum ctl_exit
ctl_deny(const struct ctl *c)
{
	struct edit e = {.c = c, .deny = true};
	enum ctl_exit result = edit_key(&e, c->words[1]);

	free(e.path);
	return result;
}
