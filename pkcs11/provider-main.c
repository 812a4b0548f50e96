/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agent-provider: the process that loads one PKCS#11 module (or asks
 * p11-kit for names), for the daemon at the other end of WIRE_FD. Never
 * started by people.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/frame.h"
#include "common/harden.h"
#include "common/log.h"
#include "pkcs11/module.h"
#include "pkcs11/opensc-conf.h"
#include "pkcs11/provider-folder.h"
#include "pkcs11/role.h"

static void
pipe_is_broken(int number)
{
	(void)number;
}

/*
 * Modules print what they like; it must not get into anybody's output. A
 * handler for SIGPIPE, as a program that a module starts would not get rid of
 * SIG_IGN.
 */
static void
set_up(void)
{
	const struct sigaction handler = {
		.sa_handler = pipe_is_broken, .sa_flags = SA_RESTART,
	};

	dup2(STDERR_FILENO, STDOUT_FILENO);
	sigaction(SIGPIPE, &handler, NULL);
}

static int
failed(const struct p11_err *err)
{
	CLEANUP(buffer_cleanup) struct buffer out =
	    BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	struct wire_error w;

	p11_err_wire(err, &w);
	wire_failed_put(&out, &w);
	frame_write(WIRE_FD, &out);
	return 0;
}

static bool
loaded(const struct module *m)
{
	CLEANUP(buffer_cleanup) struct buffer out =
	    BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	struct wire_module w;

	module_wire(m, &w);
	wire_module_put(&out, &w);
	return frame_write(WIRE_FD, &out);
}

/* `requests` is what came behind the first message. */
static int
run_module(const struct wire_start *start, struct buffer *requests)
{
	struct p11_err err = {.call = ""};
	struct opensc_readers readers = {
		.ignored = start->ignored_readers,
		.n_ignored = start->n_ignored,
		.own = start->token.slot_description,
	};
	struct module m;
	bool done;

	if (!opensc_conf_apply(&readers, &err))
		log_warn("other readers are not left alone: %s", err.text);
	if (!module_open(&m, start, &err))
		return failed(&err);
	if (!loaded(&m))
		return 0;
	done = start->role == WIRE_ROLE_SCAN ?
	    role_scan(WIRE_FD, m.calls, start, &err) :
	    role_token(WIRE_FD, requests, &m, start, &err);
	return done ? 0 : failed(&err);
}

static int
run(const struct wire_start *start, struct buffer *requests)
{
	struct p11_err err = {.call = ""};

	/* Not worth a refusal: few modules write anything. */
	if (!provider_folder_enter(start->provider, &err))
		log_warn("no folder of its own for the module: %s", err.text);
	/* A scan follows whatever may have changed a card: see it anew. */
	else if (start->role == WIRE_ROLE_SCAN)
		provider_folder_empty_cache();
	if (start->role == WIRE_ROLE_NAMES)
		return role_names(WIRE_FD, &err) ? 0 : failed(&err);
	if (start->role == WIRE_ROLE_WATCH) {
		role_watch(WIRE_FD, start);
		return 0;
	}
	return run_module(start, requests);
}

/* The first message, copied: what it borrows from must stay. */
static bool
read_start(struct buffer *in, struct buffer *copy, struct wire_start *ret)
{
	struct bytes body;

	if (frame_read(WIRE_FD, in, WIRE_REQUEST_MAX_BYTES, &body) != 1 ||
	    body.p[0] != WIRE_START)
		return false;
	buffer_put(copy, bytes_of(body.p + 1, body.len - 1));
	frame_drop(in, body);
	return !copy->failed &&
	    wire_start_parse(buffer_bytes(copy), ret) == PARSE_OK;
}

/* Its argument, the role, is only for people who look at `ps`. */
int
main(void)
{
	struct buffer in = BUFFER_INIT(WIRE_QUEUE_MAX_BYTES);
	struct buffer copy = BUFFER_INIT(WIRE_REQUEST_MAX_BYTES);
	struct wire_start start;
	const char *fault;

	log_set_name("p11-agent-provider");
	if ((fault = harden_process()) != NULL) {
		log_error("%s", fault);
		return 1;
	}
	set_up();
	if (!read_start(&in, &copy, &start)) {
		log_error("this program is started by p11-agent alone");
		return 1;
	}
	/* Not exit(): a module's own clean-up may hang. */
	_exit(run(&start, &in));
}
