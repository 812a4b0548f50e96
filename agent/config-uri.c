/* SPDX-License-Identifier: BSD-2-Clause */
/* PKCS#11 URIs (RFC 7512), by p11-kit, and what is refused in them. */
#include "agent/config-uri.h"

#include <ctype.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <stdio.h>

#include "agent/config-scan.h"
#include "common/cleanup.h"
#include "common/limits.h"
#include "common/text.h"

#define SCHEME "pkcs11:"

enum use {
	USE_TOKEN, /* which token */
	USE_KEY,   /* which key on it */
	USE_NEVER,
};

/* The first rows of attributes[]. */
enum {
	ATTRIBUTE_MANUFACTURER,
	ATTRIBUTE_MODEL,
	ATTRIBUTE_SERIAL,
	ATTRIBUTE_TOKEN,
	ATTRIBUTE_SLOT_DESCRIPTION,
	ATTRIBUTE_OBJECT,
	ATTRIBUTE_ID,
	ATTRIBUTE_TYPE,
};

/* A name that ends in '-' stands for all that begin so. */
static const struct attribute {
	const char *name;
	enum use use;
	const char *why;  /* USE_NEVER */
	size_t max_bytes; /* of a field that PKCS#11 limits; else 0 */
} attributes[] = {
    [ATTRIBUTE_MANUFACTURER] = {"manufacturer", USE_TOKEN, NULL, 32},
    [ATTRIBUTE_MODEL] = {"model", USE_TOKEN, NULL, 16},
    [ATTRIBUTE_SERIAL] = {"serial", USE_TOKEN, NULL, 16},
    [ATTRIBUTE_TOKEN] = {"token", USE_TOKEN, NULL, 32},
    [ATTRIBUTE_SLOT_DESCRIPTION] = {"slot-description", USE_TOKEN, NULL,
	SLOT_DESCRIPTION_MAX_BYTES},
    [ATTRIBUTE_OBJECT] = {"object", USE_KEY, NULL, 0},
    [ATTRIBUTE_ID] = {"id", USE_KEY, NULL, 0},
    [ATTRIBUTE_TYPE] = {"type", USE_KEY, NULL, 0},
    {"slot-id", USE_NEVER, "slot numbers change; use serial or token instead",
	0},
    {"slot-manufacturer", USE_NEVER, "use slot-description instead", 0},
    {"pin-value", USE_NEVER, "a PIN must not stand in a config file", 0},
    {"pin-source", USE_NEVER, "set pin-source in a token section", 0},
    {"module-", USE_NEVER, "name the module in a provider section", 0},
    {"library-", USE_NEVER, "name the module in a provider section", 0},
};
enum { N_ATTRIBUTES = sizeof(attributes) / sizeof(attributes[0]) };

/* What p11-kit gives back as one blank-padded field, zeros where unset. */
struct field {
	char **to;
	const unsigned char *p;
	size_t len;
};

static void
uri_freep(P11KitUri **uri)
{
	p11_kit_uri_free(*uri);
}

static const struct attribute *
attribute_find(struct bytes name)
{
	for (size_t i = 0; i < N_ATTRIBUTES; i++) {
		struct bytes want = bytes_str(attributes[i].name);
		struct bytes have = name;

		if (want.p[want.len - 1] == '-' && have.len > want.len)
			have.len = want.len;
		if (bytes_equal(have, want))
			return &attributes[i];
	}
	return NULL;
}

/* How many bytes a percent-encoded value stands for. */
static size_t
decoded_length(struct bytes value)
{
	size_t n = 0;

	for (size_t i = 0; i < value.len; n++)
		i += value.p[i] == '%' ? 3 : 1;
	return n;
}

static const char *
check_attribute(struct bytes name, struct bytes value, bool of_token,
    uint32_t *seen, char words[static CONFIG_URI_WORDS])
{
	const struct attribute *a = attribute_find(name);
	char shown[64];

	text_printable(name, shown, sizeof(shown));
	if (a == NULL) {
		snprintf(words, CONFIG_URI_WORDS,
		    "no such attribute \"%s\" in a PKCS#11 URI", shown);
		return words;
	}
	if (a->use == USE_NEVER) {
		snprintf(words, CONFIG_URI_WORDS, "\"%s\": %s", shown, a->why);
		return words;
	}
	if (a->use == USE_KEY && of_token) {
		snprintf(words, CONFIG_URI_WORDS,
		    "\"%s\" names a key, and this is about a token", shown);
		return words;
	}
	if ((*seen & 1u << (a - attributes)) != 0) {
		snprintf(words, CONFIG_URI_WORDS, "\"%s\" twice", shown);
		return words;
	}
	*seen |= 1u << (a - attributes);
	/* p11-kit's fields begin with a NUL where nothing is set. */
	if (a->max_bytes != 0 && memmem(value.p, value.len, "%00", 3) != NULL)
		return "has a NUL in its text";
	if (a->max_bytes != 0 && decoded_length(value) > a->max_bytes) {
		snprintf(words, CONFIG_URI_WORDS,
		    "\"%s\" has more than %zu "
		    "bytes, which no token has",
		    shown, a->max_bytes);
		return words;
	}
	return NULL;
}

/*
 * p11-kit takes what it does not know, and does not say what it is; so look
 * at each name=value first.
 */
static const char *
check_attributes(const char *text, bool of_token, uint32_t *seen,
    char words[static CONFIG_URI_WORDS])
{
	const char *p = text + strlen(SCHEME);

	while (*p != '\0') {
		size_t len = strcspn(p, ";?&");
		const char *equals = memchr(p, '=', len);
		const char *wrong;
		size_t name_len;

		if (equals == NULL)
			return "is not name=value;name=value behind pkcs11:";
		name_len = (size_t)(equals - p);
		wrong = check_attribute(bytes_of(p, name_len),
		    bytes_of(equals + 1, len - name_len - 1), of_token, seen,
		    words);
		if (wrong != NULL)
			return wrong;
		p += len;
		if (*p != '\0' && *++p == '\0')
			return "ends in a separator: is it cut?";
	}
	return NULL;
}

/* Text that goes into messages, too. */
static const char *
take_text(char **to, struct bytes text)
{
	if (!config_text_ok(text))
		return "has a value that is no printable UTF-8";
	*to = bytes_strdup(text);
	return *to == NULL ? "out of memory" : NULL;
}

static const char *
take_token(P11KitUri *uri, struct uri_match *u)
{
	const CK_TOKEN_INFO *t = p11_kit_uri_get_token_info(uri);
	const CK_SLOT_INFO *s = p11_kit_uri_get_slot_info(uri);
	const struct field fields[] = {
	    {&u->manufacturer, t->manufacturerID, sizeof(t->manufacturerID)},
	    {&u->model, t->model, sizeof(t->model)},
	    {&u->serial, t->serialNumber, sizeof(t->serialNumber)},
	    {&u->token, t->label, sizeof(t->label)},
	    {&u->slot_description, s->slotDescription,
		sizeof(s->slotDescription)},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct field *f = &fields[i];
		const char *wrong;

		if (f->p[0] == '\0')
			continue;
		wrong = take_text(f->to, text_unpad(bytes_of(f->p, f->len)));
		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

static const char *
take_key(P11KitUri *uri, struct uri_match *u)
{
	const CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(uri, CKA_ID);
	const CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(uri, CKA_LABEL);
	const CK_ATTRIBUTE *class = p11_kit_uri_get_attribute(uri, CKA_CLASS);
	CK_OBJECT_CLASS type = CKO_PRIVATE_KEY;
	const char *wrong;

	if (class != NULL && class->ulValueLen == sizeof(type))
		memcpy(&type, class->pValue, sizeof(type));
	if (type != CKO_PRIVATE_KEY && type != CKO_PUBLIC_KEY)
		return "is of a type that is no key: leave \"type\" out";
	if (label != NULL &&
	    (wrong = take_text(&u->object,
		 bytes_of(label->pValue, label->ulValueLen))) != NULL)
		return wrong;
	if (id == NULL)
		return NULL;
	if (id->ulValueLen > KEY_ID_MAX_BYTES)
		return "has an id that is too long";
	if (!bytes_dup(
		bytes_of(id->pValue, id->ulValueLen), &u->id, &u->id_len))
		return "out of memory";
	return NULL;
}

/*
 * p11-kit drops an attribute when memory is out, and says nothing: the rest
 * would match more than it should.
 */
static bool
all_taken(uint32_t seen, P11KitUri *uri, const struct uri_match *u)
{
	const bool taken[] = {
	    [ATTRIBUTE_MANUFACTURER] = u->manufacturer != NULL,
	    [ATTRIBUTE_MODEL] = u->model != NULL,
	    [ATTRIBUTE_SERIAL] = u->serial != NULL,
	    [ATTRIBUTE_TOKEN] = u->token != NULL,
	    [ATTRIBUTE_SLOT_DESCRIPTION] = u->slot_description != NULL,
	    [ATTRIBUTE_OBJECT] = u->object != NULL,
	    [ATTRIBUTE_ID] = u->id != NULL,
	    [ATTRIBUTE_TYPE] =
		p11_kit_uri_get_attribute(uri, CKA_CLASS) != NULL,
	};

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if ((seen & 1u << i) != 0 && !taken[i])
			return false;
	return true;
}

const char *
config_uri_parse(const char *text, bool of_token, struct uri_match *ret,
    char words[static CONFIG_URI_WORDS])
{
	CLEANUP(uri_freep) P11KitUri *uri = NULL;
	const char *wrong;
	uint32_t seen = 0;
	int rc;

	*ret = (struct uri_match){0};
	if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
		return "does not begin with \"" SCHEME "\"";
	if ((wrong = check_attributes(text, of_token, &seen, words)) != NULL)
		return wrong;
	if ((uri = p11_kit_uri_new()) == NULL)
		return "out of memory";
	rc = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);
	if (rc == P11_KIT_URI_BAD_ENCODING)
		return "has a % that two hex digits do not follow";
	if (rc != P11_KIT_URI_OK || p11_kit_uri_any_unrecognized(uri)) {
		snprintf(words, CONFIG_URI_WORDS,
		    "p11-kit does not take it: %s",
		    rc == P11_KIT_URI_OK ? "unknown attribute or type"
					 : p11_kit_uri_message(rc));
		return words;
	}
	if ((wrong = take_token(uri, ret)) != NULL ||
	    (wrong = take_key(uri, ret)) != NULL)
		return wrong;
	return all_taken(seen, uri, ret) ? NULL : "out of memory";
}

/* "01", "0a:1B" and "0x01" as bytes; 0 when it is none of these. */
static size_t
hex_read(struct bytes text, uint8_t out[static KEY_ID_MAX_BYTES])
{
	char digits[2 * KEY_ID_MAX_BYTES + 1] = "0";
	/* An odd number begins with a 0 that was left out. */
	size_t n = 1, from;

	if (text.len > 2 && memcmp(text.p, "0x", 2) == 0)
		text = bytes_of(text.p + 2, text.len - 2);
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == ':' && n % 2 == 1 && i + 1 < text.len)
			continue;
		if (!isxdigit(text.p[i]) || n == sizeof(digits) - 1)
			return 0;
		digits[n++] = (char)text.p[i];
	}
	from = n % 2;
	for (size_t i = 0; from + 2 * i < n; i++)
		if (sscanf(digits + from + 2 * i, "%2hhx", &out[i]) != 1)
			return 0;
	return (n - from) / 2;
}

static void
put_id(char *out, struct bytes id)
{
	int at = sprintf(out, "id=");

	for (size_t i = 0; i < id.len; i++)
		at += sprintf(out + at, "%%%02X", id.p[i]);
}

bool
config_uri_doubt_id(const char *text, const struct uri_match *u,
    struct config_uri_doubt *ret)
{
	struct bytes id = bytes_of(u->id, u->id_len);
	uint8_t meant[KEY_ID_MAX_BYTES];
	char plain[8 + KEY_ID_MAX_BYTES];
	const char *at;
	size_t n;

	/* Bytes that are written with a % are meant as they are. */
	snprintf(plain, sizeof(plain), "id=%.*s", (int)id.len,
	    id.len > 0 ? (const char *)id.p : "");
	if (id.len == 0 || (at = strstr(text, plain)) == NULL ||
	    (at[-1] != ':' && at[-1] != ';') ||
	    (at[strlen(plain)] != '\0' && at[strlen(plain)] != ';') ||
	    (n = hex_read(id, meant)) == 0)
		return false;
	put_id(ret->meant, bytes_of(meant, n));
	put_id(ret->as_it_is, id);
	return true;
}
