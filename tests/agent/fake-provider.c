/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A p11-agent-provider for tests of the daemon, which finds it beside the
 * test: a token with two keys that does what the words of $P11_FAKE say
 * (separated by spaces). No module, no PKCS#11.
 *
 *   no-pin           the token needs no login; else its PIN is 1234
 *   tokens=N         a scan shows N tokens, serials 1, 2, ... (default 1)
 *   keys=N           keys of the numbers 1 to N, instead of 7 and 8
 *   locks            a wrong PIN locks it
 *   always           its keys want the PIN for each signature as well
 *   late=N           answer once N signatures wait, the last one first
 *   log=PATH         append a line for each start, PIN and signature
 *   names=A,B        p11-kit has registered /lib/A.so, /lib/B.so (ca: trust;
 *                    |A: the command "|A", +A: the same by the system)
 *   once=PATH        the words below count until a file is there, made then
 *   start=WORD       at the start, but ask=WORD when asked for these names;
 *                    login=WORD, sign=WORD, context=WORD at that request:
 *     die hang exit failed garbage empty huge half body flood
 *   sign-then=WORD   the same at a signature that needs no login any more
 *   sign=WORD        also: unknown twice lost error unusable context
 *     need-login short
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/frame.h"
#include "common/limits.h"
#include "pkcs11/wire.h"
#include "tests/agent/world.h"

enum { LATE_MAX = 64, SCAN_TOKENS_MAX = 8, KEYS_MAX = 9 };

struct fake {
	const char *words;
	bool normal; /* the misbehaviour is over */
	bool logged_in;
	struct world_key keys[KEYS_MAX + 1];
	struct buffer in, out;
	uint32_t late_id[LATE_MAX];
	uint8_t late_byte[LATE_MAX];
	unsigned n_late;
};

/*
 * The value of a word "name=value"; an empty one for "name"; NULL: none. Valid
 * until the next call.
 */
static const char *
word(const struct fake *f, const char *name)
{
	static char value[512];
	size_t len = strlen(name);

	for (const char *p = f->words; p != NULL && *p != '\0';) {
		size_t n = strcspn(p, " ");

		if (n >= len && strncmp(p, name, len) == 0 &&
		    (n == len || p[len] == '=')) {
			snprintf(value, sizeof(value), "%.*s",
			    (int)(n == len ? 0 : n - len - 1),
			    n == len ? "" : p + len + 1);
			return value;
		}
		p += n;
		p += strspn(p, " ");
	}
	return NULL;
}

static unsigned
number(const struct fake *f, const char *name, unsigned otherwise)
{
	const char *value = word(f, name);

	return value == NULL ? otherwise : (unsigned)atoi(value);
}

static void
note(const struct fake *f, const char *what, struct bytes text)
{
	const char *path = word(f, "log");
	char line[256];
	int fd, n;

	if (path == NULL || (fd = open(path, O_WRONLY | O_CREAT | O_APPEND,
	    0600)) < 0)
		return;
	n = snprintf(line, sizeof(line), "%s %.*s\n", what, (int)text.len,
	    (const char *)text.p);
	if (write(fd, line, (size_t)n) != n)
		_exit(9);
	close(fd);
}

static void
flush(struct fake *f)
{
	if (f->out.failed || !frame_write(WIRE_FD, &f->out))
		_exit(8);
	buffer_clear(&f->out);
}

static void
raw(const void *p, size_t len)
{
	if (write(WIRE_FD, p, len) != (ssize_t)len)
		_exit(7);
}

static _Noreturn void
wait_for_the_end(void)
{
	for (;;)
		pause();
}

/* What any moment may bring. False when the word asks for nothing of it. */
static bool
misbehave(struct fake *f, const char *how)
{
	static const struct wire_error failed = {
		{(const uint8_t *)"C_Initialize", 12}, 5,
		{(const uint8_t *)"CKR_GENERAL_ERROR", 17},
		{(const uint8_t *)"as told", 7},
	};

	if (strcmp(how, "die") == 0)
		raise(SIGKILL);
	if (strcmp(how, "hang") == 0)
		wait_for_the_end();
	if (strcmp(how, "exit") == 0)
		_exit(3);
	if (strcmp(how, "failed") == 0) {
		wire_failed_put(&f->out, &failed);
		flush(f);
		_exit(1);
	}
	if (strcmp(how, "garbage") == 0)
		raw("\0\0\0\2\x63?", 6);
	else if (strcmp(how, "empty") == 0)
		raw("\0\0\0\0", 4);
	else if (strcmp(how, "huge") == 0)
		raw("\x7f\xff\xff\xff", 4);
	else if (strcmp(how, "body") == 0)
		raw("\0\0\0\3\x46\0\0", 7);
	else if (strcmp(how, "half") == 0) {
		raw("\0\0\0\x09\x46\0", 6);
		_exit(0);
	} else if (strcmp(how, "flood") == 0) {
		for (;;) {
			wire_done_put(&f->out);
			flush(f);
		}
	} else {
		return false;
	}
	wait_for_the_end();
}

/* How to misbehave at this moment, or NULL. */
static const char *
how_at(struct fake *f, const char *moment)
{
	const char *once, *how = word(f, moment);
	int fd;

	if (how == NULL || f->normal)
		return NULL;
	if ((once = word(f, "once")) != NULL) {
		fd = open(once, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd < 0) {
			f->normal = true;
			return NULL;
		}
		close(fd);
	}
	return word(f, moment);
}

static void
moment(struct fake *f, const char *name)
{
	const char *how = how_at(f, name);

	if (how != NULL)
		misbehave(f, how);
}

static uint32_t
token_flags(const struct fake *f)
{
	if (word(f, "no-pin") != NULL)
		return 0;
	return TOKEN_LOGIN_REQUIRED | (f->logged_in ? TOKEN_LOGGED_IN : 0);
}

static void
sign_ok(struct fake *f, uint32_t id, uint8_t byte, size_t len)
{
	uint8_t signature[64];
	struct wire_sign_result w = {
		.id = id, .outcome = WIRE_OK, .flags = token_flags(f),
		.pin = word(f, "always") == NULL ? WIRE_PIN_UNSEEN :
		    WIRE_PIN_GOOD,
		.signature = bytes_of(signature, len),
	};

	memset(signature, byte, sizeof(signature));
	wire_sign_result_put(&f->out, &w);
}

static void
sign_fails(struct fake *f, uint32_t id, enum wire_outcome outcome,
    enum wire_pin pin)
{
	struct wire_sign_result w = {
		.id = id, .outcome = outcome, .pin = pin, .flags = token_flags(f),
		.error = {bytes_str("C_Sign"), 48, bytes_str("CKR_WHAT"),
		    bytes_str("as told")},
	};

	wire_sign_result_put(&f->out, &w);
}

/* A word that is an answer to a signature. */
static bool
sign_oddly(struct fake *f, uint32_t id, uint8_t byte, const char *how)
{
	static const struct {
		const char *how;
		enum wire_outcome outcome;
	} outcomes[] = {
		{"lost", WIRE_LOST},
		{"error", WIRE_ERROR},
		{"unusable", WIRE_KEY_UNUSABLE},
		{"context", WIRE_NEED_CONTEXT},
		{"need-login", WIRE_NEED_LOGIN},
	};

	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		if (strcmp(how, outcomes[i].how) == 0) {
			sign_fails(f, id, outcomes[i].outcome,
			    WIRE_PIN_UNSEEN);
			return true;
		}
	if (strcmp(how, "unknown") == 0)
		sign_ok(f, id + 1000, byte, 64);
	else if (strcmp(how, "short") == 0)
		sign_ok(f, id, byte, 63);
	else if (strcmp(how, "twice") == 0) {
		sign_ok(f, id, byte, 64);
		sign_ok(f, id, byte, 64);
	} else {
		return false;
	}
	return true;
}

/* The login of one signature. */
static bool
sign_login(struct fake *f, const struct wire_sign *w)
{
	if (!w->login) {
		sign_fails(f, w->id, WIRE_NEED_CONTEXT, WIRE_PIN_UNSEEN);
		return false;
	}
	note(f, "context", w->pin);
	moment(f, "context");
	if (bytes_is(w->pin, "1234"))
		return true;
	sign_fails(f, w->id, WIRE_PIN_REFUSED, WIRE_PIN_TRIED);
	return false;
}

/* The signature is the last byte of the message, 64 times. */
static void
got_sign(struct fake *f, struct bytes body)
{
	const char *how;
	struct wire_sign w;
	uint8_t byte;

	if (wire_sign_parse(body, &w) != PARSE_OK)
		_exit(6);
	byte = w.data.len == 0 ? 0 : w.data.p[w.data.len - 1];
	note(f, "sign", w.algorithm == SIGN_ED25519 ? w.data :
	    bytes_str("a digest"));
	if ((how = how_at(f, "sign")) != NULL &&
	    (sign_oddly(f, w.id, byte, how) || misbehave(f, how)))
		return;
	if (word(f, "no-pin") == NULL && !f->logged_in) {
		sign_fails(f, w.id, WIRE_NEED_LOGIN, WIRE_PIN_UNSEEN);
		return;
	}
	if (word(f, "always") != NULL && !sign_login(f, &w))
		return;
	moment(f, "sign-then");
	if (f->n_late < LATE_MAX) {
		f->late_id[f->n_late] = w.id;
		f->late_byte[f->n_late++] = byte;
	}
	if (f->n_late < number(f, "late", 1))
		return;
	while (f->n_late > 0) {
		f->n_late--;
		sign_ok(f, f->late_id[f->n_late], f->late_byte[f->n_late],
		    64);
	}
}

static void
got_login(struct fake *f, struct bytes body, const struct token_id *id)
{
	struct wire_login_result r = {.outcome = WIRE_OK};
	struct wire_login w;

	if (wire_login_parse(body, &w) != PARSE_OK)
		_exit(6);
	note(f, "login", w.pin);
	moment(f, "login");
	r.id = w.id;
	f->logged_in = bytes_is(w.pin, "1234");
	if (f->logged_in) {
		world_put_token(&f->out, id, token_flags(f), f->keys);
	} else {
		r.outcome = WIRE_PIN_REFUSED;
		r.error = (struct wire_error){bytes_str("C_Login"), 160,
		    bytes_str("CKR_PIN_INCORRECT"), BYTES_NONE};
	}
	r.flags = token_flags(f);
	if (!f->logged_in && word(f, "locks") != NULL)
		r.flags |= TOKEN_PIN_LOCKED;
	wire_login_result_put(&f->out, &r);
}

static void
make_keys(struct fake *f)
{
	static const char *const ids[KEYS_MAX] = {"\1", "\2", "\3", "\4",
	    "\5", "\6", "\7", "\10", "\11"};
	unsigned n = number(f, "keys", 0);

	for (unsigned i = 0; i < n && i < KEYS_MAX; i++)
		f->keys[i] = (struct world_key){
			.number = (uint8_t)(i + 1), .id = ids[i],
		};
	if (n > 0)
		return;
	f->keys[0] = (struct world_key){.number = 7, .id = "\1"};
	f->keys[1] = (struct world_key){.number = 8, .id = "\2"};
}

static void
show_module(struct fake *f)
{
	const struct wire_module m = {bytes_str("/lib/fake.so"),
	    bytes_str("a fake"), bytes_str("nobody"), false};

	wire_module_put(&f->out, &m);
}

static void
run_scan(struct fake *f)
{
	unsigned n = number(f, "tokens", 1);
	char serial[16];

	show_module(f);
	for (unsigned i = 1; i <= n && i <= SCAN_TOKENS_MAX; i++) {
		struct token_id id;

		snprintf(serial, sizeof(serial), "%u", i);
		id = world_token_id("fake", serial);
		world_put_token(&f->out, &id, token_flags(f), f->keys);
	}
	wire_done_put(&f->out);
	flush(f);
	_exit(0);
}

static void
run_names(struct fake *f)
{
	const char *names = word(f, "names");

	while (names != NULL && *names != '\0') {
		size_t n = strcspn(names, ",");
		struct wire_registered w = {.name = bytes_of(names, n)};
		char path[128];

		snprintf(path, sizeof(path), "/lib/%.*s.so", (int)n, names);
		w.module = bytes_str(path);
		if (names[0] == '|' || names[0] == '+') {
			w.remote = w.name;
			w.module = BYTES_NONE;
			w.of_system = names[0] == '+';
			w.name = bytes_of(names + 1, n - 1);
		}
		w.init_args = bytes_str(path + 1);
		w.trust_policy = bytes_is(w.name, "ca");
		wire_registered_put(&f->out, &w);
		names += n;
		names += strspn(names, ",");
	}
	wire_done_put(&f->out);
	flush(f);
	_exit(0);
}

static void
run_token(struct fake *f, const struct token_id *id)
{
	struct bytes body;

	show_module(f);
	world_put_token(&f->out, id, token_flags(f), f->keys);
	wire_done_put(&f->out);
	flush(f);
	while (frame_read(WIRE_FD, &f->in, WIRE_REQUEST_MAX_BYTES, &body) ==
	    1) {
		uint8_t type = body.p[0];
		struct bytes rest = bytes_of(body.p + 1, body.len - 1);

		if (type == WIRE_SIGN)
			got_sign(f, rest);
		else if (type == WIRE_LOGIN)
			got_login(f, rest, id);
		else
			_exit(6);
		frame_drop(&f->in, body);
		if (f->out.len > 0)
			flush(f);
	}
}

/* A copy of what the start said of the token, for as long as we live. */
static struct token_id
id_copy(const struct token_id *id)
{
	struct token_id out = *id;
	struct bytes *const parts[] = {&out.manufacturer, &out.model,
	    &out.serial, &out.label, &out.slot_description};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint8_t *p = NULL;
		size_t len = 0;

		if (!bytes_dup(*parts[i], &p, &len))
			_exit(5);
		*parts[i] = bytes_of(p, len);
	}
	return out;
}

int
main(void)
{
	struct fake f = {
		.words = getenv("P11_FAKE"),
		.in = BUFFER_INIT(2 * WIRE_REQUEST_MAX_BYTES),
		.out = BUFFER_INIT(WIRE_REPLY_MAX_BYTES),
	};
	struct wire_start start;
	struct token_id id;
	struct bytes body;

	if (frame_read(WIRE_FD, &f.in, WIRE_REQUEST_MAX_BYTES, &body) != 1 ||
	    body.p[0] != WIRE_START || wire_start_parse(bytes_of(body.p + 1,
	    body.len - 1), &start) != PARSE_OK)
		_exit(4);
	make_keys(&f);
	if (start.role == WIRE_ROLE_WATCH)
		wait_for_the_end();
	note(&f, "start", bytes_str(start.role == WIRE_ROLE_SCAN ? "scan" :
	    start.role == WIRE_ROLE_NAMES ? "names" : "token"));
	moment(&f, start.role == WIRE_ROLE_NAMES ? "ask" : "start");
	if (start.role == WIRE_ROLE_NAMES)
		run_names(&f);
	if (start.role == WIRE_ROLE_SCAN)
		run_scan(&f);
	id = id_copy(&start.token);
	frame_drop(&f.in, body);
	run_token(&f, &id);
	_exit(0);
}
