/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing PKCS#11 URIs. p11-kit could, but the daemon links no p11-kit. */
#include "agent/uri.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

enum { URI_MAX_BYTES = 4096 };

static const char HEX[] = "0123456789ABCDEF";

/* RFC 7512 section 2.3, and no sign that a config file takes as its own. */
static bool
uri_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || (c != 0 && strchr("-._~", c) != NULL);
}

/* name=value behind what is there; nothing for an empty value. */
static void
uri_put(struct buffer *b, const char *name, struct bytes value, bool encode)
{
	if (value.len == 0)
		return;
	if (b->len > sizeof("pkcs11:") - 1)
		buffer_put(b, bytes_str(";"));
	buffer_put(b, bytes_str(name));
	buffer_put(b, bytes_str("="));
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.p[i];

		if (!encode && uri_plain(c)) {
			buffer_put_u8(b, c);
			continue;
		}
		buffer_put_u8(b, '%');
		buffer_put_u8(b, (uint8_t)HEX[c >> 4]);
		buffer_put_u8(b, (uint8_t)HEX[c & 15]);
	}
}

/* Do tokens of other labels have its serial number, or has it none? */
static bool
serial_is_shared(const struct token *t)
{
	const struct token *u;

	if (t->id.serial.len == 0)
		return true;
	TAILQ_FOREACH(u, &t->agent->tokens, entry)
		if (bytes_equal(u->id.serial, t->id.serial) &&
		    !bytes_equal(u->id.label, t->id.label))
			return true;
	return false;
}

/*
 * A serial number stays. A label may not: OpenSC takes a PIV card's from a
 * certificate, which is renewed.
 */
static void
uri_put_token(struct buffer *b, const struct token *t)
{
	buffer_put(b, bytes_str("pkcs11:"));
	if (serial_is_shared(t))
		uri_put(b, "token", t->id.label, false);
	uri_put(b, "serial", t->id.serial, false);
}

char *
token_uri(const struct token *t)
{
	CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(URI_MAX_BYTES);

	uri_put_token(&b, t);
	return b.failed ? NULL : bytes_strdup(buffer_bytes(&b));
}

char *
key_uri(const struct token *t, const struct key *k)
{
	CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(URI_MAX_BYTES);

	uri_put_token(&b, t);
	uri_put(&b, "id", bytes_of(k->id, k->id_len), true);
	if (k->id_len == 0)
		uri_put(&b, "object", bytes_str(k->label), false);
	return b.failed ? NULL : bytes_strdup(buffer_bytes(&b));
}
