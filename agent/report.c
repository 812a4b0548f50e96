/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's state for people and programs. */
#include "agent/report.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/allowlist.h"
#include "agent/config-flat.h"
#include "agent/device.h"
#include "agent/forget.h"
#include "agent/login.h"
#include "agent/process.h"
#include "agent/provider.h"
#include "agent/readers.h"
#include "agent/registry.h"
#include "agent/reload.h"
#include "agent/taken.h"
#include "agent/uri.h"
#include "agent/words.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "config.h"

/* jansson takes valid UTF-8 only, and text from a token may be anything. */
static json_t *
text_json(struct bytes text)
{
	CLEANUP(cleanup_free) char *printable = words_copy(text);

	return printable == NULL ? NULL : json_string(printable);
}

json_t *
string_json(const char *s)
{
	return s == NULL ? json_null() : text_json(bytes_str(s));
}

/* json_pack's "o" passes a failure on: NULL fails the whole. */
static json_t *
number_json(size_t n)
{
	return json_integer((json_int_t)n);
}

/* null for -1: it is not known. */
static json_t *
seconds_json(int64_t sec)
{
	return sec < 0 ? json_null() : json_integer(sec);
}

static json_t *
strings_json(char *const *strings)
{
	json_t *list = json_array();

	for (; strings != NULL && *strings != NULL; strings++)
		json_array_append_new(list, string_json(*strings));
	return list;
}

static const char *
provider_state_name(enum provider_state state)
{
	switch (state) {
	case PROVIDER_IDLE:
		return "not needed";
	case PROVIDER_SCANNING:
		return "scanning";
	case PROVIDER_READY:
		return "ready";
	case PROVIDER_FAILED:
		return "failed";
	}
	return "unknown";
}

static size_t
provider_tokens(const struct provider *p)
{
	const struct token *t;
	size_t n = 0;

	TAILQ_FOREACH(t, &p->agent->tokens, entry) {
		if (t->provider == p)
			n++;
	}
	return n;
}

/* The provider's section, "FILE:LINE"; null when it has none. */
static json_t *
provider_place_json(const struct provider *p)
{
	const struct config *c = p->agent->config;

	for (size_t i = 0; i < c->n_providers; i++) {
		const struct config_provider *s = &c->providers[i];
		char place[PATH_MAX_BYTES + 16];

		if (strcmp(s->name, p->name) != 0)
			continue;
		snprintf(place, sizeof(place), "%s:%u", s->place.file,
		    s->place.line);
		return string_json(place);
	}
	return json_null();
}

/* Tokens, then slots, that a scan has left out; one line each. */
static json_t *
provider_left_out_json(const struct provider *p)
{
	json_t *list = left_out_json(&p->left_out);
	char words[256];

	if (p->n_dropped == 0)
		return list;
	snprintf(words, sizeof(words), "%zu more token%s left out: %d are "
	    "kept of a provider, and those that a key section names by "
	    "serial, token, id, object or fingerprint", p->n_dropped,
	    p->n_dropped == 1 ? " is" : "s are", TOKENS_PER_PROVIDER_MAX);
	json_array_append_new(list, json_string(words));
	return list;
}

/* Keys and objects that are not among its keys; one line each. */
static json_t *
token_left_out_json(const struct token *t)
{
	json_t *list = json_array();
	char words[256];

	if (t->n_dropped > 0) {
		snprintf(words, sizeof(words), "%zu more key%s left out: %d "
		    "are kept of a token, and those that a key section names "
		    "by id, object or fingerprint", t->n_dropped,
		    t->n_dropped == 1 ? " is" : "s are", KEYS_PER_TOKEN_MAX);
		json_array_append_new(list, json_string(words));
	}
	if (t->n_unshown > 0) {
		snprintf(words, sizeof(words), "%zu object%s cannot be used: "
		    "unreadable, or too many", t->n_unshown,
		    t->n_unshown == 1 ? "" : "s");
		json_array_append_new(list, json_string(words));
	}
	return list;
}

static json_t *
provider_json(const struct provider *p)
{
	return json_pack("{so so so ss so so so so so so}",
	    "name", string_json(p->name),
	    "module", string_json(provider_module(p)),
	    "place", provider_place_json(p),
	    "state", provider_state_name(p->state),
	    "description", string_json(p->description),
	    "error", string_json(p->error),
	    "deaths", number_json(p->backoff.deaths),
	    "again_in_sec", seconds_json(provider_retry_sec(p)),
	    "left_out", provider_left_out_json(p),
	    "tokens", number_json(provider_tokens(p)));
}

static const char *
token_state_name(const struct token *t)
{
	if (!t->present)
		return "not there";
	if (t->hidden)
		return "hidden by ssh-add";
	if (taken_is(t->taken))
		return TAKEN_WORDS;
	if (t->process == NULL)
		return "no process";
	return process_is_ready(t->process) ? "ready" : "starting";
}

static json_t *
token_state_json(const struct token *t)
{
	const struct token *server = device_server(t);
	char words[256];

	if (server == NULL || t->hidden || t->process != NULL)
		return json_string(token_state_name(t));
	snprintf(words, sizeof(words), "the same card is served by "
	    "provider %s", server->provider->name);
	return string_json(words);
}

static const char *
token_login_name(const struct token *t)
{
	if ((t->flags & TOKEN_LOGIN_REQUIRED) == 0)
		return "not needed";
	return token_needs_login(t) ? "wants a PIN" : "logged in";
}

static json_t *
token_json(const struct token *t)
{
	char tries[1024];

	login_tries(t->login, tries, sizeof(tries));
	return json_pack("{so so so so so so so so so ss ss ss? so so so so so so}",
	    "name", string_json(t->name),
	    "label", text_json(t->id.label),
	    "manufacturer", text_json(t->id.manufacturer),
	    "model", text_json(t->id.model),
	    "serial", text_json(t->id.serial),
	    "reader", text_json(t->id.slot_description),
	    "provider", string_json(t->provider->name),
	    "state", token_state_json(t),
	    "pid", t->process == NULL ? json_null() :
	    number_json((size_t)process_pid(t->process)),
	    "login", token_login_name(t),
	    "pin", login_pin_state(t->login),
	    "pin_tries", tries[0] == '\0' ? NULL : tries,
	    "pins_in_doubt", number_json(login_pins_in_doubt(t->login)),
	    "last_error", string_json(t->last_error),
	    "deaths", number_json(t->backoff.deaths),
	    "again_in_sec", seconds_json(backoff_rest_ms(&t->backoff) > 0 ?
	    backoff_rest_sec(&t->backoff) : -1),
	    "keys", number_json(t->n_keys),
	    "left_out", token_left_out_json(t));
}

/* The modules that p11-kit has registered, and nobody uses. */
static json_t *
unused_json(const struct agent *a)
{
	const struct config_provider *m;
	json_t *list = json_array();
	size_t i = 0;
	char why[512];

	while ((m = registry_unused(a->registry, &i)) != NULL) {
		snprintf(why, sizeof(why), "not used: no file of the system's "
		    "registers this command. If it is yours: provider "
		    "\"%.128s\" { module = \"%.128s\" }", m->name, m->name);
		json_array_append_new(list, json_pack("{so so so}",
		    "name", string_json(m->name),
		    "remote", string_json(m->remote),
		    "reason", string_json(why)));
	}
	return list;
}

#define NOTHING_ALLOWED \
	"Nothing is exposed: no key is allowed yet. `p11-agentctl keys` " \
	"shows those there are, `p11-agentctl allow KEY` exposes one."

/* Modules run for `keys` only where nothing is allowed. */
static bool
providers_looked(const struct agent *a)
{
	const struct provider *p;

	TAILQ_FOREACH(p, &a->providers, entry)
		if (!p->settled)
			return false;
	return true;
}

/* What to do when nothing is exposed; NULL when something is. */
static json_t *
note_json(const struct agent *a)
{
	const struct config *c = a->config;
	const struct token *t;
	size_t n = 0;

	TAILQ_FOREACH(t, &a->tokens, entry)
		n += t->n_keys;
	if (a->n_exposed > 0)
		return json_null();
	if (n == 0 && c->n_keys == 0 && !providers_looked(a))
		return json_string(NOTHING_ALLOWED);
	if (n == 0 && c->n_providers == 0)
		return json_string("Nothing is exposed: no module that p11-kit "
		    "has registered shows a token with a key. Is it plugged "
		    "in? `p11-agentctl reload` looks again.\nAnother module "
		    "needs a section in p11-agent.conf, such as\n"
		    "    provider \"opensc\" { module = \"opensc-pkcs11.so\" "
		    "}");
	if (n == 0)
		return json_string("Nothing is exposed: no token with a key "
		    "was found. Is it plugged in? `p11-agentctl reload` "
		    "looks again.");
	if (c->n_keys == 0)
		return json_string(NOTHING_ALLOWED);
	return json_string("Nothing is exposed: no key section of the config "
	    "matches a key that can sign; the reasons stand at the keys.");
}

json_t *
report_status(const struct agent *a)
{
	json_t *providers = json_array(), *tokens = json_array();
	const struct provider *p;
	const struct token *t;

	/* What the placeholder stands for is there. */
	TAILQ_FOREACH(p, &a->providers, entry)
		if (p->source != PROVIDER_PLACEHOLDER ||
		    p->state != PROVIDER_READY)
			json_array_append_new(providers, provider_json(p));
	TAILQ_FOREACH(t, &a->tokens, entry)
		json_array_append_new(tokens, token_json(t));
	return json_pack("{ss so so so so so so so so so so so so so so}",
	    "version", P11_AGENT_VERSION,
	    "pid", number_json((size_t)getpid()),
	    "socket", string_json(a->socket_path),
	    "config", strings_json(a->config->files),
	    "config_warnings", strings_json(a->config->warnings),
	    "config_error", string_json(reload_error(a->reload)),
	    "readers_fault", string_json(readers_fault(a->readers)),
	    "forget_on_fault", string_json(forget_fault(a->forget)),
	    "providers", providers,
	    "unused", unused_json(a),
	    "tokens", tokens,
	    "identities", number_json(a->n_exposed),
	    "max_identities", number_json(a->config->max_identities),
	    "connections", number_json(a->n_clients),
	    "note", note_json(a));
}

/* "ssh-ed25519 AAAA…", or null for a key that SSH does not have. */
static json_t *
public_key_json(const struct key *k)
{
	const char *type = ssh_key_type_name(k->type);
	size_t size = strlen(type) + k->blob_len / 3 * 4 + 8;
	CLEANUP(cleanup_free) char *line = NULL;
	int n;

	if (k->blob == NULL)
		return json_null();
	if ((line = malloc(size)) == NULL)
		return NULL;
	n = snprintf(line, size, "%s ", type);
	EVP_EncodeBlock((unsigned char *)line + n, k->blob, (int)k->blob_len);
	return json_string(line);
}

static json_t *
key_id_json(const struct key *k)
{
	char hex[2 * KEY_ID_MAX_BYTES + 1];

	return json_string(text_hex(bytes_of(k->id, k->id_len), hex,
	    sizeof(hex)));
}

/* How its public key, private key and certificate are called. */
static json_t *
labels_json(const struct key *k)
{
	json_t *labels = json_array();

	if (k->label[0] != '\0')
		json_array_append_new(labels, string_json(k->label));
	for (size_t i = 0; i < KEY_OTHER_LABELS; i++)
		if (k->other_labels[i] != NULL)
			json_array_append_new(labels,
			    string_json(k->other_labels[i]));
	return labels;
}

static json_t *
key_json(const struct agent *a, const struct token *t, const struct key *k)
{
	CLEANUP(cleanup_free) char *uri = key_uri(t, k);
	CLEANUP(cleanup_free) char *whole = token_uri(t);
	const struct config_key *s = k->section;
	char reason[1024];
	bool exposed = k->position > 0 && k->position <= allowlist_shown(a);

	allowlist_reason(a, t, k, reason, sizeof(reason));
	return json_pack("{so so so so so so ss so so so so so so so sb so so sb "
	    "sb so so sb}",
	    "name", k->section == NULL ? json_null() :
	    string_json(k->section->name),
	    "type", string_json(ssh_key_type_name(k->type)),
	    "fingerprint", string_json(k->fingerprint),
	    "comment", k->section == NULL ? json_null() :
	    string_json(k->section->name),
	    "public_key", public_key_json(k),
	    "token", string_json(t->name),
	    "token_state", token_state_name(t),
	    "serial", text_json(t->id.serial),
	    "provider", string_json(t->provider->name),
	    "id", key_id_json(k),
	    "label", string_json(k->label),
	    "labels", labels_json(k),
	    "uri", string_json(uri),
	    "token_uri", string_json(whole),
	    "exposed", exposed,
	    "position", number_json(k->position),
	    "reason", string_json(reason),
	    "unproven", (k->flags & KEY_PRIVATE_SETTLED) == 0,
	    "hidden_before_login", (t->flags & TOKEN_LOGIN_REQUIRED) != 0 &&
	    !k->seen_before_login,
	    "section_file", string_json(s == NULL ? NULL : s->place.file),
	    "section_line", number_json(s == NULL ? 0 : s->place.line),
	    "denied", s != NULL && s->deny);
}

/* What is exposed, as connections see it; then by CKA_ID and public half. */
static int
key_compare(const void *va, const void *vb)
{
	const struct key *a = *(const struct key *const *)va;
	const struct key *b = *(const struct key *const *)vb;
	int r;

	/* 0 is no position, and comes last. */
	if (a->position != b->position)
		return a->position - 1 < b->position - 1 ? -1 : 1;
	r = bytes_compare(bytes_of(a->id, a->id_len),
	    bytes_of(b->id, b->id_len));
	return r != 0 ? r : memcmp(a->ref, b->ref, KEY_REF_BYTES);
}

/* In an order that does not change from scan to scan, as a module's may. */
static void
keys_append(json_t *out, const struct agent *a, const struct token *t)
{
	CLEANUP(cleanup_free) void *memory = calloc(t->n_keys + 1,
	    sizeof(const struct key *));
	const struct key **keys = memory;

	if (keys == NULL)
		return;
	for (size_t i = 0; i < t->n_keys; i++)
		keys[i] = &t->keys[i];
	qsort(keys, t->n_keys, sizeof(*keys), key_compare);
	for (size_t i = 0; i < t->n_keys; i++)
		json_array_append_new(out, key_json(a, t, keys[i]));
}

/* "NAME: " before each of the lines; takes them over. */
static void
left_out_append(json_t *out, const char *what, const char *name,
    json_t *lines)
{
	char words[2048];

	for (size_t i = 0; i < json_array_size(lines); i++) {
		snprintf(words, sizeof(words), "%s %s: %s", what, name,
		    json_string_value(json_array_get(lines, i)));
		json_array_append_new(out, string_json(words));
	}
	json_decref(lines);
}

json_t *
report_keys(const struct agent *a)
{
	json_t *keys = json_array(), *left_out = json_array();
	const struct provider *p;
	const struct token *t;

	TAILQ_FOREACH(t, &a->tokens, entry) {
		keys_append(keys, a, t);
		left_out_append(left_out, "token", t->name,
		    token_left_out_json(t));
	}
	TAILQ_FOREACH(p, &a->providers, entry)
		left_out_append(left_out, "provider", p->name,
		    provider_left_out_json(p));
	return json_pack("{so so so}", "keys", keys, "left_out", left_out,
	    "note", note_json(a));
}
