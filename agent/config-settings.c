/* SPDX-License-Identifier: BSD-2-Clause */
/* Which settings there are, and what they do to a section. */
#include "agent/config-section.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/config-file.h"
#include "agent/config-pubkey.h"
#include "agent/config-uri.h"
#include "common/cleanup.h"

enum {
	START_WAIT_MAX_MS = 10 * 60 * 1000,
	SPAN_MAX_SEC = 31 * 24 * 60 * 60,
	PUBKEY_FILE_MAX_BYTES = 64 * 1024,
	FINGERPRINT_DIGITS = 43, /* of unpadded base64, for 32 bytes */
};

#define FINGERPRINT_HEAD "SHA256:"

/* "NAME: WORDS", at the place of the value. Always false. */
static bool
refuse(
    struct config_section *s, const struct config_values *v, const char *words)
{
	return config_fail(
	    s->l, s->file, s->line, "%s = \"%s\": %s", v->name, v->v[0], words);
}

bool
config_set_text(struct config_section *s, char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
	return *to != NULL || config_fail_memory(s->l);
}

static bool
set_list(struct config_section *s, char ***to, const struct config_values *v)
{
	char **list = calloc(v->n + 1, sizeof(*list));

	for (size_t i = 0; *to != NULL && (*to)[i] != NULL; i++)
		free((*to)[i]);
	free(*to);
	*to = list;
	if (list == NULL)
		return config_fail_memory(s->l);
	for (size_t i = 0; i < v->n; i++)
		if (!config_set_text(s, &list[i], v->v[i]))
			return false;
	return true;
}

static bool
set_yes_no(struct config_section *s, const struct config_values *v, bool *to)
{
	bool yes = strcmp(v->v[0], "yes") == 0;

	if (!yes && strcmp(v->v[0], "no") != 0)
		return refuse(s, v, "is yes or no");
	*to = yes;
	return true;
}

/* A whole number up to 9 digits, in front of *rest; false without one. */
static bool
parse_number(const char *text, uint32_t *ret, const char **rest)
{
	size_t digits = 0;
	uint32_t n = 0;

	for (; isdigit((unsigned char)text[digits]); digits++) {
		if (digits == 9)
			return false;
		n = n * 10 + (uint32_t)(text[digits] - '0');
	}
	*ret = n;
	*rest = text + digits;
	return digits > 0;
}

/* Outside of sections. */

static bool
set_max_identities(struct config_section *s, const struct config_values *v)
{
	const char *rest;
	uint32_t n;

	if (!parse_number(v->v[0], &n, &rest) || *rest != '\0' || n < 1 ||
	    n > IDENTITIES_MAX)
		return refuse(s, v, "is 1, 2 or 3");
	s->l->config->max_identities = n;
	return true;
}

static bool
set_start_wait(struct config_section *s, const struct config_values *v)
{
	static const struct {
		const char *unit;
		uint32_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}};
	const char *rest;
	uint32_t n;

	if (!parse_number(v->v[0], &n, &rest))
		return refuse(s, v, "is a time like 500ms, 3s or 2m");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(units[i].unit, rest) != 0)
			continue;
		if (n > START_WAIT_MAX_MS / units[i].ms)
			return refuse(s, v, "is at most 10m");
		s->l->config->start_wait_ms = n * units[i].ms;
		return true;
	}
	return refuse(s, v, "is a time with its unit: 500ms, 3s, 2m");
}

static bool
set_allow_root(struct config_section *s, const struct config_values *v)
{
	return set_yes_no(s, v, &s->l->config->allow_root);
}

const struct config_setting config_settings[] = {
    {"max-identities", false, set_max_identities, "1, 2 or 3", "3"},
    {"start-wait", false, set_start_wait, "time", "3s"},
    {"allow-root", false, set_allow_root, "yes or no", "yes"},
    {0},
};

/* provider */

static bool
set_module(struct config_section *s, const struct config_values *v)
{
	const char *m = v->v[0];

	if (m[0] == '\0' || (m[0] != '/' && strchr(m, '/') != NULL))
		return refuse(s, v,
		    "is a name that p11-kit has registered, "
		    "a file name, or a path that begins with /");
	if (strlen(m) >= PATH_MAX_BYTES)
		return refuse(s, v, "is too long");
	return config_set_text(s, &s->provider.module, m);
}

static bool
set_init_args(struct config_section *s, const struct config_values *v)
{
	return config_set_text(s, &s->provider.init_args, v->v[0]);
}

static bool
is_env(const char *text)
{
	size_t n = 0;

	if (isdigit((unsigned char)text[0]))
		return false;
	while (isalnum((unsigned char)text[n]) || text[n] == '_')
		n++;
	return n > 0 && text[n] == '=';
}

static bool
set_env(struct config_section *s, const struct config_values *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (!is_env(v->v[i]))
			return config_fail(s->l, s->file, s->line,
			    "%s: \"%s\" is not NAME=VALUE", v->name, v->v[i]);
	return set_list(s, &s->provider.env, v);
}

const struct config_setting config_provider_settings[] = {
    {"module", false, set_module, "name, file name or path", "required"},
    {"init-args", false, set_init_args, "text", "none"},
    {"env", true, set_env, "list of NAME=VALUE", "none"},
    {0},
};

/* token */

static bool
set_uri(struct config_section *s, const struct config_values *v, bool of_token,
    struct uri_match *to)
{
	char words[CONFIG_URI_WORDS];
	const char *wrong;

	uri_match_clear(to);
	wrong = config_uri_parse(v->v[0], of_token, to, words);
	return wrong == NULL || refuse(s, v, wrong);
}

static bool
set_token_uri(struct config_section *s, const struct config_values *v)
{
	s->token_has_uri = true;
	return set_uri(s, v, true, &s->token.uri);
}

/* What p11-agent-prompt can ask, and whether a ":" and more belongs to it. */
static const struct pin_source {
	const char *name;
	bool argument;
} pin_sources[] = {
    {"pinentry", false},
    {"askpass", false},
    {"tty", false},
    {"credential:", true},
    {"command:", true},
};

static bool
is_pin_source(const char *text)
{
	for (size_t i = 0; i < sizeof(pin_sources) / sizeof(pin_sources[0]);
	     i++) {
		const struct pin_source *p = &pin_sources[i];
		size_t len = strlen(p->name);

		if (!p->argument && strcmp(text, p->name) == 0)
			return true;
		if (p->argument && strncmp(text, p->name, len) == 0 &&
		    text[len] != '\0')
			return true;
	}
	return false;
}

/* Where the service manager puts them is known in the daemon's own child. */
static void
doubt_credential(struct config_section *s, const char *source)
{
	static const char head[] = "credential:";
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX_BYTES];
	int n;

	if (folder == NULL || strncmp(source, head, strlen(head)) != 0)
		return;
	source += strlen(head);
	n = snprintf(path, sizeof(path), "%s/%s", folder, source);
	if (n > 0 && (size_t)n < sizeof(path) && access(path, F_OK) != 0)
		config_warn(s->l, s->file, s->line,
		    "pin-source: there is no credential %s in %s", source,
		    folder);
}

static bool
set_pin_source(struct config_section *s, const struct config_values *v)
{
	size_t bytes = 0;

	for (size_t i = 0; i < v->n; i++) {
		if (!is_pin_source(v->v[i]))
			return config_fail(s->l, s->file, s->line,
			    "%s: \"%s\" is no PIN source: there are "
			    "pinentry, askpass, tty, credential:NAME and "
			    "command:COMMAND",
			    v->name, v->v[i]);
		/* They go to p11-agent-prompt as one text. */
		bytes += strlen(v->v[i]) + 1;
	}
	/* The others were looked at before. */
	if (v->n > 0)
		doubt_credential(s, v->v[v->n - 1]);
	if (bytes > WIRE_TEXT_MAX_BYTES)
		return config_fail(s->l, s->file, s->line,
		    "%s: more than %d bytes", v->name, WIRE_TEXT_MAX_BYTES);
	return set_list(s, &s->token.pin_sources, v);
}

/* 1s to 31d, in seconds. */
static bool
parse_span(const char *text, uint32_t *ret)
{
	static const struct {
		const char *unit;
		uint32_t sec;
	} units[] = {{"s", 1}, {"m", 60}, {"h", 60 * 60}, {"d", 24 * 60 * 60}};
	const char *rest;
	uint32_t n;

	if (!parse_number(text, &n, &rest))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(units[i].unit, rest) != 0)
			continue;
		*ret = n * units[i].sec;
		return n > 0 && n <= SPAN_MAX_SEC / units[i].sec;
	}
	return false;
}

static bool
set_login(struct config_section *s, const struct config_values *v)
{
	struct config_token *t = &s->token;

	t->login_sec = 0;
	if (strcmp(v->v[0], "session") == 0)
		t->login = LOGIN_SESSION;
	else if (strcmp(v->v[0], "each") == 0)
		t->login = LOGIN_EACH;
	else if (parse_span(v->v[0], &t->login_sec))
		t->login = LOGIN_SECONDS;
	else
		return refuse(s, v,
		    "is session, each, or a time from 1s to 31d (units s, m, "
		    "h, d)");
	return true;
}

static bool
set_keep_pin(struct config_section *s, const struct config_values *v)
{
	uint32_t *sec = &s->token.keep_pin_sec;

	if (strcmp(v->v[0], "no") == 0)
		*sec = 0;
	else if (strcmp(v->v[0], "session") == 0)
		*sec = UINT32_MAX;
	else if (!parse_span(v->v[0], sec))
		return refuse(s, v,
		    "is no, session, or a time from 1s to 31d (units s, m, "
		    "h, d)");
	return true;
}

static bool
set_forget_on(struct config_section *s, const struct config_values *v)
{
	static const struct {
		const char *name;
		enum config_forget_on when;
	} names[] = {
	    {"removal", FORGET_ON_REMOVAL},
	    {"sleep", FORGET_ON_SLEEP},
	    {"screen-lock", FORGET_ON_SCREEN_LOCK},
	};
	const size_t n_names = sizeof(names) / sizeof(names[0]);
	uint8_t set = 0;

	for (size_t i = 0; i < v->n; i++) {
		size_t n = 0;

		while (n < n_names && strcmp(names[n].name, v->v[i]) != 0)
			n++;
		if (n == n_names)
			return config_fail(s->l, s->file, s->line,
			    "%s: \"%s\" is not removal, sleep or screen-lock",
			    v->name, v->v[i]);
		set |= (uint8_t)names[n].when;
	}
	s->token.forget_on = set;
	return true;
}

static bool
set_release(struct config_section *s, const struct config_values *v)
{
	uint32_t *sec = &s->token.release_sec;

	if (strcmp(v->v[0], "no") == 0)
		*sec = 0;
	else if (!parse_span(v->v[0], sec))
		return refuse(s, v,
		    "is no, or a time from 1s to 31d (units s, m, h, d)");
	return true;
}

const struct config_setting config_token_settings[] = {
    {"uri", false, set_token_uri, "PKCS#11 URI", "required"},
    {"login", false, set_login, "session, each or a time", "session"},
    {"keep-pin", false, set_keep_pin, "no, session or a time", "no"},
    {"forget-on", true, set_forget_on,
	"list of removal, sleep and screen-lock", "none"},
    {"pin-source", true, set_pin_source, "list of PIN sources",
	"pinentry, askpass"},
    {"release", false, set_release, "no or a time", "no"},
    {0},
};

/* key */

static bool
set_key_uri(struct config_section *s, const struct config_values *v)
{
	struct config_uri_doubt doubt;

	s->key.has_uri = true;
	if (!set_uri(s, v, false, &s->key.uri))
		return false;
	if (config_uri_doubt_id(v->v[0], &s->key.uri, &doubt))
		config_warn(s->l, s->file, s->line,
		    "uri: its id is text, not hex: if hex was meant, write "
		    "%s; if text was meant, write %s",
		    doubt.meant, doubt.as_it_is);
	return true;
}

static bool
is_base64_digit(char c)
{
	return isalnum((unsigned char)c) || c == '+' || c == '/';
}

static bool
set_fingerprint(struct config_section *s, const struct config_values *v)
{
	const char *p = v->v[0];
	size_t digits = 0;

	if (strncmp(p, FINGERPRINT_HEAD, strlen(FINGERPRINT_HEAD)) != 0)
		return refuse(
		    s, v, "is \"SHA256:…\", as ssh-keygen -l prints it");
	p += strlen(FINGERPRINT_HEAD);
	while (is_base64_digit(p[digits]))
		digits++;
	if (digits != FINGERPRINT_DIGITS || p[digits] != '\0')
		return refuse(
		    s, v, "has not 43 base64 digits behind \"SHA256:\"");
	return config_set_text(s, &s->key.fingerprint, v->v[0]);
}

static bool
refuse_file(struct config_section *s, const struct config_values *v,
    const char *path, const char *words)
{
	return config_fail(
	    s->l, s->file, s->line, "%s: %s: %s", v->name, path, words);
}

static bool
set_file(struct config_section *s, const struct config_values *v)
{
	CLEANUP(cleanup_free) char *path = config_path(s->file, v->v[0]);
	char words[CONFIG_FILE_WORDS], key_words[CONFIG_PUBKEY_WORDS];
	struct config_file f = {0};
	const char *wrong;
	bool missing;

	if (path == NULL)
		return refuse(s, v, config_path_error());
	wrong =
	    config_file_read(path, PUBKEY_FILE_MAX_BYTES, &f, &missing, words);
	free(s->key.public_key);
	s->key.public_key = NULL;
	if (wrong == NULL)
		wrong = config_pubkey_parse(buffer_bytes(&f.text),
		    &s->key.public_key, &s->key.public_key_len, key_words);
	buffer_clear(&f.text);
	return wrong == NULL || refuse_file(s, v, path, wrong);
}

static bool
set_deny(struct config_section *s, const struct config_values *v)
{
	return set_yes_no(s, v, &s->key.deny);
}

const struct config_setting config_key_settings[] = {
    {"uri", false, set_key_uri, "PKCS#11 URI", "none"},
    {"fingerprint", false, set_fingerprint, "fingerprint", "none"},
    {"file", false, set_file, "path", "none"},
    {"deny", false, set_deny, "yes or no", "no"},
    {0},
};
