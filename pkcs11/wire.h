/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wire between the daemon and p11-agent-provider: frames (common/frame.h)
 * on a SOCK_STREAM socketpair, each one byte of type and a body. Requests are
 * numbered and pipelined; replies come in any order. Both ends treat the
 * other's bytes as hostile: a message that does not parse ends the process
 * (daemon's side) or the program (provider's side).
 *
 * Everything parsed borrows from the frame.
 */
#ifndef P11_AGENT_PKCS11_WIRE_H
#define P11_AGENT_PKCS11_WIRE_H

#include "common/buffer.h"
#include "common/limits.h"
#include "common/reader.h"

/* The provider's end of the socketpair. */
enum { WIRE_FD = 3 };

/* The name of a key. */
enum { KEY_REF_BYTES = 32 };

enum wire_type {
	/* daemon to provider */
	WIRE_START = 1, /* once, first */
	WIRE_LOGIN = 2,
	WIRE_SIGN = 3,
	/* provider to daemon */
	WIRE_MODULE = 65,	/* the module is loaded and initialised */
	WIRE_TOKEN = 66,	/* one token with its keys */
	/* token: ready for requests; watch: all there are; else: that was all */
	WIRE_DONE = 67,
	WIRE_FAILED = 68,	/* it cannot do its work; it ends */
	WIRE_LOGIN_RESULT = 69,
	WIRE_SIGN_RESULT = 70,
	WIRE_REGISTERED = 71, /* one module that p11-kit has registered */
	/* The work takes long, but calls into the module come back. */
	WIRE_PROGRESS = 72,
	WIRE_SLOT = 73, /* scan: the slot that it is about to touch */
};

enum wire_role {
	WIRE_ROLE_SCAN = 1,
	WIRE_ROLE_TOKEN = 2,
	WIRE_ROLE_NAMES = 3, /* loads no module for use; the rest is empty */
	WIRE_ROLE_WATCH = 4,
};

/* Who a token is (never its slot number). Unpadded text as the module gives it. */
struct token_id {
	struct bytes manufacturer;
	struct bytes model;
	struct bytes serial;
	struct bytes label;
	struct bytes slot_description; /* for PC/SC: the reader's name */
};

/*
 * Where a slot is among all with a token, as the module lists them. No name:
 * it holds while nothing comes or goes.
 */
struct slot_place {
	uint32_t at; /* from 0 */
	uint32_t of; /* so many; 0: not known */
};

/* A slot at which a scan ended or hung. */
struct wire_left_out {
	struct slot_place place;
	struct token_id id; /* empty if it could not even say that */
	bool last;	    /* the scan looks at it once more, when all is done */
};

struct wire_start {
	enum wire_role role;
	struct bytes module;	/* bare file name or path; or, with remote: */
	bool remote; /* p11-kit's name of one that it has with `remote` */
	struct bytes init_args; /* C_Initialize's pReserved, or empty */
	struct bytes provider;	/* its name in the config: for its folder */
	struct token_id token;	/* role token: the one to serve */
	/* Role token: its place, and some of its keys, if another is alike. */
	struct slot_place place;
	uint32_t n_refs;
	uint8_t refs[START_REFS_MAX][KEY_REF_BYTES];
	uint32_t n_left_out;
	struct wire_left_out left_out[SLOTS_LEFT_OUT_MAX];
	/* Readers that this process must leave alone (OpenSC). */
	uint32_t n_ignored;
	struct bytes ignored_readers[WIRE_READERS_MAX];
};

/* Where a call into the module ended. rv is a CK_RV; call is "C_Sign". */
struct wire_error {
	struct bytes call;
	uint64_t rv;
	struct bytes rv_name; /* "CKR_PIN_INCORRECT" */
	struct bytes text;    /* more words for a person, or empty */
};

struct wire_module {
	struct bytes real_path; /* empty with remote */
	struct bytes description; /* CK_INFO.libraryDescription, unpadded */
	struct bytes manufacturer;
	bool pcsc; /* it has loaded PC/SC's library: its tokens are cards */
};

/* As in its file, NAME.module: see pkcs11.conf(5). */
struct wire_registered {
	struct bytes name;	/* never empty */
	struct bytes module;	/* the module's path; empty with remote */
	struct bytes remote;	/* "|COMMAND", a socket; else empty */
	bool of_system;		/* remote stands in a file of the system's */
	struct bytes init_args; /* x-init-reserved, or empty */
	bool trust_policy;	/* holds CA certificates, no keys of people */
};

enum key_kind {
	KEY_RSA = 1,	 /* a = modulus, b = public exponent, big-endian, no leading zeros */
	KEY_EC_P256 = 2, /* a = 04 || x || y, checked to be on the curve */
	KEY_EC_P384 = 3,
	KEY_EC_P521 = 4,
	KEY_ED25519 = 5, /* a = 32 bytes */
	KEY_OTHER = 6,	 /* no SSH algorithm: `reason` says what it is */
};

struct public_key {
	enum key_kind kind;
	struct bytes a;
	struct bytes b;
};

enum key_flag {
	/* Where the public half was found. */
	KEY_FROM_PUBLIC = 1 << 0,
	KEY_FROM_PRIVATE = 1 << 1,
	KEY_FROM_CERTIFICATE = 1 << 2,
	/* A private key object for it was seen. */
	KEY_HAS_PRIVATE = 1 << 3,
	/* The token shows private keys now (after login, or it needs none). */
	KEY_PRIVATE_SETTLED = 1 << 4,
	KEY_ALWAYS_AUTHENTICATE = 1 << 5,
	/* Signs without any login (private key visible before it). */
	KEY_NO_LOGIN = 1 << 6,
};

/* The public key, the private key and the certificate may each have one. */
enum { KEY_OTHER_LABELS = 2 };

/*
 * One key of a token. `reason` is empty when it can be a candidate; else why
 * it cannot sign, in words ("CKA_SIGN is false", "curve secp256k1 has no SSH
 * algorithm", "no private key with it", "RSA with 1024 bits is too weak").
 */
struct wire_key {
	uint8_t ref[KEY_REF_BYTES]; /* SHA-256 over kind, a, b; see key_ref */
	struct public_key key;
	struct bytes id;    /* CKA_ID */
	struct bytes label; /* CKA_LABEL, unpadded */
	struct bytes other_labels[KEY_OTHER_LABELS]; /* empty: no more */
	uint32_t flags;	    /* enum key_flag */
	struct bytes reason;
};

enum token_flag {
	TOKEN_LOGIN_REQUIRED = 1 << 0,
	TOKEN_LOGGED_IN = 1 << 1,
	TOKEN_PIN_COUNT_LOW = 1 << 2,
	TOKEN_PIN_FINAL_TRY = 1 << 3,
	TOKEN_PIN_LOCKED = 1 << 4,
	TOKEN_PROTECTED_PATH = 1 << 5, /* the PIN is typed on the reader */
	TOKEN_REMOVABLE = 1 << 6,
	TOKEN_PIN_NOT_SET = 1 << 7, /* no user PIN yet (PIN_NOT_INITIALIZED) */
	TOKEN_PIN_TO_CHANGE = 1 << 8, /* expired, or the one it came with */
};

struct wire_token {
	struct token_id id;
	struct slot_place place;
	uint32_t flags; /* enum token_flag */
	uint32_t pin_min; /* bytes; 0 where the token does not say */
	uint32_t pin_max;
	uint32_t n_unshown; /* objects that are left out: too many, unreadable */
	uint32_t n_keys; /* read each with wire_key_next */
	struct reader keys;
};

/*
 * Before each call that belongs to a slot could be the last one: first its
 * place, then also which token is there.
 */
struct wire_slot {
	struct slot_place place;
	struct token_id id; /* empty at first */
	uint32_t waiting;   /* slots behind it that nobody has looked at */
	bool last;	    /* it was to be left for when all is done */
};

enum sign_algorithm {
	SIGN_RSA_SHA256 = 1, /* data is the digest */
	SIGN_RSA_SHA512 = 2,
	SIGN_ECDSA = 3,	  /* data is the digest */
	SIGN_ED25519 = 4, /* data is the message */
};

struct wire_login {
	uint32_t id;
	struct bytes pin; /* empty: the reader's own pad */
	/*
	 * Whose PIN it is, against the token's flags of that moment: with
	 * COUNT_LOW only a person's is sent, with FINAL_TRY only one of a
	 * person who was told.
	 */
	bool person;
	bool told;
};

struct wire_sign {
	uint32_t id;
	uint8_t ref[KEY_REF_BYTES];
	enum sign_algorithm algorithm;
	struct bytes data;
	/*
	 * For a key that wants a login for each signature: may it be sent now,
	 * with which PIN, and whose; as in struct wire_login. Else all empty.
	 */
	bool login;
	struct bytes pin;
	bool person;
	bool told;
	/* After a loss: new sessions, and once more, before the answer. */
	bool renew;
};

enum wire_outcome {
	WIRE_OK = 0,
	WIRE_NEED_LOGIN = 1,   /* C_Login(CKU_USER) first; nothing was tried */
	WIRE_NEED_CONTEXT = 2, /* this key wants its PIN for each signature */
	WIRE_PIN_REFUSED = 3,  /* incorrect, length, invalid: see error */
	WIRE_PIN_LOCKED = 4,
	WIRE_LOST = 5,	     /* design section 8: session, token or module gone */
	WIRE_KEY_UNUSABLE = 6, /* a property of the key: off the list, no climb */
	WIRE_CANCELLED = 7,  /* CKR_FUNCTION_CANCELED and the like: a person */
	WIRE_ERROR = 8,	     /* anything else */
	WIRE_PIN_HELD = 9,   /* not sent: too few tries are left for it */
	WIRE_LOGGED_IN = 10, /* it was already; the PIN was not looked at */
	WIRE_PIN_EXPIRED = 11, /* not wrong: it has to be changed first */
};

/*
 * The answer to a login. `flags` are the token's flags after it. On WIRE_OK
 * and WIRE_LOGGED_IN a WIRE_TOKEN message with what the token shows now came just before.
 */
struct wire_login_result {
	uint32_t id;
	enum wire_outcome outcome;
	uint32_t flags;
	/* A C_Login with it did not end well: it must not be sent again. */
	bool pin_in_doubt;
	struct wire_error error;
};

/* What became of the login that came with a signature. */
enum wire_pin {
	WIRE_PIN_UNSEEN = 0, /* none came, or the token was not asked */
	WIRE_PIN_GOOD = 1,   /* C_Login said CKR_OK */
	WIRE_PIN_TRIED = 2,  /* C_Login said anything else: see the error */
};

/*
 * The answer to a signature. RSA: as long as the modulus; ECDSA: r || s of
 * equal length; Ed25519: 64 bytes.
 */
struct wire_sign_result {
	uint32_t id;
	enum wire_outcome outcome;
	enum wire_pin pin;
	/* The token's; fresh when it was asked for a login, or failed. */
	uint32_t flags;
	bool renewed;	/* it was lost once; see struct wire_sign */
	struct wire_error error; /* with WIRE_OK: why it was lost */
	struct bytes signature;
};

/* The name of a key for the wire: SHA-256 over kind, a and b. */
bool key_ref(const struct public_key *key, uint8_t ret[static KEY_REF_BYTES]);

/*
 * Each *_put appends one whole frame; a failed buffer says so at the end.
 * wire_token_begin .. wire_key_put (n_keys times) .. wire_token_end.
 */
void wire_start_put(struct buffer *b, const struct wire_start *m);
void wire_login_put(struct buffer *b, const struct wire_login *m);
void wire_sign_put(struct buffer *b, const struct wire_sign *m);
void wire_module_put(struct buffer *b, const struct wire_module *m);
size_t wire_token_begin(struct buffer *b, const struct wire_token *m);
void wire_key_put(struct buffer *b, const struct wire_key *k);
void wire_token_end(struct buffer *b, size_t mark);
void wire_done_put(struct buffer *b);
void wire_progress_put(struct buffer *b);
void wire_slot_put(struct buffer *b, const struct wire_slot *m);
void wire_failed_put(struct buffer *b, const struct wire_error *m);
void wire_login_result_put(struct buffer *b, const struct wire_login_result *m);
void wire_sign_result_put(struct buffer *b, const struct wire_sign_result *m);
void wire_registered_put(struct buffer *b, const struct wire_registered *m);

/*
 * Each *_parse takes the body behind the type byte. *ret borrows from it and
 * is unchanged unless PARSE_OK comes back. wire_token_parse also checks all
 * its keys, so that wire_key_next cannot fail on a token that it accepted.
 */
enum parse_err wire_start_parse(struct bytes body, struct wire_start *ret);
enum parse_err wire_login_parse(struct bytes body, struct wire_login *ret);
enum parse_err wire_sign_parse(struct bytes body, struct wire_sign *ret);
enum parse_err wire_module_parse(struct bytes body, struct wire_module *ret);
enum parse_err wire_token_parse(struct bytes body, struct wire_token *ret);
enum parse_err wire_slot_parse(struct bytes body, struct wire_slot *ret);
enum parse_err wire_failed_parse(struct bytes body, struct wire_error *ret);
enum parse_err wire_login_result_parse(struct bytes body,
    struct wire_login_result *ret);
enum parse_err wire_sign_result_parse(struct bytes body,
    struct wire_sign_result *ret);
enum parse_err wire_registered_parse(struct bytes body,
    struct wire_registered *ret);

/* The next key of a parsed token, in order; false after the last. */
bool wire_key_next(struct wire_token *t, struct wire_key *ret);

/* How long it is on the wire. */
size_t wire_key_bytes(const struct wire_key *k);

/* The same token: all of manufacturer, model, serial and label. */
bool token_id_same(const struct token_id *a, const struct token_id *b);

/* Equal texts, and the same slot; two of one module may be alike even so. */
bool token_id_equal(const struct token_id *a, const struct token_id *b);

/* The id says nothing of the token. */
bool token_id_empty(const struct token_id *id);

/* Is this slot, by its place or by the token in it, left out? Or NULL. */
const struct wire_left_out *wire_left_out_place(const struct wire_start *m,
    struct slot_place place);
const struct wire_left_out *wire_left_out_token(const struct wire_start *m,
    struct slot_place place, const struct token_id *id);

#endif
