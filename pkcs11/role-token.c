/* SPDX-License-Identifier: BSD-2-Clause */
/* The role "token": logins and signatures of one token. */
#include "pkcs11/role.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/frame.h"
#include "common/log.h"
#include "common/secret.h"
#include "pkcs11/mutex.h"
#include "pkcs11/pool.h"
#include "pkcs11/sign.h"

enum {
	/* Longer than pcscd needs to see a new card: 0.4 s, and its start. */
	COME_LOOKS = 12,
	COME_LOOK_MS = 100,
};

struct server {
	int fd;
	struct buffer *in; /* borrowed; who reads has it */
	pthread_mutex_t write_mutex;
	struct token_session token;
};

/* A login (with its type), or a signature, on its way. */
struct request {
	struct pool_job job;
	enum wire_type type;
	uint32_t id;
	struct secret *pin; /* owned, or NULL */
	struct token_pin login;   /* a view of it */
	bool renew;	    /* see struct wire_sign */
	bool renewing;	    /* it was lost; now it runs alone */
	struct p11_err lost; /* why */
	unsigned renewals;  /* of the token, when it was lost */
	struct sign_request sign; /* its data are behind it */
	uint8_t data[];
};

/* The end of the process, also beside a call that never comes back. */
static _Noreturn void
server_end(int code)
{
	_exit(code);
}

static void
request_free(struct request *r)
{
	secret_free(r->pin);
	free(r);
}

static struct request *
request_new(enum wire_type type, uint32_t id, struct bytes pin,
    struct bytes data)
{
	struct request *r = calloc(1, sizeof(*r) + data.len + 1);

	if (r == NULL)
		return NULL;
	r->job.bytes = sizeof(*r) + data.len;
	r->type = type;
	r->id = id;
	if (pin.len > 0 && (r->pin = secret_new(pin)) == NULL) {
		request_free(r);
		return NULL;
	}
	if (data.len > 0)
		memcpy(r->data, data.p, data.len);
	r->sign.data = r->data;
	r->sign.data_len = data.len;
	r->login.pin = secret_bytes(r->pin);
	return r;
}

static enum parse_err
request_parse(struct bytes body, struct request **ret)
{
	enum wire_type type = (enum wire_type)body.p[0];
	struct wire_login login;
	struct wire_sign sign;
	enum parse_err err;

	body = bytes_of(body.p + 1, body.len - 1);
	if (type == WIRE_LOGIN) {
		if ((err = wire_login_parse(body, &login)) != PARSE_OK)
			return err;
		*ret = request_new(type, login.id, login.pin, BYTES_NONE);
		if (*ret != NULL) {
			(*ret)->login.person = login.person;
			(*ret)->login.told = login.told;
		}
	} else if (type == WIRE_SIGN) {
		if ((err = wire_sign_parse(body, &sign)) != PARSE_OK)
			return err;
		*ret = request_new(type, sign.id, sign.pin, sign.data);
		if (*ret != NULL) {
			memcpy((*ret)->sign.ref, sign.ref, sizeof(sign.ref));
			(*ret)->sign.algorithm = sign.algorithm;
			(*ret)->login.person = sign.person;
			(*ret)->login.told = sign.told;
			(*ret)->sign.login = sign.login;
			(*ret)->sign.pin = (*ret)->login;
			(*ret)->renew = sign.renew;
		}
	} else {
		return PARSE_VALUE;
	}
	return *ret == NULL ? PARSE_MEMORY : PARSE_OK;
}

static struct pool_job *
server_read(void *arg)
{
	struct server *s = arg;
	struct request *r = NULL;
	enum parse_err err;
	struct bytes body;

	switch (frame_read(s->fd, s->in, WIRE_REQUEST_MAX_BYTES, &body)) {
	case 1:
		break;
	case 0:
		server_end(0);
	default:
		server_end(1);
	}
	err = request_parse(body, &r);
	frame_drop(s->in, body); /* wipes a PIN */
	if (err != PARSE_OK) {
		log_error("a request of the daemon: %s", parse_err_text(err));
		server_end(1);
	}
	return &r->job;
}

static bool
server_exclusive(void *arg, const struct pool_job *job)
{
	const struct server *s = arg;
	const struct request *r = (const struct request *)job;

	return r->type == WIRE_LOGIN || r->renewing ||
	    token_sign_exclusive(&s->token, r->sign.ref);
}

static void
server_send(struct server *s, const struct buffer *out)
{
	bool ok;

	pthread_mutex_lock(&s->write_mutex);
	ok = frame_write(s->fd, out);
	pthread_mutex_unlock(&s->write_mutex);
	if (!ok)
		server_end(0); /* nobody is there to hear it */
}

/* Send a sign of progress while keys are read. */
static void
server_progress(void *arg, const struct buffer *frame)
{
	server_send(arg, frame);
}

static const char kept_lock[] = "the module kept a lock after a call; its "
    "next one would never return";

/*
 * After each request: a module that kept a mutex of ours is lost, whatever it
 * answered. The daemon goes on with a fresh process.
 */
static void
server_check_locks(struct server *s)
{
	CLEANUP(buffer_cleanup) struct buffer out =
	    BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	struct p11_err err;
	struct wire_error w;

	if (!mutex_is_held())
		return;
	p11_err_set(&err, "", CKR_OK, "%s", kept_lock);
	p11_err_wire(&err, &w);
	wire_failed_put(&out, &w);
	server_send(s, &out);
	server_end(0);
}

static void
server_login(struct server *s, const struct request *r)
{
	CLEANUP(buffer_cleanup) struct buffer out =
	    BUFFER_INIT(2 * WIRE_REPLY_MAX_BYTES);
	struct wire_login_result result = {.id = r->id};
	struct p11_err err = {.call = ""};

	result.outcome = token_session_login(&s->token, &r->login,
	    &result.pin_in_doubt, &err);
	if (result.outcome == WIRE_OK || result.outcome == WIRE_LOGGED_IN)
		token_session_wire_put(&out, &s->token);
	else
		p11_err_wire(&err, &result.error);
	result.flags = token_session_flags(&s->token, result.outcome);
	wire_login_result_put(&out, &result);
	server_send(s, &out);
	server_check_locks(s);
}

/*
 * The first rung of the climb (design section 8): what was lost is opened
 * anew, by whoever comes first. The daemon hears what the token shows now.
 */
static bool
server_renew(struct server *s, const struct request *r, struct buffer *out,
    struct p11_err *err)
{
	if (s->token.renewals != r->renewals)
		return true;
	if (!token_session_again(&s->token, err))
		return false;
	token_session_wire_put(out, &s->token);
	return true;
}

/* False: to be run once more, with nothing else on the token. */
static bool
server_sign(struct server *s, struct request *r, unsigned lane)
{
	CLEANUP(buffer_cleanup) struct buffer out =
	    BUFFER_INIT(2 * WIRE_REPLY_MAX_BYTES);
	struct wire_sign_result result = {
		.id = r->id,
		.renewed = r->renewing,
		.outcome = WIRE_LOST,
	};
	unsigned renewals = s->token.renewals;
	struct p11_err err = {.call = ""};
	struct signature signature;
	bool stuck;

	signature.len = 0;
	signature.pin = WIRE_PIN_UNSEEN;
	if (!r->renewing || server_renew(s, r, &out, &err))
		result.outcome = token_sign(&s->token, lane, &r->sign,
		    &signature, &err);
	result.pin = signature.pin;
	stuck = mutex_is_held();
	/* An answer about a PIN is believed; else the module is lost. */
	if (stuck && result.outcome != WIRE_OK && result.pin != WIRE_PIN_TRIED)
		result.outcome = WIRE_LOST;
	if (result.outcome == WIRE_LOST && r->renew && !r->renewing && !stuck &&
	    result.pin != WIRE_PIN_TRIED) {
		r->renewing = true;
		r->lost = err;
		r->renewals = renewals;
		return false;
	}
	if (result.outcome == WIRE_OK)
		result.signature = bytes_of(signature.bytes, signature.len);
	p11_err_wire(result.outcome == WIRE_OK ? &r->lost : &err,
	    &result.error);
	if (result.outcome != WIRE_OK || r->sign.login)
		result.flags = token_session_flags(&s->token,
		    result.outcome);
	wire_sign_result_put(&out, &result);
	server_send(s, &out);
	server_check_locks(s);
	return true;
}

static void
server_drop(void *arg, struct pool_job *job)
{
	(void)arg;
	request_free((struct request *)job);
}

static bool
server_run(void *arg, struct pool_job *job, unsigned lane)
{
	struct server *s = arg;
	struct request *r = (struct request *)job;

	if (r->type == WIRE_LOGIN)
		server_login(s, r);
	else if (!server_sign(s, r, lane))
		return false;
	request_free(r);
	return true;
}

static unsigned
cpu_count(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : (unsigned)n;
}

static void
server_ready(struct server *s)
{
	CLEANUP(buffer_cleanup) struct buffer out =
	    BUFFER_INIT(2 * WIRE_REPLY_MAX_BYTES);

	token_session_wire_put(&out, &s->token);
	wire_done_put(&out);
	server_send(s, &out);
}

/* So a card looks that pcscd is just looking at. */
static bool
may_come(CK_RV rv)
{
	return rv == CKR_TOKEN_NOT_PRESENT || rv == CKR_TOKEN_NOT_RECOGNIZED ||
	    rv == CKR_DEVICE_REMOVED;
}

/*
 * The daemon believes that the token is there: one that was pulled out and put
 * back before anybody noticed gets the time that pcscd needs to notice.
 */
static bool
server_open(struct server *s, const struct module *module,
    const struct wire_start *start, struct progress *progress,
    struct p11_err *err)
{
	const struct timespec pause = {.tv_nsec = COME_LOOK_MS * 1000000L};
	unsigned lanes = module->one_thread ? 1 : cpu_count();

	for (int look = 0; look < COME_LOOKS; look++) {
		if (token_session_open(&s->token, module->calls, start, lanes,
		    progress, err))
			return true;
		if (mutex_is_held() || !may_come(err->rv))
			return false;
		nanosleep(&pause, NULL);
	}
	return false;
}

bool
role_token(int fd, struct buffer *in, const struct module *module,
    const struct wire_start *start, struct p11_err *err)
{
	static const struct pool_calls calls = {
		.read = server_read,
		.exclusive = server_exclusive,
		.run = server_run,
		.drop = server_drop,
	};
	struct server s = {
		.fd = fd,
		.in = in,
		.write_mutex = PTHREAD_MUTEX_INITIALIZER,
	};
	struct progress progress = {.send = server_progress, .arg = &s};

	if (!server_open(&s, module, start, &progress, err))
		return false;
	if (mutex_is_held())
		return p11_err_set(err, "", CKR_OK, "%s", kept_lock);
	server_ready(&s);
	pool_run(&calls, &s, s.token.lanes, WIRE_REQUESTS_MAX,
	    WIRE_QUEUE_MAX_BYTES);
	token_session_close(&s.token);
	return p11_err_set(err, "", CKR_HOST_MEMORY,
	    "no thread could be started");
}
