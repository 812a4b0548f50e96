/* SPDX-License-Identifier: BSD-2-Clause */
/* The messages of the wire, taken apart. */
#include "pkcs11/wire.h"

enum {
	KEY_FLAGS_ALL = (KEY_NO_LOGIN << 1) - 1,
	TOKEN_FLAGS_ALL = (TOKEN_PIN_TO_CHANGE << 1) - 1,
	/* A key of empty parts: ref, kind, flags and the lengths of five. */
	KEY_LEAST_BYTES = KEY_REF_BYTES + 1 + 4 + 5 * 4,
	/* A place, five empty texts, a flag. */
	LEFT_OUT_LEAST_BYTES = 2 * 4 + 5 * 4 + 1,
	POINT_UNCOMPRESSED = 4, /* SEC 1 section 2.3.3 */
};

/* How long `a` of each kind is; 0: of its own length. */
static const struct {
	enum key_kind kind;
	size_t a_bytes;
	bool is_point;
} key_forms[] = {
	{KEY_RSA, 0, false},
	{KEY_EC_P256, 1 + 2 * 32, true},
	{KEY_EC_P384, 1 + 2 * 48, true},
	{KEY_EC_P521, 1 + 2 * 66, true},
	{KEY_ED25519, 32, false},
	{KEY_OTHER, 0, false},
};
enum { N_KEY_FORMS = sizeof(key_forms) / sizeof(key_forms[0]) };

/* What is signed: a digest of a set length, or a message. */
static const struct {
	enum sign_algorithm algorithm;
	size_t data_bytes[3]; /* lengths that it may have; 0: no more */
} sign_forms[] = {
	{SIGN_RSA_SHA256, {32}},
	{SIGN_RSA_SHA512, {64}},
	{SIGN_ECDSA, {32, 48, 64}},
	{SIGN_ED25519, {0}},
};
enum { N_SIGN_FORMS = sizeof(sign_forms) / sizeof(sign_forms[0]) };

/* One byte from first to last. */
static uint8_t
read_enum(struct reader *r, uint8_t first, uint8_t last)
{
	uint8_t v = reader_u8(r);

	if (v < first || v > last)
		reader_fail(r, PARSE_VALUE);
	return v;
}

static uint32_t
read_flags(struct reader *r, uint32_t all)
{
	uint32_t flags = reader_u32(r);

	if ((flags & ~all) != 0)
		reader_fail(r, PARSE_VALUE);
	return flags;
}

static struct bytes
read_text(struct reader *r)
{
	return reader_string_max(r, WIRE_TEXT_MAX_BYTES);
}

static void
read_ref(struct reader *r, uint8_t ret[static KEY_REF_BYTES])
{
	struct bytes ref = reader_raw(r, KEY_REF_BYTES);

	if (ref.len == KEY_REF_BYTES)
		memcpy(ret, ref.p, KEY_REF_BYTES);
}

static struct token_id
read_token_id(struct reader *r)
{
	struct token_id id;

	id.manufacturer = read_text(r);
	id.model = read_text(r);
	id.serial = read_text(r);
	id.label = read_text(r);
	id.slot_description = reader_string_max(r, SLOT_DESCRIPTION_MAX_BYTES);
	return id;
}

/* Either not known, or one among those that there can be. */
static struct slot_place
read_place(struct reader *r)
{
	struct slot_place p;

	p.at = reader_u32(r);
	p.of = reader_u32(r);
	if (r->err == PARSE_OK && (p.of > SLOTS_PER_PROVIDER_MAX ||
	    (p.of == 0 ? p.at != 0 : p.at >= p.of)))
		reader_fail(r, PARSE_VALUE);
	return p;
}

static struct wire_left_out
read_left_out(struct reader *r)
{
	struct wire_left_out l;

	l.place = read_place(r);
	l.id = read_token_id(r);
	l.last = reader_bool(r);
	return l;
}

static struct wire_error
read_error(struct reader *r)
{
	struct wire_error e;

	e.call = read_text(r);
	e.rv = reader_u64(r);
	e.rv_name = read_text(r);
	e.text = read_text(r);
	return e;
}

static enum wire_outcome
read_outcome(struct reader *r)
{
	return (enum wire_outcome)read_enum(r, WIRE_OK, WIRE_PIN_EXPIRED);
}

enum parse_err
wire_start_parse(struct bytes body, struct wire_start *ret)
{
	struct reader r = reader_of(body);
	struct wire_start m = {0};

	m.role = (enum wire_role)read_enum(
	    &r, WIRE_ROLE_SCAN, WIRE_ROLE_WATCH);
	m.module = read_text(&r);
	m.remote = reader_bool(&r);
	m.init_args = read_text(&r);
	m.provider = read_text(&r);
	m.token = read_token_id(&r);
	m.place = read_place(&r);
	m.n_refs = reader_count(&r, START_REFS_MAX, KEY_REF_BYTES);
	for (uint32_t i = 0; i < m.n_refs; i++)
		read_ref(&r, m.refs[i]);
	m.n_left_out = reader_count(&r, SLOTS_LEFT_OUT_MAX,
	    LEFT_OUT_LEAST_BYTES);
	for (uint32_t i = 0; i < m.n_left_out; i++)
		m.left_out[i] = read_left_out(&r);
	m.n_ignored = reader_count(&r, WIRE_READERS_MAX, 4);
	for (uint32_t i = 0; i < m.n_ignored; i++)
		m.ignored_readers[i] = read_text(&r);
	if (reader_finish(&r) == PARSE_OK)
		*ret = m;
	return r.err;
}

enum parse_err
wire_login_parse(struct bytes body, struct wire_login *ret)
{
	struct reader r = reader_of(body);
	struct wire_login m;

	m.id = reader_u32(&r);
	m.pin = reader_string_max(&r, SECRET_MAX_BYTES);
	m.person = reader_bool(&r);
	m.told = reader_bool(&r);
	if (reader_finish(&r) == PARSE_OK)
		*ret = m;
	return r.err;
}

static bool
sign_data_fits(enum sign_algorithm algorithm, size_t len)
{
	for (size_t i = 0; i < N_SIGN_FORMS; i++) {
		const size_t *may = sign_forms[i].data_bytes;

		if (sign_forms[i].algorithm != algorithm)
			continue;
		return may[0] == 0 || len == may[0] ||
		    (len != 0 && (len == may[1] || len == may[2]));
	}
	return false;
}

enum parse_err
wire_sign_parse(struct bytes body, struct wire_sign *ret)
{
	struct reader r = reader_of(body);
	struct wire_sign m = {0};

	m.id = reader_u32(&r);
	read_ref(&r, m.ref);
	m.algorithm = (enum sign_algorithm)read_enum(
	    &r, SIGN_RSA_SHA256, SIGN_ED25519);
	m.data = reader_string_max(&r, CLIENT_MSG_MAX_BYTES);
	m.login = reader_bool(&r);
	m.pin = reader_string_max(&r, SECRET_MAX_BYTES);
	m.person = reader_bool(&r);
	m.told = reader_bool(&r);
	m.renew = reader_bool(&r);
	if (r.err == PARSE_OK && !sign_data_fits(m.algorithm, m.data.len))
		reader_fail(&r, PARSE_VALUE);
	if (!m.login && (m.pin.len > 0 || m.person || m.told))
		reader_fail(&r, PARSE_VALUE);
	if (reader_finish(&r) == PARSE_OK)
		*ret = m;
	return r.err;
}

enum parse_err
wire_module_parse(struct bytes body, struct wire_module *ret)
{
	struct reader r = reader_of(body);
	struct wire_module m;

	m.real_path = read_text(&r);
	m.description = read_text(&r);
	m.manufacturer = read_text(&r);
	m.pcsc = reader_bool(&r);
	if (reader_finish(&r) == PARSE_OK)
		*ret = m;
	return r.err;
}

static bool
is_positive_number(struct bytes n)
{
	return n.len > 0 && n.p[0] != 0;
}

static bool
key_form_ok(const struct public_key *key)
{
	if (key->kind == KEY_RSA)
		return is_positive_number(key->a) &&
		    is_positive_number(key->b) &&
		    key->a.len <= RSA_MAX_BITS / 8 && key->b.len <= key->a.len;
	if (key->kind == KEY_OTHER)
		return true;
	for (size_t i = 0; i < N_KEY_FORMS; i++)
		if (key_forms[i].kind == key->kind)
			return key->a.len == key_forms[i].a_bytes &&
			    key->b.len == 0 &&
			    (!key_forms[i].is_point ||
				key->a.p[0] == POINT_UNCOMPRESSED);
	return false;
}

static struct wire_key
read_key(struct reader *r)
{
	struct wire_key k = {0};

	read_ref(r, k.ref);
	k.key.kind = (enum key_kind)read_enum(r, KEY_RSA, KEY_OTHER);
	k.key.a = reader_string_max(r, ATTRIBUTE_MAX_BYTES);
	k.key.b = reader_string_max(r, ATTRIBUTE_MAX_BYTES);
	k.id = reader_string_max(r, KEY_ID_MAX_BYTES);
	k.label = reader_string_max(r, KEY_LABEL_MAX_BYTES);
	for (size_t i = 0; i < KEY_OTHER_LABELS; i++)
		k.other_labels[i] = reader_string_max(r, KEY_LABEL_MAX_BYTES);
	k.flags = read_flags(r, KEY_FLAGS_ALL);
	k.reason = read_text(r);
	return k;
}

/* A KEY_OTHER without a reason would look like a candidate. */
static enum parse_err
check_key(const struct wire_key *k)
{
	uint8_t ref[KEY_REF_BYTES];

	if (!key_form_ok(&k->key) ||
	    (k->key.kind == KEY_OTHER && k->reason.len == 0))
		return PARSE_VALUE;
	if (!key_ref(&k->key, ref))
		return PARSE_MEMORY;
	return memcmp(ref, k->ref, sizeof(ref)) == 0 ? PARSE_OK : PARSE_VALUE;
}

enum parse_err
wire_token_parse(struct bytes body, struct wire_token *ret)
{
	struct reader r = reader_of(body);
	struct wire_token m = {0};

	m.id = read_token_id(&r);
	m.place = read_place(&r);
	m.flags = read_flags(&r, TOKEN_FLAGS_ALL);
	m.pin_min = reader_u32(&r);
	m.pin_max = reader_u32(&r);
	m.n_unshown = reader_u32(&r);
	m.n_keys = reader_count(&r, KEYS_ON_WIRE_MAX, KEY_LEAST_BYTES);
	m.keys = r;
	for (uint32_t i = 0; i < m.n_keys && r.err == PARSE_OK; i++) {
		struct wire_key k = read_key(&r);

		if (r.err == PARSE_OK)
			reader_fail(&r, check_key(&k));
	}
	if (reader_finish(&r) == PARSE_OK)
		*ret = m;
	return r.err;
}

bool
wire_key_next(struct wire_token *t, struct wire_key *ret)
{
	struct wire_key k;

	if (t->keys.rest.len == 0)
		return false;
	k = read_key(&t->keys);
	if (t->keys.err != PARSE_OK)
		return false;
	*ret = k;
	return true;
}

enum parse_err
wire_slot_parse(struct bytes body, struct wire_slot *ret)
{
	struct reader r = reader_of(body);
	struct wire_slot m;

	m.place = read_place(&r);
	m.id = read_token_id(&r);
	m.waiting = reader_u32(&r);
	m.last = reader_bool(&r);
	if (r.err == PARSE_OK && m.place.of == 0)
		reader_fail(&r, PARSE_VALUE);
	if (reader_finish(&r) == PARSE_OK)
		*ret = m;
	return r.err;
}

enum parse_err
wire_failed_parse(struct bytes body, struct wire_error *ret)
{
	struct reader r = reader_of(body);
	struct wire_error m = read_error(&r);

	if (reader_finish(&r) == PARSE_OK)
		*ret = m;
	return r.err;
}

enum parse_err
wire_login_result_parse(struct bytes body, struct wire_login_result *ret)
{
	struct reader r = reader_of(body);
	struct wire_login_result m;

	m.id = reader_u32(&r);
	m.outcome = read_outcome(&r);
	m.flags = read_flags(&r, TOKEN_FLAGS_ALL);
	m.pin_in_doubt = reader_bool(&r);
	m.error = read_error(&r);
	if (reader_finish(&r) == PARSE_OK)
		*ret = m;
	return r.err;
}

enum parse_err
wire_sign_result_parse(struct bytes body, struct wire_sign_result *ret)
{
	struct reader r = reader_of(body);
	struct wire_sign_result m;

	m.id = reader_u32(&r);
	m.outcome = read_outcome(&r);
	m.pin = (enum wire_pin)read_enum(&r, WIRE_PIN_UNSEEN, WIRE_PIN_TRIED);
	m.flags = read_flags(&r, TOKEN_FLAGS_ALL);
	m.renewed = reader_bool(&r);
	m.error = read_error(&r);
	m.signature = reader_string_max(&r, WIRE_SIGNATURE_MAX_BYTES);
	/* A signature if and only if it went well. */
	if (r.err == PARSE_OK && (m.outcome == WIRE_OK) != (m.signature.len > 0))
		reader_fail(&r, PARSE_VALUE);
	if (reader_finish(&r) == PARSE_OK)
		*ret = m;
	return r.err;
}

enum parse_err
wire_registered_parse(struct bytes body, struct wire_registered *ret)
{
	struct reader r = reader_of(body);
	struct wire_registered m;

	m.name = read_text(&r);
	m.module = read_text(&r);
	m.remote = read_text(&r);
	m.of_system = reader_bool(&r);
	m.init_args = read_text(&r);
	m.trust_policy = reader_bool(&r);
	/* A file, or what p11-kit runs. */
	if (r.err == PARSE_OK && (m.name.len == 0 ||
	    (m.module.len == 0) == (m.remote.len == 0) ||
	    (m.of_system && m.remote.len == 0)))
		reader_fail(&r, PARSE_VALUE);
	if (reader_finish(&r) == PARSE_OK)
		*ret = m;
	return r.err;
}
