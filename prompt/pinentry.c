/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ask with pinentry, by the Assuan protocol, on the client's display or
 * terminal. A pinentry that answers from a cache of its own is `unattended`;
 * only pinentry-mac is offered one, because there the person's Keychain guards
 * it and asks whether to keep a PIN at all.
 */
#include <assuan.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/wipe.h"
#include "prompt/program.h"
#include "prompt/source.h"
#include "prompt/terminal.h"

extern char **environ;

enum {
	/* Never in the middle of a character or of a %0A. */
	LINE_RESERVE_BYTES = 16,
	/* The pinentry's time ends before the daemon's patience: it says so. */
	TIMEOUT_RESERVE_SEC = 2,
};

static const char PINENTRY_MAC[] = "pinentry-mac";

struct pinentry {
	struct asking *asking;
	assuan_context_t ctx;
	int fd; /* where its answers come from */
	bool may_cache;
};

/* How it answered a command. */
enum said {
	SAID_OK,
	SAID_ERR,     /* see the error code */
	SAID_BROKEN,  /* it ended, or speaks no Assuan */
	SAID_NOTHING, /* the daemon does not wait any more */
};

/* The value of a hexadecimal digit, or -1. */
static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "%41" and the like in a D line; what is no such thing stays as it is. */
static void
put_data(struct buffer *out, const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool escape = line[i] == '%' && len - i > 2;
		int high = escape ? hex_value(line[i + 1]) : -1;
		int low = escape ? hex_value(line[i + 2]) : -1;

		if (high < 0 || low < 0) {
			buffer_put_u8(out, (uint8_t)line[i]);
			continue;
		}
		buffer_put_u8(out, (uint8_t)(high << 4 | low));
		i += 2;
	}
}

/* One line of an answer; false when more are to come. */
static bool
take_line(struct pinentry *p, char *line, size_t len, struct buffer *data,
    enum said *ret, gpg_error_t *ret_err)
{
	if (len >= 2 && memcmp(line, "D ", 2) == 0) {
		put_data(data, line + 2, len - 2);
		wipe(line, len);
		return false;
	}
	if (strcmp(line, "S PASSWORD_FROM_CACHE") == 0)
		p->asking->unattended = true;
	if (strncmp(line, "INQUIRE ", 8) == 0)
		(void)assuan_write_line(p->ctx, "CAN");
	if (strncmp(line, "ERR ", 4) == 0) {
		*ret = SAID_ERR;
		*ret_err = (gpg_error_t)strtoul(line + 4, NULL, 10);
		return true;
	}
	*ret = SAID_OK;
	return strcmp(line, "OK") == 0 || strncmp(line, "OK ", 3) == 0;
}

/* Send a command and wait for its end; data gets what it brings. */
static enum said
say(struct pinentry *p, const char *command, struct buffer *data,
    gpg_error_t *ret_err)
{
	enum said said = SAID_BROKEN;
	size_t len;
	char *line;

	*ret_err = assuan_write_line(p->ctx, command);
	if (*ret_err != 0)
		return SAID_BROKEN;
	do {
		if (!assuan_pending_line(p->ctx) &&
		    !program_wait(p->asking->peer, p->fd))
			return SAID_NOTHING;
		*ret_err = assuan_read_line(p->ctx, &line, &len);
		if (*ret_err != 0)
			return SAID_BROKEN;
	} while (!take_line(p, line, len, data, &said, ret_err));
	return said;
}

/* "COMMAND text", escaped and cut to what a line holds. */
static void
make_line(
    char line[static ASSUAN_LINELENGTH], const char *command, struct bytes text)
{
	CLEANUP(buffer_cleanup)
	struct buffer shown = BUFFER_INIT(WIRE_TEXT_MAX_BYTES + 1);
	size_t at = (size_t)snprintf(line, ASSUAN_LINELENGTH, "%s", command);

	asking_lines(text, &shown);
	for (size_t i = 0; i < shown.len; i++) {
		uint8_t c = shown.p[i];

		if ((c & 0xc0) != 0x80 &&
		    at > ASSUAN_LINELENGTH - LINE_RESERVE_BYTES)
			break;
		if (c == '\n' || c == '%')
			at += (size_t)snprintf(
			    line + at, ASSUAN_LINELENGTH - at, "%%%02X", c);
		else
			line[at++] = (char)c;
	}
	line[at] = '\0';
}

/* A setting that it may also not know: only its silence matters. */
static enum said
set(struct pinentry *p, const char *command, struct bytes text)
{
	char line[ASSUAN_LINELENGTH];
	struct buffer none = BUFFER_INIT(0);
	gpg_error_t err;
	enum said said;

	if (text.len == 0)
		return SAID_OK;
	make_line(line, command, text);
	said = say(p, line, &none, &err);
	return said == SAID_ERR ? SAID_OK : said;
}

static const char *
locale_of(const struct environment *e, const char *category)
{
	const char *value = environment_get(e, "LC_ALL");

	if (value == NULL)
		value = environment_get(e, category);
	return value != NULL ? value : environment_get(e, "LANG");
}

/* "60": how long it may wait for the person, in seconds; or "". */
static const char *
timeout_of(const struct asking *a, char *out, size_t size)
{
	struct timespec now;
	long left;

	out[0] = '\0';
	if (a->until == 0)
		return out;
	clock_gettime(CLOCK_MONOTONIC, &now);
	left = a->until - (long)now.tv_sec - TIMEOUT_RESERVE_SEC;
	/* 0 would be without end. */
	snprintf(out, size, "%ld", left > 0 ? left : 1);
	return out;
}

static enum said
set_all(struct pinentry *p)
{
	char timeout[24];
	const struct environment *e = p->asking->environment;
	const struct question *q = p->asking->question;
	bool confirm = q->kind == QUESTION_CONFIRM;
	bool cache = p->may_cache && !confirm && !q->persons_only;
	const struct {
		const char *command;
		struct bytes text;
	} settings[] = {
	    {"OPTION display=", bytes_str(environment_get(e, "DISPLAY"))},
	    {"OPTION ttyname=", bytes_str(terminal_of(e))},
	    {"OPTION ttytype=", bytes_str(environment_get(e, "TERM"))},
	    {"OPTION lc-ctype=", bytes_str(locale_of(e, "LC_CTYPE"))},
	    {"OPTION lc-messages=", bytes_str(locale_of(e, "LC_MESSAGES"))},
	    {"OPTION allow-external-password-",
		bytes_str(cache ? "cache" : "")},
	    {"SETKEYINFO u/p11-agent: ", cache ? q->title : BYTES_NONE},
	    {"SETTIMEOUT ", bytes_str(timeout_of(p->asking, timeout,
		sizeof(timeout)))},
	    {"SETTITLE p11-agent: ", q->title},
	    {"SETDESC ", q->text},
	    {"SETERROR ", q->warning},
	    {"SETPROMPT ", bytes_str(confirm ? "" : "PIN:")},
	    {"SETOK ", bytes_str(confirm ? "Allow" : "")},
	    {"SETCANCEL ", bytes_str(confirm ? "Deny" : "")},
	};
	enum said said = SAID_OK;

	for (size_t i = 0;
	     said == SAID_OK && i < sizeof(settings) / sizeof(settings[0]); i++)
		said = set(p, settings[i].command, settings[i].text);
	return said;
}

static bool
is_refusal(gpg_error_t err)
{
	switch (gpg_err_code(err)) {
	case GPG_ERR_CANCELED:
	case GPG_ERR_FULLY_CANCELED:
	case GPG_ERR_NOT_CONFIRMED:
		return true;
	default:
		return false;
	}
}

static enum source_result
take_pin(struct asking *a, const struct buffer *data)
{
	if (data->failed)
		return source_cannot(
		    a, "the PIN is longer than %d bytes", SECRET_MAX_BYTES);
	return source_take_pin(a, buffer_bytes(data));
}

static enum source_result
ask(struct pinentry *p)
{
	CLEANUP(buffer_cleanup)
	struct buffer data = BUFFER_INIT(SECRET_MAX_BYTES);
	bool confirm = p->asking->question->kind == QUESTION_CONFIRM;
	gpg_error_t err = 0;
	enum said said = set_all(p);

	if (said == SAID_OK)
		said = say(p, confirm ? "CONFIRM" : "GETPIN", &data, &err);
	switch (said) {
	case SAID_OK:
		return confirm ? SOURCE_OK : take_pin(p->asking, &data);
	case SAID_NOTHING:
		return SOURCE_NOBODY_WAITS;
	case SAID_ERR:
		if (is_refusal(err))
			return SOURCE_CANCEL;
		if (gpg_err_code(err) == GPG_ERR_TIMEOUT)
			return SOURCE_EXPIRED;
		return source_cannot(
		    p->asking, "pinentry: %s", gpg_strerror(err));
	case SAID_BROKEN:
		break;
	}
	return source_cannot(p->asking, "pinentry ended without an answer");
}

/* In the child, before it becomes pinentry. */
static void
enter_child(void *arg, int reserved)
{
	struct environment_block *vars = arg;

	(void)reserved;
	/* libassuan ignores it here, for an end while we write. */
	signal(SIGPIPE, SIG_DFL);
	program_uncatch_term();
	environ = vars->vars;
}

static gpg_error_t
start(struct pinentry *p, const char *path, struct environment_block *vars)
{
	const char *argv[] = {"pinentry", NULL};
	assuan_fd_t inherited[] = {ASSUAN_INVALID_FD};
	assuan_fd_t fds[2]; /* it refuses to write into fewer */
	gpg_error_t err = assuan_new(&p->ctx);

	if (err != 0)
		return err;
	/* The PIN passes through it; and its end is not waited for. */
	assuan_set_flag(p->ctx, ASSUAN_NO_LOGGING, 1);
	assuan_set_flag(p->ctx, ASSUAN_CONFIDENTIAL, 1);
	assuan_set_flag(p->ctx, ASSUAN_NO_WAITPID, 1);
	/* The greeting is waited for; a display that hangs may keep that. */
	program_die_by_term();
	err = assuan_pipe_connect(
	    p->ctx, path, argv, inherited, enter_child, vars, 0);
	program_catch_term();
	if (err != 0)
		return err;
	if (assuan_get_active_fds(p->ctx, 0, fds, 2) != 1)
		return gpg_error(GPG_ERR_ASS_GENERAL);
	p->fd = fds[0];
	return 0;
}

/* The person's choice, else the usual one; false with a->why. */
static bool
find_pinentry(struct asking *a, char path[static PATH_MAX_BYTES])
{
	const char *named = environment_get(a->environment, "PINENTRY_PROGRAM");

#ifdef __APPLE__
	if (named == NULL && program_find(a->environment, PINENTRY_MAC, path,
	    PATH_MAX_BYTES))
		return true;
#endif
	if (named == NULL)
		named = "pinentry";
	if (program_find(a->environment, named, path, PATH_MAX_BYTES))
		return true;
	source_cannot(a, "there is no program %s", named);
	return false;
}

static bool
is_pinentry_mac(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && strcmp(slash + 1, PINENTRY_MAC) == 0;
}

enum source_result
pinentry_ask(struct asking *a)
{
	struct pinentry p = {.asking = a, .fd = -1};
	struct environment_block vars;
	enum source_result result;
	char path[PATH_MAX_BYTES];
	gpg_error_t err;

	if (!find_pinentry(a, path))
		return SOURCE_CANNOT;
	p.may_cache = is_pinentry_mac(path);
	environment_pick(a->environment, &vars);
	err = start(&p, path, &vars);
	if (err != 0)
		result = source_cannot(
		    a, "%s cannot be used: %s", path, gpg_strerror(err));
	else
		result = ask(&p);
	if (result == SOURCE_NOBODY_WAITS)
		program_end(assuan_get_pid(p.ctx));
	assuan_release(p.ctx);
	return result;
}
