/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokens and their keys, as reported by provider processes. */
#include "agent/token.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/allowlist.h"
#include "agent/device.h"
#include "agent/announce.h"
#include "agent/events.h"
#include "agent/forget.h"
#include "agent/login.h"
#include "agent/process.h"
#include "agent/provider.h"
#include "agent/release.h"
#include "agent/sign-job.h"
#include "agent/taken.h"
#include "agent/token-match.h"
#include "agent/token-name.h"
#include "agent/words.h"
#include "common/array.h"
#include "common/cleanup.h"
#include "common/text.h"

void
token_log(const struct token *t, enum log_level level, const char *format, ...)
{
	const struct log_fields about = {.token = t->name};
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_event(level, &about, "%s: %s", t->name, text);
}

static void
key_clear(struct key *k)
{
	free(k->blob);
	free(k->id);
	free(k->label);
	for (size_t i = 0; i < KEY_OTHER_LABELS; i++)
		free(k->other_labels[i]);
	free(k->reason);
	*k = (struct key){.type = SSH_KEY_UNKNOWN};
}

static void
keys_free(struct key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		key_clear(&keys[i]);
	free(keys);
}

static enum ssh_key_type
key_type(enum key_kind kind)
{
	switch (kind) {
	case KEY_RSA:
		return SSH_KEY_RSA;
	case KEY_EC_P256:
		return SSH_KEY_ECDSA_P256;
	case KEY_EC_P384:
		return SSH_KEY_ECDSA_P384;
	case KEY_EC_P521:
		return SSH_KEY_ECDSA_P521;
	case KEY_ED25519:
		return SSH_KEY_ED25519;
	case KEY_OTHER:
		break;
	}
	return SSH_KEY_UNKNOWN;
}

/* A reason, unless the token gave one. False when memory is out. */
static bool
key_rule_out(struct key *k, const char *reason)
{
	if (k->reason == NULL)
		k->reason = strdup(reason);
	return k->reason != NULL;
}

/* The SSH form of the public half. False when memory is out. */
static bool
key_set_public(struct key *k, const struct public_key *p)
{
	CLEANUP(buffer_cleanup) struct buffer b =
	    BUFFER_INIT(2 * ATTRIBUTE_MAX_BYTES);

	k->type = key_type(p->kind);
	if (k->type == SSH_KEY_UNKNOWN)
		return true;
	switch (key_blob_put(&b, k->type, p->a, p->b)) {
	case PARSE_OK:
		break;
	case PARSE_VALUE:
		/* One such key, and OpenSSH would drop the whole list. */
		k->type = SSH_KEY_UNKNOWN;
		return key_rule_out(k, "OpenSSH takes no such public key");
	default:
		return false;
	}
	if (b.failed)
		return false;
	if (p->kind == KEY_RSA)
		k->modulus_bytes = p->a.len;
	return bytes_dup(buffer_bytes(&b), &k->blob, &k->blob_len) &&
	    key_blob_fingerprint(buffer_bytes(&b), k->fingerprint);
}

static bool
key_set_labels(struct key *k, const struct wire_key *w)
{
	if ((k->label = words_copy(w->label)) == NULL)
		return false;
	for (size_t i = 0; i < KEY_OTHER_LABELS; i++)
		if (w->other_labels[i].len > 0 && (k->other_labels[i] =
		    words_copy(w->other_labels[i])) == NULL)
			return false;
	return true;
}

static bool
key_from_wire(struct key *k, const struct wire_key *w)
{
	memcpy(k->ref, w->ref, sizeof(k->ref));
	k->flags = w->flags;
	if (w->reason.len > 0 && (k->reason = words_copy(w->reason)) == NULL)
		return false;
	return key_set_labels(k, w) && bytes_dup(w->id, &k->id, &k->id_len) &&
	    key_set_public(k, &w->key);
}

struct key *
token_key(const struct token *t, const uint8_t *ref)
{
	return ref_set_get(&t->index, ref);
}

bool
token_is_exposed(const struct token *t)
{
	for (size_t i = 0; i < t->n_keys; i++)
		if (t->keys[i].position > 0)
			return true;
	return false;
}

bool
key_is_called(const struct key *k, const char *label)
{
	if (strcmp(k->label, label) == 0)
		return true;
	for (size_t i = 0; i < KEY_OTHER_LABELS; i++)
		if (k->other_labels[i] != NULL &&
		    strcmp(k->other_labels[i], label) == 0)
			return true;
	return false;
}

/* The private key's label, which shows only after a login, stays as well. */
static void
key_inherit_label(struct key *k, char **label)
{
	if (*label == NULL || key_is_called(k, *label))
		return;
	for (size_t i = 0; i < KEY_OTHER_LABELS; i++) {
		if (k->other_labels[i] == NULL) {
			k->other_labels[i] = *label;
			*label = NULL;
			return;
		}
	}
}

static void
key_inherit_reason(struct key *k, struct key *old)
{
	if (k->reason == NULL) {
		k->reason = old->reason;
		old->reason = NULL;
	}
}

/* What the token's objects settled once is not unsettled by a public view. */
static void
key_inherit(struct key *k, struct key *old)
{
	k->hidden = old->hidden;
	k->seen_before_login |= old->seen_before_login;
	k->refused = old->refused;
	if (k->refused)
		key_inherit_reason(k, old);
	if ((old->flags & KEY_PRIVATE_SETTLED) == 0 ||
	    (k->flags & KEY_PRIVATE_SETTLED) != 0)
		return;
	k->flags |= old->flags &
	    (KEY_PRIVATE_SETTLED | KEY_HAS_PRIVATE | KEY_ALWAYS_AUTHENTICATE);
	key_inherit_reason(k, old);
	for (size_t i = 0; i < KEY_OTHER_LABELS; i++)
		key_inherit_label(k, &old->other_labels[i]);
}

static void
key_move(struct key *to, struct key *from)
{
	*to = *from;
	/* The place goes to it when the old keys do: see token_replace_keys. */
	to->position = 0;
	from->blob = from->id = NULL;
	from->label = from->reason = NULL;
	memset(from->other_labels, 0, sizeof(from->other_labels));
}

/*
 * Put the keys in place of the old ones. What is exposed stays so, be it with
 * the new ones, until the allowlist has looked at them.
 */
static bool
token_replace_keys(struct token *t, struct key *keys, size_t n)
{
	struct ref_set index = {0};
	struct exposed *e = t->agent->exposed;
	bool lost = false;

	if (!ref_set_init(&index, n))
		return false;
	for (size_t i = 0; i < n; i++)
		ref_set_put(&index, keys[i].ref, &keys[i]);
	for (size_t i = 0; i < t->n_keys; i++) {
		const struct key *old = &t->keys[i];
		struct key *k = ref_set_get(&index, old->ref);

		if (old->position > 0 && k == NULL)
			lost = true;
		if (k == NULL || k->position > 0)
			continue;
		k->section = old->section;
		k->position = old->position;
		if (k->position > 0)
			e[k->position - 1].key = k;
	}
	ref_set_clear(&t->index);
	keys_free(t->keys, t->n_keys);
	t->keys = keys;
	t->n_keys = n;
	t->index = index;
	if (lost)
		allowlist_update(t->agent);
	return true;
}

/* Replace the keys by those of a report. False when memory is out. */
static bool
token_set_keys(struct token *t, struct wire_token *w)
{
	bool settled = (w->flags & TOKEN_LOGGED_IN) != 0 ||
	    (w->flags & TOKEN_LOGIN_REQUIRED) == 0;
	struct key *keys = calloc(w->n_keys + t->n_keys + 1, sizeof(*keys));
	struct key *fewer;
	struct wire_key wk;
	size_t n = 0, dropped = 0;

	if (keys == NULL)
		return false;
	for (size_t i = 0; i < t->n_keys; i++)
		t->keys[i].renewed = false;
	while (wire_key_next(w, &wk)) {
		struct key *old = token_key(t, wk.ref);

		if (!key_from_wire(&keys[n], &wk)) {
			keys_free(keys, n + 1);
			return false;
		}
		if (n >= KEYS_PER_TOKEN_MAX &&
		    !allowlist_names_key(t->agent, t, &keys[n])) {
			key_clear(&keys[n]);
			dropped++;
			continue;
		}
		keys[n].seen_before_login = (w->flags & TOKEN_LOGGED_IN) == 0;
		if (old != NULL) {
			key_inherit(&keys[n], old);
			old->renewed = true;
		}
		n++;
	}
	/* Keys that show only after a login are still there before it. */
	for (size_t i = 0; i < t->n_keys && !settled; i++) {
		struct key *old = &t->keys[i];

		if ((old->flags & KEY_PRIVATE_SETTLED) != 0 &&
		    !old->renewed && (n < KEYS_PER_TOKEN_MAX ||
		    allowlist_names_key(t->agent, t, old)))
			key_move(&keys[n++], old);
	}
	if (dropped > 0 && (fewer = array_resize(keys, n + 1,
	    sizeof(*keys))) != NULL)
		keys = fewer;
	t->n_dropped = dropped;
	if (token_replace_keys(t, keys, n))
		return true;
	keys_free(keys, n);
	return false;
}

/*
 * Copy the five texts of an id behind one another; the views point there.
 * Without memory for them the token keeps the id that it has.
 */
static bool
token_set_id(struct token *t, const struct token_id *id)
{
	const struct bytes from[] = {id->manufacturer, id->model, id->serial,
	    id->label, id->slot_description};
	struct bytes *const to[] = {&t->id.manufacturer, &t->id.model,
	    &t->id.serial, &t->id.label, &t->id.slot_description};
	size_t n = sizeof(from) / sizeof(from[0]), len = 1;
	char *p, *before = t->text;

	for (size_t i = 0; i < n; i++)
		len += from[i].len;
	if ((p = malloc(len)) == NULL)
		return false;
	t->text = p;
	for (size_t i = 0; i < n; i++) {
		if (from[i].len > 0)
			memcpy(p, from[i].p, from[i].len);
		*to[i] = bytes_of(p, from[i].len);
		p += from[i].len;
	}
	free(before);
	return token_set_name(t, TOKEN_NAME_SHORT);
}

static struct token *
token_new(struct provider *provider, const struct token_id *id)
{
	struct token *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->agent = provider->agent;
	t->provider = provider;
	TAILQ_INIT(&t->held);
	TAILQ_INSERT_TAIL(&t->agent->tokens, t, entry);
	if (!token_set_id(t, id) || (t->login = login_new(t)) == NULL ||
	    (t->release = release_new(t)) == NULL ||
	    (t->taken = taken_new(t)) == NULL)
		return token_free(t);
	return t;
}

/* As many of its provider as are kept, without it. */
static bool
provider_is_full(const struct token *t)
{
	const struct token *u;
	size_t present = 0, n = 0;

	TAILQ_FOREACH(u, &t->agent->tokens, entry) {
		if (u == t || u->provider != t->provider)
			continue;
		n++;
		present += u->present;
	}
	return present >= TOKENS_PER_PROVIDER_MAX ||
	    n >= 2 * TOKENS_PER_PROVIDER_MAX;
}

/* The token that this is, or a new one; NULL: no memory. */
static struct token *
token_for(struct provider *provider, const struct wire_token *w)
{
	struct token *t = token_match(provider, w);

	if (t != NULL && token_id_equal(&t->id, &w->id))
		return t;
	if (t == NULL)
		t = token_new(provider, &w->id);
	else if (!token_set_id(t, &w->id))
		return NULL;
	tokens_set_names(provider->agent);
	return t;
}

bool
token_update(struct token *t, struct wire_token *w, enum token_view view)
{
	if (!token_set_keys(t, w))
		return false;
	t->flags = w->flags | (view == TOKEN_VIEW_SCAN ?
	    t->flags & TOKEN_LOGGED_IN : 0);
	t->pin_min = w->pin_min;
	t->pin_max = w->pin_max;
	if (t->place.at != w->place.at || t->place.of != w->place.of) {
		t->place = w->place;
		tokens_set_names(t->agent);
	}
	t->n_unshown = w->n_unshown;
	t->seen = true;
	t->scanned |= view == TOKEN_VIEW_SCAN;
	if (!t->present) {
		token_log(t, LOG_LEVEL_INFO, "here");
		event_emit(t->agent, EVENT_TOKEN_HERE,
		    &(struct event_about){.token = t});
		backoff_over(&t->backoff);
	}
	t->present = true;
	device_found(t);
	allowlist_later(t->agent);
	taken_end(t->taken, TAKEN_FREE);
	return true;
}

struct token *
token_report(struct provider *provider, struct wire_token *w,
    enum token_view view)
{
	struct token *t = token_for(provider, w);
	struct wire_token copy = *w;

	if (t == NULL)
		return NULL;
	/* With its keys it can be told whether it is named. */
	if (!t->present && provider_is_full(t)) {
		if (!token_set_keys(t, &copy))
			return token_free(t);
		if (!allowlist_names_token(t->agent, t)) {
			provider->n_dropped++;
			return token_free(t);
		}
	}
	return token_update(t, w, view) ? t : NULL;
}

void
token_close(struct token *t, const char *why)
{
	/* First: else the next one would ask for a PIN at once. */
	sign_held_fail(t, why);
	login_forget(t->login, why);
	process_end(t->process, why);
}

/* By ssh-add, until the next -s: also when it was away meanwhile. */
static bool
token_hides(const struct token *t)
{
	for (size_t i = 0; i < t->n_keys; i++)
		if (t->keys[i].hidden)
			return true;
	return t->hidden;
}

void
token_tidy(struct token *t)
{
	if (!t->present && t->process == NULL && !token_hides(t) &&
	    !login_remembers(t->login))
		token_free(t);
}

void
token_leave(struct token *t, const char *why)
{
	if (!t->present)
		return;
	token_log(t, LOG_LEVEL_INFO, "%s", why);
	event_emit(t->agent, EVENT_TOKEN_LEFT,
	    &(struct event_about){.token = t, .text = why});
	t->present = false;
	token_try_again(t);
	allowlist_drop(t);
	login_token_left(t->login, why,
	    forget_is_wanted(t, FORGET_ON_REMOVAL));
	/*
	 * A call in flight may end by itself, as it does with most modules.
	 * In one that looks for its token still, nothing is.
	 */
	if (t->process != NULL && process_is_ready(t->process) &&
	    process_is_busy(t->process))
		process_leave(t->process);
	else
		process_end(t->process, why);
	taken_end(t->taken, TAKEN_NOT);
	token_tidy(t);
}

struct token *
token_free(struct token *t)
{
	struct agent *agent;

	if (t == NULL)
		return NULL;
	agent = t->agent;
	TAILQ_REMOVE(&agent->tokens, t, entry);
	t->present = false;
	/* The process first: it may owe the login an answer. */
	process_end(t->process, "the token is gone");
	t->taken = taken_free(t->taken);
	sign_held_next(t);
	t->login = login_free(t->login);
	t->release = release_free(t->release);
	allowlist_drop(t);
	ref_set_clear(&t->index);
	keys_free(t->keys, t->n_keys);
	free(t->text);
	free(t->name);
	free(t->last_error);
	free(t);
	tokens_set_names(agent);
	return NULL;
}

bool
token_needs_login(const struct token *t)
{
	return (t->flags & TOKEN_LOGIN_REQUIRED) != 0 &&
	    (t->process == NULL || (t->flags & TOKEN_LOGGED_IN) == 0);
}

void
token_key_unusable(struct token *t, struct key *k, const char *reason)
{
	free(k->reason);
	k->reason = strdup(reason);
	k->refused = true;
	allowlist_update(t->agent);
}

void
token_try_again(struct token *t)
{
	bool any = false;

	for (size_t i = 0; i < t->n_keys; i++) {
		struct key *k = &t->keys[i];

		if (!k->refused)
			continue;
		free(k->reason);
		k->reason = NULL;
		k->refused = false;
		any = true;
	}
	if (any)
		allowlist_update(t->agent);
}

/* Which program knows the token best; the first that fits. */
static const struct {
	const char *word; /* in reader, manufacturer or model */
	const char *command;
} unblock_commands[] = {
	{"Yubi", "ykman piv access unblock-pin"},
};

static bool
bytes_mention(struct bytes text, const char *word)
{
	return memmem(text.p, text.len, word, strlen(word)) != NULL;
}

const char *
token_unblock_command(const struct token *t)
{
	for (size_t i = 0; i < sizeof(unblock_commands) /
	    sizeof(unblock_commands[0]); i++) {
		const char *word = unblock_commands[i].word;

		if (bytes_mention(t->id.slot_description, word) ||
		    bytes_mention(t->id.manufacturer, word) ||
		    bytes_mention(t->id.model, word))
			return unblock_commands[i].command;
	}
	return "pkcs11-tool --login --login-type so --init-pin";
}

const char *
token_change_command(const struct token *t,
    char buf[static TOKEN_COMMAND_BYTES])
{
	snprintf(buf, TOKEN_COMMAND_BYTES, "pkcs11-tool --module %s --login "
	    "--change-pin", provider_module(t->provider));
	return buf;
}

void
token_set_error(struct token *t, const char *text)
{
	free(t->last_error);
	t->last_error = text == NULL ? NULL : strdup(text);
	if (text != NULL)
		announce_error(t->agent, t->name, text);
}
