/* SPDX-License-Identifier: BSD-2-Clause */
/* Driving the real p11-agent-provider. */
#include "tests/pkcs11/provider-process.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/frame.h"
#include "tests/cmocka-all.h"

static void
run_program(int fd, enum wire_role role)
{
	static const char *const roles[] = {
		[WIRE_ROLE_SCAN] = "scan",
		[WIRE_ROLE_TOKEN] = "token",
		[WIRE_ROLE_NAMES] = "names",
		[WIRE_ROLE_WATCH] = "watch",
	};
	const char *program = getenv("P11_TEST_PROVIDER");

	/* dup2 of an fd on itself would leave it close-on-exec. */
	if (fd == WIRE_FD)
		fd = dup(fd);
	if (program == NULL || dup2(fd, WIRE_FD) != WIRE_FD)
		_exit(126);
	execl(program, program, roles[role], (char *)NULL);
	_exit(127);
}

void
provider_send(struct provider_process *p, const struct buffer *frames)
{
	assert_true(frame_write(p->fd, frames));
}

void
provider_start(struct provider_process *p, enum wire_role role,
    const char *module, const struct token_id *token)
{
	struct wire_start start = {
		.role = role,
		.module = bytes_str(module),
		.provider = bytes_str("test"),
	};

	if (token != NULL)
		start.token = *token;
	provider_start_with(p, &start);
}

void
provider_start_with(struct provider_process *p, const struct wire_start *start)
{
	struct buffer out = BUFFER_INIT(WIRE_REQUEST_MAX_BYTES);
	int fds[2];

	*p = (struct provider_process){.in =
	    BUFFER_INIT(2 * WIRE_REPLY_MAX_BYTES)};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    fds), 0);
	p->fd = fds[0];
	p->pid = fork();
	assert_int_not_equal(p->pid, -1);
	if (p->pid == 0)
		run_program(fds[1], start->role);
	close(fds[1]);
	wire_start_put(&out, start);
	provider_send(p, &out);
	buffer_clear(&out);
}

int
provider_end(struct provider_process *p)
{
	int status;

	close(p->fd);
	buffer_clear(&p->in);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
receive(struct provider_process *p)
{
	if (p->frame.len > 0)
		frame_drop(&p->in, p->frame);
	p->frame = BYTES_NONE;
	return frame_read(p->fd, &p->in, WIRE_REPLY_MAX_BYTES, &p->frame);
}

uint8_t
provider_receive(struct provider_process *p, struct bytes *body)
{
	assert_int_equal(receive(p), 1);
	*body = bytes_of(p->frame.p + 1, p->frame.len - 1);
	return p->frame.p[0];
}

void
provider_expect_end(struct provider_process *p)
{
	assert_int_equal(receive(p), 0);
}

struct bytes
provider_expect(struct provider_process *p, uint8_t type)
{
	struct wire_error err;
	struct bytes body;
	uint8_t got = provider_receive(p, &body);

	/* A scan's next slot is for tests that ask for it. */
	while (got == WIRE_SLOT && type != WIRE_SLOT)
		got = provider_receive(p, &body);
	if (got == WIRE_FAILED && type != WIRE_FAILED &&
	    wire_failed_parse(body, &err) == PARSE_OK)
		fail_msg("failed: %.*s %.*s %.*s", (int)err.call.len,
		    (const char *)err.call.p, (int)err.rv_name.len,
		    (const char *)err.rv_name.p, (int)err.text.len,
		    (const char *)err.text.p);
	if (got != type)
		fail_msg("message %u, not %u", got, type);
	return body;
}

void
provider_expect_token(struct provider_process *p, struct wire_token *ret)
{
	struct bytes body;

	provider_expect(p, WIRE_MODULE);
	body = provider_expect(p, WIRE_TOKEN);
	assert_int_equal(wire_token_parse(body, ret), PARSE_OK);
}

uint32_t
provider_send_login(struct provider_process *p, const char *pin)
{
	struct buffer out = BUFFER_INIT(WIRE_REQUEST_MAX_BYTES);
	struct wire_login m = {.id = ++p->next_id, .pin = bytes_str(pin),
	    .person = true, .told = true};

	wire_login_put(&out, &m);
	provider_send(p, &out);
	buffer_clear(&out);
	return m.id;
}

uint32_t
provider_send_sign(struct provider_process *p, const uint8_t *ref,
    enum sign_algorithm algorithm, struct bytes data, const char *pin)
{
	struct buffer out = BUFFER_INIT(WIRE_REQUEST_MAX_BYTES);
	struct wire_sign m = {.id = ++p->next_id, .algorithm = algorithm,
	    .data = data, .pin = bytes_str(pin), .renew = p->renew};

	m.login = m.person = m.told = m.pin.len > 0;
	memcpy(m.ref, ref, sizeof(m.ref));
	wire_sign_put(&out, &m);
	provider_send(p, &out);
	buffer_clear(&out);
	return m.id;
}

struct wire_login_result
provider_login_result(struct provider_process *p, uint32_t id)
{
	struct wire_login_result r;
	struct bytes body = provider_expect(p, WIRE_LOGIN_RESULT);

	assert_int_equal(wire_login_result_parse(body, &r), PARSE_OK);
	assert_int_equal(r.id, id);
	return r;
}

struct wire_sign_result
provider_sign_result(struct provider_process *p, uint32_t id)
{
	struct wire_sign_result r;
	struct wire_token shown;
	struct bytes body;

	if (p->renew && provider_receive(p, &body) == WIRE_TOKEN)
		assert_int_equal(wire_token_parse(body, &shown), PARSE_OK);
	if (!p->renew || p->frame.p[0] == WIRE_TOKEN)
		body = provider_expect(p, WIRE_SIGN_RESULT);
	assert_int_equal(p->frame.p[0], WIRE_SIGN_RESULT);
	assert_int_equal(wire_sign_result_parse(body, &r), PARSE_OK);
	assert_int_equal(r.id, id);
	return r;
}

struct wire_login_result
provider_login(struct provider_process *p, const char *pin)
{
	uint32_t id = provider_send_login(p, pin);
	struct wire_login_result r;
	struct bytes body;

	if (provider_receive(p, &body) == WIRE_TOKEN) {
		r = provider_login_result(p, id);
		assert_true(r.outcome == WIRE_OK ||
		    r.outcome == WIRE_LOGGED_IN);
		return r;
	}
	assert_int_equal(p->frame.p[0], WIRE_LOGIN_RESULT);
	assert_int_equal(wire_login_result_parse(body, &r), PARSE_OK);
	assert_int_equal(r.id, id);
	/* It promises a fresh view of the token before a good one. */
	assert_true(r.outcome != WIRE_OK && r.outcome != WIRE_LOGGED_IN);
	return r;
}

struct wire_sign_result
provider_sign(struct provider_process *p, const uint8_t *ref,
    enum sign_algorithm algorithm, struct bytes data, const char *pin)
{
	return provider_sign_result(p, provider_send_sign(p, ref, algorithm,
	    data, pin));
}
